/*
 * range: what a Range header means for an object of a certain size; what is no range is the whole.
 */
#include "gateway/range.h"
#include "tests/lib/test.h"

static void a_range_is_cut_to_what_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        uint64_t size;
        uint64_t offset;
        uint64_t length;
    } cases[] = {
        {"bytes=0-0", 10, 0, 1},
        {"bytes=2-5", 10, 2, 4},
        {"bytes=2-", 10, 2, 8},
        {"bytes=9-99", 10, 9, 1},
        {"bytes=-3", 10, 7, 3},
        {"bytes=-30", 10, 0, 10},
        {"BYTES=1-1", 10, 1, 1},
        {"bytes=0-18446744073709551615", 10, 0, 10},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct range range = range_parse(cases[i].header);
        uint64_t offset, length;
        assert_true(range.is_given);
        assert_true(range_cut(&range, cases[i].size, &offset, &length));
        assert_int_equal(offset, cases[i].offset);
        assert_int_equal(length, cases[i].length);
    }
}

static void a_range_past_the_end_cannot_be_had(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        uint64_t size;
    } cases[] = {
        {"bytes=10-", 10}, {"bytes=10-20", 10}, {"bytes=-0", 10}, {"bytes=0-", 0}, {"bytes=-5", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct range range = range_parse(cases[i].header);
        uint64_t offset, length;
        assert_true(range.is_given);
        assert_false(range_cut(&range, cases[i].size, &offset, &length));
    }
}

static void what_is_not_understood_is_no_range(void **state)
{
    (void)state;
    static const char *const headers[] = {NULL, "", "bytes", "bytes=", "bytes=-", "bytes=5-2",
        "bytes=a-b", "bytes=1-2,4-5", "bytes=1-2 ", "bytes= 1-2", "items=0-1", "bytes=1--2",
        "bytes=99999999999999999999-", "bytes=--1", "bytes=1"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_false(range_parse(headers[i]).is_given);
    }
}

static void a_source_names_both_ends(void **state)
{
    (void)state;
    uint64_t offset, length;
    assert_true(range_of_source("bytes=5-9", &offset, &length));
    assert_int_equal(offset, 5);
    assert_int_equal(length, 5);
    assert_false(range_of_source("bytes=5-", &offset, &length));
    assert_false(range_of_source("bytes=-5", &offset, &length));
    assert_false(range_of_source("5-9", &offset, &length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_cut_to_what_is_there),
        cmocka_unit_test(a_range_past_the_end_cannot_be_had),
        cmocka_unit_test(what_is_not_understood_is_no_range),
        cmocka_unit_test(a_source_names_both_ends),
    };
    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
