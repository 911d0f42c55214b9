/*
 * err: a failure says what happened and where, and gains a prefix on the way up.
 */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

static void prefix_keeps_the_code_and_goes_in_front(void **state)
{
    (void)state;
    struct hearth_err err;
    assert_int_equal(hearth_fail(&err, HEARTH_NOT_FOUND, "shard %d", 3), HEARTH_NOT_FOUND);
    assert_int_equal(hearth_err_prefix(&err, "get %s", "b/k"), HEARTH_NOT_FOUND);
    assert_string_equal(err.message, "get b/k: shard 3");
}

static void a_system_failure_names_its_errno(void **state)
{
    (void)state;
    struct hearth_err err;
    hearth_fail_sys(&err, HEARTH_IO, ENOSPC, "write %s", "log 7");
    assert_string_equal(err.message, "write log 7: No space left on device");
    assert_int_equal(err.sys_errno, ENOSPC);
}

static void long_messages_are_cut_not_overrun(void **state)
{
    (void)state;
    struct hearth_err err;
    char text[2 * HEARTH_ERR_MESSAGE_SIZE];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    hearth_fail_sys(&err, HEARTH_IO, EIO, "%s", text);
    hearth_err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.message), HEARTH_ERR_MESSAGE_SIZE - 1);
}

static void codes_from_the_wire_that_nobody_knows_are_internal_errors(void **state)
{
    (void)state;
    assert_int_equal(hearth_code_from_wire(2), HEARTH_NOT_FOUND);
    assert_int_equal(hearth_code_from_wire(4000000000u), HEARTH_INTERNAL);
    assert_string_equal(hearth_code_name(HEARTH_NOT_FOUND), "NOT_FOUND");
    assert_int_equal(hearth_code_reaction(HEARTH_UNKNOWN), HEARTH_REACT_RESOLVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefix_keeps_the_code_and_goes_in_front),
        cmocka_unit_test(a_system_failure_names_its_errno),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(codes_from_the_wire_that_nobody_knows_are_internal_errors),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
