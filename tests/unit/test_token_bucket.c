/*
 * token_bucket: what passes is the rate times the time, plus one burst and at most one message,
 * whatever the steps of the clock and the sizes of the messages.
 */
#include "common/token_bucket.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

static const uint64_t second_ns = 1000000000;

/* Lets messages of `size` pass as soon as they may, until `end_ns`. Returns how many bytes did. */
static uint64_t pass_until(
    struct token_bucket *bucket, uint64_t *now_ns, uint64_t end_ns, uint64_t size)
{
    uint64_t passed = 0;
    for (;;) {
        uint64_t wait_ns = token_bucket_wait_ns(bucket, *now_ns);
        if (*now_ns + wait_ns > end_ns) {
            *now_ns = end_ns;
            return passed;
        }
        *now_ns += wait_ns;
        token_bucket_take(bucket, (int64_t)size);
        passed += size;
    }
}

static void expect_between(uint64_t value, uint64_t least, uint64_t most)
{
    if (value < least || value > most) {
        fail_msg("%ju is not in %ju..%ju", (uintmax_t)value, (uintmax_t)least, (uintmax_t)most);
    }
}

static void what_passes_is_rate_times_time_and_one_burst(void **state)
{
    static const uint64_t rates[] = {1, 3, 1000, 999983, 10 << 20, UINT64_C(7) << 30};
    static const uint64_t sizes[] = {1, 65568, 1 << 20};
    (void)state;
    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            if (rates[i] / sizes[k] > 100000) {
                continue; /* too many messages for a test */
            }
            struct token_bucket bucket;
            uint64_t now_ns = 5;
            uint64_t seconds = 10;
            token_bucket_init(&bucket, rates[i], now_ns);
            uint64_t passed = pass_until(&bucket, &now_ns, now_ns + seconds * second_ns, sizes[k]);
            uint64_t burst = rates[i] * TOKEN_BURST_MS / 1000 + 1;
            expect_between(passed, rates[i] * seconds, rates[i] * seconds + burst + sizes[k]);
        }
    }
}

/* A clock that is looked at every 7 ns must not lose the parts of a byte. */
static void nothing_drifts_however_often_the_clock_is_read(void **state)
{
    enum { RATE = 1000003, READS = 300000, STEP_NS = 7001 };
    (void)state;
    struct token_bucket bucket;
    uint64_t now_ns = 0;
    uint64_t passed = 0;
    token_bucket_init(&bucket, RATE, now_ns);
    token_bucket_take(&bucket, bucket.level); /* no burst left */
    for (unsigned i = 0; i < READS; i++) {
        now_ns += STEP_NS;
        while (token_bucket_wait_ns(&bucket, now_ns) == 0) {
            token_bucket_take(&bucket, 1);
            passed++;
        }
    }
    assert_int_equal(passed, (uint64_t)READS * STEP_NS * RATE / second_ns);
}

static void a_pause_of_any_length_is_worth_one_burst(void **state)
{
    enum { RATE = 1 << 20 };
    (void)state;
    struct token_bucket bucket;
    uint64_t now_ns = 0;
    token_bucket_init(&bucket, RATE, now_ns);
    now_ns = UINT64_MAX / 4;
    uint64_t passed = pass_until(&bucket, &now_ns, now_ns, 1);
    assert_int_equal(passed, RATE / 10 + 1);
}

static void the_wait_is_exact(void **state)
{
    (void)state;
    struct token_bucket bucket;
    token_bucket_init(&bucket, 1000, 0);
    assert_int_equal(token_bucket_wait_ns(&bucket, 0), 0);
    token_bucket_take(&bucket, 101 + 49); /* the burst and 49 more */
    uint64_t wait_ns = token_bucket_wait_ns(&bucket, 0);
    assert_int_equal(wait_ns, 50 * second_ns / 1000);
    assert_true(token_bucket_wait_ns(&bucket, wait_ns - 1) > 0);
    assert_int_equal(token_bucket_wait_ns(&bucket, wait_ns), 0);
}

static void a_change_of_rate_counts_from_its_moment_and_keeps_the_debt(void **state)
{
    (void)state;
    struct token_bucket bucket;
    uint64_t now_ns = 0;
    token_bucket_init(&bucket, 1000, now_ns);
    token_bucket_take(&bucket, 101 + 1000); /* owes a second */
    now_ns += second_ns / 2;
    token_bucket_set_rate(&bucket, 100, now_ns); /* half is paid, at the old rate */
    assert_int_equal(token_bucket_wait_ns(&bucket, now_ns), 501 * second_ns / 100);
    token_bucket_set_rate(&bucket, 1000000, now_ns);
    assert_int_equal(token_bucket_wait_ns(&bucket, now_ns), 501 * second_ns / 1000000);
    token_bucket_set_rate(&bucket, 0, now_ns);
    assert_int_equal(token_bucket_wait_ns(&bucket, now_ns), 0);
}

static void no_rate_is_no_limit_and_leaves_no_debt(void **state)
{
    (void)state;
    struct token_bucket bucket;
    token_bucket_init(&bucket, 0, 0);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(token_bucket_wait_ns(&bucket, 0), 0);
        token_bucket_take(&bucket, INT64_C(1) << 40);
    }
    token_bucket_set_rate(&bucket, 1000, 1);
    assert_int_equal(token_bucket_wait_ns(&bucket, 1), 0);
    token_bucket_take(&bucket, 100000);
    token_bucket_set_rate(&bucket, 0, 2);
    token_bucket_set_rate(&bucket, 1000, 3);
    assert_int_equal(token_bucket_wait_ns(&bucket, 3), 0);
}

static void what_did_not_pass_after_all_is_given_back(void **state)
{
    (void)state;
    struct token_bucket bucket;
    token_bucket_init(&bucket, 1000, 0);
    token_bucket_take(&bucket, 65536);
    assert_true(token_bucket_wait_ns(&bucket, 0) > 0);
    token_bucket_take(&bucket, -65536);
    assert_int_equal(token_bucket_wait_ns(&bucket, 0), 0);
    assert_int_equal(bucket.level, 101);
    token_bucket_take(&bucket, -65536); /* taken before there was a limit */
    assert_int_equal(bucket.level, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_is_rate_times_time_and_one_burst),
        cmocka_unit_test(nothing_drifts_however_often_the_clock_is_read),
        cmocka_unit_test(a_pause_of_any_length_is_worth_one_burst),
        cmocka_unit_test(the_wait_is_exact),
        cmocka_unit_test(a_change_of_rate_counts_from_its_moment_and_keeps_the_debt),
        cmocka_unit_test(no_rate_is_no_limit_and_leaves_no_debt),
        cmocka_unit_test(what_did_not_pass_after_all_is_given_back),
    };
    return cmocka_run_group_tests_name("token_bucket", tests, NULL, NULL);
}
