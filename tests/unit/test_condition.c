/*
 * condition: reads and writes happen only when what they ask for holds, as RFC 9110 and S3 have it.
 */
#include "gateway/condition.h"
#include "tests/lib/test.h"

#include <string.h>

#define ETAG       "9e107d9d372bb6826bd81d3542a419d6"
#define OTHER_ETAG "e4d909c290d0fb1ca068ffaddf22cbd0"

enum { MADE_MS = 1000 };
#define MADE_S UINT64_C(1764331200) /* Fri, 28 Nov 2025 12:00:00 GMT */
#define AT     "Fri, 28 Nov 2025 12:00:00 GMT"
#define BEFORE "Fri, 28 Nov 2025 11:59:59 GMT"

static enum s3_error check(struct condition condition)
{
    return condition_check(&condition, ETAG, MADE_S * MADE_MS + 900);
}

static void an_etag_matches_itself_quoted_or_not_and_in_a_list(void **state)
{
    (void)state;
    static const char *const lists[] = {"*", ETAG, "\"" ETAG "\"", "W/\"" ETAG "\"",
        "\"" OTHER_ETAG "\", \"" ETAG "\"", " " ETAG " "};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_int_equal(check((struct condition){.if_match = lists[i]}), S3_ERROR_NONE);
        assert_int_equal(
            check((struct condition){.if_none_match = lists[i]}), S3_ERROR_NOT_MODIFIED);
    }
    static const char *const others[] = {OTHER_ETAG, "\"" OTHER_ETAG "\"", "", "\"\"", "\"", ","};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(
            check((struct condition){.if_match = others[i]}), S3_ERROR_PRECONDITION_FAILED);
        assert_int_equal(check((struct condition){.if_none_match = others[i]}), S3_ERROR_NONE);
    }
}

static void a_date_is_compared_by_the_second(void **state)
{
    (void)state;
    assert_int_equal(check((struct condition){.if_modified_since = AT}), S3_ERROR_NOT_MODIFIED);
    assert_int_equal(check((struct condition){.if_modified_since = BEFORE}), S3_ERROR_NONE);
    assert_int_equal(check((struct condition){.if_unmodified_since = AT}), S3_ERROR_NONE);
    assert_int_equal(
        check((struct condition){.if_unmodified_since = BEFORE}), S3_ERROR_PRECONDITION_FAILED);
    assert_int_equal(check((struct condition){.if_unmodified_since = "soon"}), S3_ERROR_NONE);
    assert_int_equal(check((struct condition){.if_modified_since = "soon"}), S3_ERROR_NONE);
}

static void etags_go_before_dates(void **state)
{
    (void)state;
    assert_int_equal(
        check((struct condition){.if_match = ETAG, .if_unmodified_since = BEFORE}), S3_ERROR_NONE);
    assert_int_equal(
        check((struct condition){.if_none_match = OTHER_ETAG, .if_modified_since = AT}),
        S3_ERROR_NONE);
    assert_int_equal(
        check((struct condition){.if_match = ETAG, .if_none_match = ETAG}), S3_ERROR_NOT_MODIFIED);
}

static void three_forms_of_a_date_are_read(void **state)
{
    (void)state;
    static const char *const forms[] = {
        AT, "Friday, 28-Nov-25 12:00:00 GMT", "Fri Nov 28 12:00:00 2025"};
    for (size_t i = 0; i < 3; i++) {
        uint64_t unix_s = 0;
        assert_true(condition_date(forms[i], &unix_s));
        assert_int_equal(unix_s, MADE_S);
    }
    uint64_t unix_s;
    assert_false(condition_date(AT " or so", &unix_s));
    assert_false(condition_date("", &unix_s));
}

/* ---- writes ---- */

struct write {
    struct hearth_precondition precondition;
    char etag[HEARTH_ETAG_TEXT_SIZE];
};

static enum s3_error write_with(const char *name, const char *value, struct write *out)
{
    const struct http_header header = {name, value};
    const struct http_head head = {.header_count = 1, .headers = &header};
    return condition_of_write(&head, out->etag, &out->precondition);
}

static void a_write_may_ask_that_nothing_or_something_certain_is_there(void **state)
{
    (void)state;
    struct write write;
    assert_int_equal(write_with("if-none-match", "*", &write), S3_ERROR_NONE);
    assert_true(write.precondition.must_not_exist);
    assert_int_equal(write_with("if-match", "*", &write), S3_ERROR_NONE);
    assert_true(write.precondition.must_exist);
    assert_null(write.precondition.must_have_etag);
    assert_int_equal(write_with("if-match", "\"" ETAG "-12\"", &write), S3_ERROR_NONE);
    assert_string_equal(write.precondition.must_have_etag, ETAG "-12");
    assert_int_equal(write_with("host", "x", &write), S3_ERROR_NONE);
    assert_false(write.precondition.must_not_exist || write.precondition.must_exist);
}

static void a_condition_that_no_object_can_meet_fails(void **state)
{
    (void)state;
    struct write write;
    static const char *const wrong[] = {"", "\"\"", "abc", ETAG "-", ETAG "x", ETAG "-1x",
        "9E107D9D372BB6826BD81D3542A419D6", ETAG "-12345678901234567890"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(write_with("if-match", wrong[i], &write), S3_ERROR_PRECONDITION_FAILED);
    }
    assert_int_equal(write_with("if-none-match", ETAG, &write), S3_ERROR_NOT_IMPLEMENTED);
    static const char *const unknown[] = {
        "x-amz-if-match-last-modified-time", "x-amz-if-match-size", "x-amz-write-offset-bytes"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_int_equal(write_with(unknown[i], "0", &write), S3_ERROR_NOT_IMPLEMENTED);
    }
}

static void a_range_holds_for_what_it_was_begun_of(void **state)
{
    (void)state;
    static const struct {
        const char *if_range;
        bool holds;
    } cases[] = {
        {NULL, true},
        {"\"" ETAG "\"", true},
        {ETAG, true},
        {AT, true},
        {"\"" OTHER_ETAG "\"", false},
        {"W/\"" ETAG "\"", false}, /* only strong ones do */
        {BEFORE, false},
        {"*", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            condition_range_holds(cases[i].if_range, ETAG, MADE_S * MADE_MS + 900), cases[i].holds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_etag_matches_itself_quoted_or_not_and_in_a_list),
        cmocka_unit_test(a_date_is_compared_by_the_second),
        cmocka_unit_test(etags_go_before_dates),
        cmocka_unit_test(three_forms_of_a_date_are_read),
        cmocka_unit_test(a_range_holds_for_what_it_was_begun_of),
        cmocka_unit_test(a_write_may_ask_that_nothing_or_something_certain_is_there),
        cmocka_unit_test(a_condition_that_no_object_can_meet_fails),
    };
    return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
