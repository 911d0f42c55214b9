/*
 * volume_gone: a set of ranges says the same as one bit a number, whatever is added in whatever
 * order, and has no more ranges than it needs.
 */
#include "storaged/volume_gone.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <string.h>

enum { NUMBERS = 60, ROUNDS = 300, ADDS = 25 };

static void says_what_the_bits_say(const struct gone_logs *gone, const bool bits[NUMBERS + 1])
{
    uint32_t runs = 0;
    for (uint32_t number = 0; number < NUMBERS; number++) {
        assert_int_equal(gone_logs_have(gone, number), bits[number]);
        runs += bits[number] && !bits[number + 1];
    }
    assert_int_equal(gone->count, runs);
}

static void any_ranges_in_any_order_are_remembered(void **state)
{
    (void)state;
    struct test_env chance;
    test_env_init(&chance, 5);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct gone_logs gone = {0};
        bool bits[NUMBERS + 1] = {0};
        for (unsigned add = 0; add < ADDS; add++) {
            uint32_t first = (uint32_t)env_random_below(&chance.env, NUMBERS);
            uint32_t end = first + 1 + (uint32_t)env_random_below(&chance.env, 4);
            end = end < NUMBERS ? end : NUMBERS;
            assert_true(gone_logs_add(&gone, first, end));
            memset(&bits[first], true, end - first);
            says_what_the_bits_say(&gone, bits);
        }
        gone_logs_fini(&gone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_ranges_in_any_order_are_remembered),
    };
    return cmocka_run_group_tests_name("volume_gone", tests, NULL, NULL);
}
