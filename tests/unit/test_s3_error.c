/*
 * s3_error: every row can be said to a client, every failure of libhearth has one, and what is the
 * client's fault never reads as ours.
 */
#include "gateway/s3_error.h"
#include "tests/lib/test.h"

#include <string.h>

#define X(name, status, code, message) S3_ERROR_##name,
static const enum s3_error errors[] = {S3_ERROR_TABLE(X)};
#undef X

static const enum hearth_code codes[] = {
#define X(name, value, reaction, text) HEARTH_##name,
    HEARTH_CODE_TABLE(X)
#undef X
};

static void every_error_has_a_status_a_code_and_a_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        assert_in_range(s3_error_status(errors[i]), 300, 503);
        assert_true(strlen(s3_error_code(errors[i])) > 3);
        assert_null(strpbrk(s3_error_code(errors[i]), " <&\n"));
        assert_true(strlen(s3_error_message(errors[i])) > 3);
    }
}

static void every_failure_of_the_library_has_an_answer(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof(codes) / sizeof(codes[0]); i++) {
        for (int about = S3_ABOUT_BUCKET; about <= S3_ABOUT_UPLOAD; about++) {
            assert_int_not_equal(s3_error_of(codes[i], (enum s3_about)about), S3_ERROR_NONE);
        }
    }
}

static void what_the_caller_must_mend_is_not_blamed_on_the_server(void **state)
{
    (void)state;
    static const enum hearth_code callers[] = {HEARTH_INVALID, HEARTH_NOT_FOUND, HEARTH_EXISTS,
        HEARTH_DENIED, HEARTH_CONFLICT, HEARTH_PRECONDITION, HEARTH_NOT_EMPTY, HEARTH_QUOTA};
    for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
        for (int about = S3_ABOUT_BUCKET; about <= S3_ABOUT_UPLOAD; about++) {
            enum s3_error error = s3_error_of(callers[i], (enum s3_about)about);
            assert_in_range(s3_error_status(error), 400, 499);
        }
    }
}

static void not_found_is_what_was_looked_for(void **state)
{
    (void)state;
    assert_int_equal(s3_error_of(HEARTH_NOT_FOUND, S3_ABOUT_BUCKET), S3_ERROR_NO_SUCH_BUCKET);
    assert_int_equal(s3_error_of(HEARTH_NOT_FOUND, S3_ABOUT_OBJECT), S3_ERROR_NO_SUCH_KEY);
    assert_int_equal(s3_error_of(HEARTH_NOT_FOUND, S3_ABOUT_UPLOAD), S3_ERROR_NO_SUCH_UPLOAD);
}

static void a_limit_is_slow_down(void **state)
{
    (void)state;
    assert_int_equal(s3_error_of(HEARTH_BUSY, S3_ABOUT_OBJECT), S3_ERROR_SLOW_DOWN);
    assert_int_equal(s3_error_status(S3_ERROR_SLOW_DOWN), 503);
    assert_string_equal(s3_error_code(S3_ERROR_SLOW_DOWN), "SlowDown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_status_a_code_and_a_message),
        cmocka_unit_test(every_failure_of_the_library_has_an_answer),
        cmocka_unit_test(what_the_caller_must_mend_is_not_blamed_on_the_server),
        cmocka_unit_test(not_found_is_what_was_looked_for),
        cmocka_unit_test(a_limit_is_slow_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
