/*
 * shard_pace: a peer that drips loses its place, one that is slow but steady does not, and our own
 * slowness is never held against it.
 */
#include "storaged/shard_pace.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

struct fixture {
    struct test_env env;
    struct loop *loop;
    struct shard_pace pace;
    unsigned late;
};

static void note_late(struct shard_pace *pace)
{
    struct fixture *fixture = (struct fixture *)((char *)pace - offsetof(struct fixture, pace));
    fixture->late++;
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct hearth_err err;
    fixture.late = 0;
    test_env_init(&fixture.env, 1);
    assert_ok(loop_create(&fixture.env.env, &fixture.loop, &err), &err);
    shard_pace_begin(&fixture.pace, fixture.loop, note_late);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    shard_pace_end(&fixture->pace);
    loop_destroy(fixture->loop);
    return 0;
}

static void step_ms(struct fixture *fixture, uint64_t ms)
{
    test_env_step_ms(&fixture->env, ms);
    while (loop_run_once(fixture->loop)) {
    }
}

/* The peer sends `bytes` every `ms`, until it is late or `times` are over. */
static unsigned feed(struct fixture *fixture, uint64_t bytes, uint64_t ms, unsigned times)
{
    unsigned sent = 0;
    while (sent < times) {
        shard_pace_wait(&fixture->pace);
        step_ms(fixture, ms);
        if (fixture->late > 0) {
            break;
        }
        shard_pace_moved(&fixture->pace, bytes);
        sent++;
    }
    return sent;
}

static void a_silent_peer_is_late_once(void **state)
{
    struct fixture *fixture = *state;
    shard_pace_wait(&fixture->pace);
    step_ms(fixture, SHARD_PATIENCE_MS - 1);
    assert_int_equal(fixture->late, 0);
    step_ms(fixture, 1);
    assert_int_equal(fixture->late, 1);
    step_ms(fixture, SHARD_PATIENCE_MS);
    assert_int_equal(fixture->late, 1);
}

static void a_slow_but_steady_peer_may_take_hours(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(feed(fixture, 65536, 40000, 500), 500);
}

static void a_drip_of_tiny_messages_is_late_soon(void **state)
{
    struct fixture *fixture = *state;
    assert_true(feed(fixture, 80, 1000, 1000) < 70);
    assert_int_equal(fixture->late, 1);
}

static void bytes_sent_early_do_not_excuse_silence(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(feed(fixture, 65536, 1, 1000), 1000);
    shard_pace_wait(&fixture->pace);
    step_ms(fixture, SHARD_PATIENCE_MS);
    assert_int_equal(fixture->late, 1);
}

static void the_time_of_our_disk_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(feed(fixture, 100, 10, 1), 1);
        step_ms(fixture, SHARD_PATIENCE_MS);
    }
    assert_int_equal(fixture->late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_silent_peer_is_late_once),
        CASE(a_slow_but_steady_peer_may_take_hours),
        CASE(a_drip_of_tiny_messages_is_late_soon),
        CASE(bytes_sent_early_do_not_excuse_silence),
        CASE(the_time_of_our_disk_does_not_count),
#undef CASE
    };
    return cmocka_run_group_tests_name("shard_pace", tests, NULL, NULL);
}
