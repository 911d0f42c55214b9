/*
 * turnstile: never more inside than may be, nobody is forgotten at the door, nobody waits for ever.
 */
#include "client/turnstile.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdbool.h>

enum { INSIDE_MAX = 3, VISITORS = 12, VISITS = 2000 };

struct crowd {
    struct turnstile turnstile;
    atomic_uint inside;
    atomic_uint inside_most;
    atomic_uint visits;
};

static void *visit_often(void *context)
{
    struct crowd *crowd = context;
    struct hearth_err err;
    for (unsigned i = 0; i < VISITS; i++) {
        if (turnstile_enter_blocking(&crowd->turnstile, 60 * 1000, NULL, &err) != HEARTH_OK) {
            return NULL;
        }
        unsigned inside = atomic_fetch_add(&crowd->inside, 1) + 1;
        if (inside > atomic_load(&crowd->inside_most)) {
            atomic_store(&crowd->inside_most, inside);
        }
        atomic_fetch_add(&crowd->visits, 1);
        atomic_fetch_sub(&crowd->inside, 1);
        turnstile_leave(&crowd->turnstile);
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
    test_env_init(&env, 1);
    turnstile_init(&turnstile, &env.env, 1);
    assert_ok(turnstile_enter_blocking(&turnstile, 0, NULL, &err), &err);
    assert_int_equal(turnstile_enter_blocking(&turnstile, 0, NULL, &err), HEARTH_BUSY);
    turnstile_leave(&turnstile);
    assert_ok(turnstile_enter_blocking(&turnstile, 0, NULL, &err), &err);
    turnstile_leave(&turnstile);
    turnstile_fini(&turnstile);
}

static void who_is_cancelled_leaves_the_door(void **state)
{
    (void)state;
    struct hearth_err err;
    struct turnstile turnstile;
    atomic_bool cancel = true;
    turnstile_init(&turnstile, env_system(), 1);
    assert_ok(turnstile_enter_blocking(&turnstile, 0, &cancel, &err), &err); /* there was room */
    assert_int_equal(
        turnstile_enter_blocking(&turnstile, 3600 * 1000, &cancel, &err), HEARTH_CANCELLED);
    turnstile_leave(&turnstile);
    turnstile_fini(&turnstile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_passes_and_is_never_more_inside_than_may_be),
        cmocka_unit_test(who_finds_it_full_is_told_so_when_patience_is_over),
        cmocka_unit_test(who_is_cancelled_leaves_the_door),
    };
    return cmocka_run_group_tests_name("turnstile", tests, NULL, NULL);
}
