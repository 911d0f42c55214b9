/*
 * rpc_server: what it makes of the deadline a caller names, with a clock that stands still.
 */
#include "proto/rpc_transport.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

static enum hearth_code take(int64_t left_ms, uint64_t *out_ms, struct hearth_err *err)
{
    struct test_env env;
    test_env_init(&env, 1);
    struct rpc_runtime runtime = {.env = &env.env};
    struct rpc_server server = {.runtime = &runtime};
    struct rpc_context context = {.deadline_ns = 0};
    enum hearth_code code = rpc_server_take_deadline(&server, left_ms, &context, err);
    *out_ms = (context.deadline_ns - (code == HEARTH_OK ? env_now_ns(&env.env) : 0)) / 1000000;
    return code;
}

static void the_longest_deadline_may_arrive_rounded_up(void **state)
{
    (void)state;
    struct hearth_err err;
    uint64_t left_ms;
    assert_ok(take(RPC_DEADLINE_MAX_MS, &left_ms, &err), &err);
    assert_int_equal(left_ms, RPC_DEADLINE_MAX_MS);
    assert_ok(take(RPC_DEADLINE_MAX_MS + RPC_DEADLINE_ROUNDING_MS, &left_ms, &err), &err);
    assert_int_equal(left_ms, RPC_DEADLINE_MAX_MS); /* and counts no longer */
}

static void no_deadline_or_a_longer_one_is_refused(void **state)
{
    (void)state;
    struct hearth_err err;
    uint64_t left_ms;
    assert_int_equal(take(INT64_MAX, &left_ms, &err), HEARTH_INVALID);
    assert_int_equal(take(2 * RPC_DEADLINE_MAX_MS, &left_ms, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "a deadline is needed, of at most 3600 s");
}

static void a_deadline_that_passed_on_the_way_is_now(void **state)
{
    (void)state;
    struct hearth_err err;
    uint64_t left_ms;
    assert_ok(take(-5, &left_ms, &err), &err);
    assert_int_equal(left_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_deadline_may_arrive_rounded_up),
        cmocka_unit_test(no_deadline_or_a_longer_one_is_refused),
        cmocka_unit_test(a_deadline_that_passed_on_the_way_is_now),
    };
    return cmocka_run_group_tests_name("rpc_server", tests, NULL, NULL);
}
