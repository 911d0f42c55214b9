/*
 * rate_limit: how long each taker waits, with a clock that the test steps.
 */
#include "tests/lib/test.h"
#include "tools/rate_limit.h"

#include <stdbool.h>

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

/* Takes `count` times, waiting as told; when the last one was done. */
static uint64_t run(struct rate_bucket *bucket, uint64_t now_ns, unsigned count, uint64_t bytes)
{
    for (unsigned i = 0; i < count; i++) {
        now_ns += rate_bucket_take(bucket, now_ns, bytes);
    }
    return now_ns;
}

static void so_many_bytes_take_so_long(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 7, 1000, 1 << 20, RATE_LIMIT_MAX};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct rate_bucket bucket = {.bytes_per_s = rates[i]};
        uint64_t bytes = rate_bucket_step(&bucket);
        uint64_t took_ns = run(&bucket, 10 * S, 1000, bytes) - 10 * S;
        double expected = 1000 * (double)bytes / (double)rates[i] - RATE_LIMIT_BURST_MS / 1000.0;
        assert_true((double)took_ns / S > expected * 0.999 - 1e-3);
        assert_true((double)took_ns / S < expected * 1.001 + 1e-3);
    }
}

static void a_pause_is_not_saved_up(void **state)
{
    (void)state;
    struct rate_bucket bucket = {.bytes_per_s = 1000};
    uint64_t now_ns = run(&bucket, 10 * S, 10, 100);
    now_ns += 3600 * S;
    uint64_t took_ns = run(&bucket, now_ns, 10, 100) - now_ns;
    assert_int_equal(took_ns, S - RATE_LIMIT_BURST_MS * MS);
}

static void takers_share_what_there_is(void **state)
{
    (void)state;
    struct rate_bucket bucket = {.bytes_per_s = 1000};
    run(&bucket, 10 * S, 1, 200); /* what was saved up */
    uint64_t now_ns = 11 * S;
    run(&bucket, now_ns, 1, 200);
    assert_int_equal(rate_bucket_take(&bucket, now_ns, 500), 500 * MS);
    assert_int_equal(rate_bucket_take(&bucket, now_ns, 500), 1000 * MS);
    assert_int_equal(rate_bucket_take(&bucket, now_ns + 400 * MS, 100), 700 * MS);
}

static void the_clock_may_begin_at_zero(void **state)
{
    (void)state;
    struct rate_bucket bucket = {.bytes_per_s = 1000};
    assert_int_equal(rate_bucket_take(&bucket, 0, 100), 100 * MS);
    assert_int_equal(rate_bucket_take(&bucket, 100 * MS, 0), 0);
}

static void a_step_is_a_tenth_of_a_second(void **state)
{
    (void)state;
    assert_int_equal(rate_bucket_step(&(struct rate_bucket){.bytes_per_s = 3}), 1);
    assert_int_equal(rate_bucket_step(&(struct rate_bucket){.bytes_per_s = 1000}), 100);
    assert_int_equal(rate_bucket_step(&(struct rate_bucket){.bytes_per_s = RATE_LIMIT_MAX}),
        RATE_LIMIT_TAKE_MAX);
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
        cmocka_unit_test(a_pause_is_not_saved_up),
        cmocka_unit_test(takers_share_what_there_is),
        cmocka_unit_test(the_clock_may_begin_at_zero),
        cmocka_unit_test(a_step_is_a_tenth_of_a_second),
        cmocka_unit_test(without_a_limit_everything_passes),
        cmocka_unit_test(who_waits_can_be_called_off),
    };
    return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
