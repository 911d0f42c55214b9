/*
 * turnstile: never more inside than may be, nobody is forgotten at the door, nobody waits for ever.
 */
#include "client/turnstile.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <sched.h>
#include <stdbool.h>

enum { INSIDE_MAX = 3, VISITORS = 12, VISITS = 2000 };

struct crowd {
    struct turnstile turnstile;
    atomic_uint inside;
    atomic_uint inside_most;
    atomic_uint visits;
    atomic_bool may_leave;
};

static void *visit_often(void *context)
{
    struct crowd *crowd = context;
    struct hearth_err err;
    for (unsigned i = 0; i < VISITS; i++) {
        struct turn turn = {0};
        if (turnstile_enter_blocking(&crowd->turnstile, &turn, 60 * 1000, NULL, &err) !=
            HEARTH_OK) {
            return NULL;
        }
        unsigned inside = atomic_fetch_add(&crowd->inside, 1) + 1;
        if (inside > atomic_load(&crowd->inside_most)) {
            atomic_store(&crowd->inside_most, inside);
        }
        atomic_fetch_add(&crowd->visits, 1);
        atomic_fetch_sub(&crowd->inside, 1);
        turnstile_leave(&crowd->turnstile, &turn);
    }
    return NULL;
}

static void a_crowd_passes_and_is_never_more_inside_than_may_be(void **state)
{
    (void)state;
    struct crowd crowd = {0};
    turnstile_init(&crowd.turnstile, env_system(), INSIDE_MAX);
    pthread_t threads[VISITORS];
    for (unsigned i = 0; i < VISITORS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, visit_often, &crowd), 0);
    }
    for (unsigned i = 0; i < VISITORS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(crowd.visits, VISITORS * VISITS);
    assert_in_range(crowd.inside_most, 1, INSIDE_MAX);
    turnstile_fini(&crowd.turnstile);
}

static void who_finds_it_full_is_told_so_when_patience_is_over(void **state)
{
    (void)state;
    struct test_env env; /* its clock stands still: no patience is over at once */
    struct hearth_err err;
    struct turnstile turnstile;
    struct turn first = {0};
    struct turn second = {0};
    test_env_init(&env, 1);
    turnstile_init(&turnstile, &env.env, 1);
    assert_ok(turnstile_enter_blocking(&turnstile, &first, 0, NULL, &err), &err);
    assert_false(turnstile_try_enter(&turnstile, &second));
    assert_int_equal(turnstile_enter_blocking(&turnstile, &second, 0, NULL, &err), HEARTH_BUSY);
    turnstile_leave(&turnstile, &second); /* it never was inside */
    turnstile_leave(&turnstile, &first);
    assert_ok(turnstile_enter_blocking(&turnstile, &second, 0, NULL, &err), &err);
    turnstile_leave(&turnstile, &second);
    turnstile_fini(&turnstile);
}

static void who_is_cancelled_leaves_the_door(void **state)
{
    (void)state;
    struct hearth_err err;
    struct turnstile turnstile;
    struct turn first = {0};
    struct turn second = {0};
    atomic_bool cancel = true;
    turnstile_init(&turnstile, env_system(), 1);
    /* There was room. */
    assert_ok(turnstile_enter_blocking(&turnstile, &first, 0, &cancel, &err), &err);
    assert_int_equal(turnstile_enter_blocking(&turnstile, &second, 3600 * 1000, &cancel, &err),
        HEARTH_CANCELLED);
    turnstile_leave(&turnstile, &first);
    turnstile_fini(&turnstile);
}

static void *visit_once(void *context)
{
    struct crowd *crowd = context;
    struct hearth_err err;
    struct turn turn = {0};
    if (turnstile_enter_blocking(&crowd->turnstile, &turn, 60 * 1000, NULL, &err) == HEARTH_OK) {
        atomic_fetch_add(&crowd->visits, 1);
        turnstile_leave(&crowd->turnstile, &turn);
    }
    return NULL;
}

static void one_who_waits_is_made_way_for_by_one(void **state)
{
    (void)state;
    struct crowd crowd = {0};
    struct turn turns[2] = {0};
    struct turn passing = {0};
    pthread_t visitor;
    turnstile_init(&crowd.turnstile, env_system(), 2);
    assert_true(turnstile_try_enter(&crowd.turnstile, &turns[0]));
    assert_true(turnstile_try_enter(&crowd.turnstile, &turns[1]));
    assert_false(turnstile_is_wanted(&crowd.turnstile, &turns[0]));

    assert_int_equal(pthread_create(&visitor, NULL, visit_once, &crowd), 0);
    while (!turnstile_is_wanted(&crowd.turnstile, &turns[0])) {
        sched_yield();
    }
    assert_false(turnstile_is_wanted(&crowd.turnstile, &turns[1]));
    assert_false(turnstile_try_enter(&crowd.turnstile, &passing));
    turnstile_leave(&crowd.turnstile, &turns[0]);
    pthread_join(visitor, NULL);
    assert_int_equal(crowd.visits, 1);
    assert_false(turnstile_is_wanted(&crowd.turnstile, &turns[1]));
    turnstile_leave(&crowd.turnstile, &turns[1]);
    turnstile_fini(&crowd.turnstile);
}

static void *visit_until_told(void *context)
{
    struct crowd *crowd = context;
    struct hearth_err err;
    struct turn turn = {0};
    if (turnstile_enter_blocking(&crowd->turnstile, &turn, 60 * 1000, NULL, &err) == HEARTH_OK) {
        while (!atomic_load(&crowd->may_leave)) {
            sched_yield();
        }
        turnstile_leave(&crowd->turnstile, &turn);
    }
    return NULL;
}

/* The place that was left is of the one who waits, also until he has noticed. */
static void who_comes_later_does_not_pass_one_who_waits(void **state)
{
    (void)state;
    struct crowd crowd = {0};
    struct turn first = {0};
    struct turn later = {0};
    pthread_t visitor;
    turnstile_init(&crowd.turnstile, env_system(), 1);
    assert_true(turnstile_try_enter(&crowd.turnstile, &first));
    assert_int_equal(pthread_create(&visitor, NULL, visit_until_told, &crowd), 0);
    while (!turnstile_is_wanted(&crowd.turnstile, &first)) {
        sched_yield();
    }
    turnstile_leave(&crowd.turnstile, &first);
    assert_false(turnstile_try_enter(&crowd.turnstile, &later));
    atomic_store(&crowd.may_leave, true);
    pthread_join(visitor, NULL);
    assert_true(turnstile_try_enter(&crowd.turnstile, &later));
    turnstile_leave(&crowd.turnstile, &later);
    turnstile_fini(&crowd.turnstile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_passes_and_is_never_more_inside_than_may_be),
        cmocka_unit_test(who_finds_it_full_is_told_so_when_patience_is_over),
        cmocka_unit_test(who_is_cancelled_leaves_the_door),
        cmocka_unit_test(one_who_waits_is_made_way_for_by_one),
        cmocka_unit_test(who_comes_later_does_not_pass_one_who_waits),
    };
    return cmocka_run_group_tests_name("turnstile", tests, NULL, NULL);
}
