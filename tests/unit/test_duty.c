/*
 * duty: rounds run one after the other, at once when woken, and stop waits for the one that runs.
 * Intervals are a day, so what happens in this test happens because it was asked for.
 */
#include "coordinator/duty.h"

#include "tests/lib/test.h"
#include "tests/lib/test_rpc.h"

#include <sched.h>
#include <stdlib.h>

#define A_DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

struct fixture {
    struct duty *duty;
    struct test_gate begun;
    struct test_gate may_end; /* awaited by each round, when `holds` */
    _Atomic bool holds;
    _Atomic bool saw_stopping;
    _Atomic unsigned ended;
    struct hearth_err err;
};

static void round_of(struct duty *duty, void *context)
{
    struct fixture *fixture = context;
    test_gate_pass(&fixture->begun);
    if (fixture->holds) {
        test_gate_wait(&fixture->may_end, 1);
    }
    fixture->saw_stopping = duty_is_stopping(duty);
    fixture->ended++;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_gate_init(&fixture->begun);
    test_gate_init(&fixture->may_end);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    test_gate_fini(&fixture->begun);
    test_gate_fini(&fixture->may_end);
    free(fixture);
    return 0;
}

static void start(struct fixture *fixture)
{
    assert_ok(
        duty_start(round_of, fixture, A_DAY_MS, &fixture->duty, &fixture->err), &fixture->err);
    test_gate_wait(&fixture->begun, 1);
}

static void the_first_round_runs_at_once(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    duty_stop(fixture->duty);
    assert_int_equal(fixture->ended, 1);
}

/* Once: the interval is a day. */
static void short_pause_of(struct duty *duty, void *context)
{
    struct fixture *fixture = context;
    if (fixture->ended++ == 0) {
        duty_pause(duty, 0);
    }
    test_gate_pass(&fixture->begun);
}

static void a_round_may_say_how_long_the_pause_after_it_is(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(duty_start(short_pause_of, fixture, A_DAY_MS, &fixture->duty, &fixture->err),
        &fixture->err);
    test_gate_wait(&fixture->begun, 2);
    duty_stop(fixture->duty);
    assert_int_equal(fixture->ended, 2);
    duty_pause(NULL, 1); /* a round by hand */
}

static void a_wake_begins_the_next_round(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    for (unsigned rounds = 2; rounds < 10; rounds++) {
        duty_wake(fixture->duty);
        test_gate_wait(&fixture->begun, rounds);
    }
    duty_stop(fixture->duty);
    assert_int_equal(fixture->ended, 9);
}

static void a_wake_during_a_round_is_not_lost(void **state)
{
    struct fixture *fixture = *state;
    fixture->holds = true;
    start(fixture);
    duty_wake(fixture->duty);
    fixture->holds = false;
    test_gate_pass(&fixture->may_end);
    test_gate_wait(&fixture->begun, 2);
    duty_stop(fixture->duty);
    assert_int_equal(fixture->ended, 2);
}

static void *stop(void *context)
{
    struct fixture *fixture = context;
    duty_stop(fixture->duty);
    return NULL;
}

static void stopping_is_seen_inside_a_round_and_waits_for_it(void **state)
{
    struct fixture *fixture = *state;
    fixture->holds = true;
    start(fixture);
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop, fixture), 0);
    while (!duty_is_stopping(fixture->duty)) {
        sched_yield();
    }
    assert_int_equal(fixture->ended, 0);
    test_gate_pass(&fixture->may_end);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(fixture->ended, 1);
    assert_true(fixture->saw_stopping);
}

static void stop_accepts_none(void **state)
{
    (void)state;
    duty_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_round_runs_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_round_may_say_how_long_the_pause_after_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wake_begins_the_next_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wake_during_a_round_is_not_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            stopping_is_seen_inside_a_round_and_waits_for_it, set_up, tear_down),
        cmocka_unit_test(stop_accepts_none),
    };
    return cmocka_run_group_tests_name("duty", tests, NULL, NULL);
}
