/*
 * test.h - what every test includes: cmocka (in the order it needs) and checks of ours.
 */
#ifndef HEARTH_TESTS_LIB_TEST_H
#define HEARTH_TESTS_LIB_TEST_H

/* cmocka needs these four before it, in this order. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "common/err.h"

/* A call of ours succeeded; when not, its message is what the test prints. */
#define assert_ok(code, err) test_assert_ok((code), (err), __FILE__, __LINE__)

static inline void test_assert_ok(
    enum hearth_code code, const struct hearth_err *err, const char *file, int line)
{
    if (code != HEARTH_OK) {
        print_error("%s (%s, from %s)\n", err->message, hearth_code_name(code), err->where);
        _fail(file, line);
    }
}

#endif /* HEARTH_TESTS_LIB_TEST_H */
