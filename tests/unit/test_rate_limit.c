/*
 * rate_limit: how long each taker waits, with a clock that the test steps.
 */
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tools/rate_limit.h"

#include <stdbool.h>

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

/* Takes `count` times, waiting as told; how long that took. */
static uint64_t run(struct test_env *env, struct rate_limit *limit, unsigned count, uint64_t bytes)
{
    uint64_t start_ns = env_now_ns(&env->env);
    for (unsigned i = 0; i < count; i++) {
        env->monotonic_ns += rate_limit_take(limit, bytes);
    }
    return env_now_ns(&env->env) - start_ns;
}

static void so_many_bytes_take_so_long(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 7, 1000, 1 << 20, 1 << 30};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct test_env env;
        test_env_init(&env, 1);
        struct rate_limit *limit = rate_limit_create(&env.env, rates[i]);
        uint64_t bytes = rate_limit_portion(limit, UINT64_MAX);
        double took_s = (double)run(&env, limit, 1000, bytes) / (double)S;
        double expected = 1000 * (double)bytes / (double)rates[i] - TOKEN_BURST_MS / 1000.0;
        assert_true(took_s > expected * 0.999 - 1e-3 - 1 / (double)rates[i]);
        assert_true(took_s < expected * 1.001 + 1e-3 + 1 / (double)rates[i]);
        rate_limit_destroy(limit);
    }
}

/* Each owes what it took, behind those before it. */
static void takers_share_what_there_is(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 1);
    struct rate_limit *limit = rate_limit_create(&env.env, 10000);
    run(&env, limit, 2, 1000); /* what was saved up, and as much again */
    assert_int_equal(rate_limit_take(limit, 1000), 100 * MS);
    assert_int_equal(rate_limit_take(limit, 1000), 200 * MS);
    env.monotonic_ns += 150 * MS;
    assert_int_equal(rate_limit_take(limit, 500), 100 * MS);
    rate_limit_destroy(limit);
}

static void a_portion_is_a_tenth_of_a_second(void **state)
{
    (void)state;
    static const uint64_t rates[] = {3, 1000, TOKEN_RATE_MAX};
    static const uint64_t portions[] = {1, 100, 1 << 26};
    for (unsigned i = 0; i < 3; i++) {
        struct rate_limit *limit = rate_limit_create(env_system(), rates[i]);
        assert_int_equal(rate_limit_portion(limit, UINT64_MAX), portions[i]);
        assert_int_equal(rate_limit_portion(limit, 1), 1);
        rate_limit_destroy(limit);
    }
}

static void without_a_limit_everything_passes(void **state)
{
    (void)state;
    struct hearth_err err;
    assert_null(rate_limit_create(env_system(), 0));
    assert_int_equal(rate_limit_portion(NULL, 12345), 12345);
    assert_ok(rate_limit_pass(NULL, UINT64_MAX, NULL, &err), &err);
    rate_limit_destroy(NULL);
}

static void who_waits_can_be_called_off(void **state)
{
    (void)state;
    struct hearth_err err;
    atomic_bool cancel = true;
    struct rate_limit *limit = rate_limit_create(env_system(), 1);
    assert_int_equal(rate_limit_portion(limit, 12345), 1);
    assert_int_equal(rate_limit_pass(limit, 3600, &cancel, &err), HEARTH_CANCELLED);
    rate_limit_destroy(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_bytes_take_so_long),
        cmocka_unit_test(takers_share_what_there_is),
        cmocka_unit_test(a_portion_is_a_tenth_of_a_second),
        cmocka_unit_test(without_a_limit_everything_passes),
        cmocka_unit_test(who_waits_can_be_called_off),
    };
    return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
