/*
 * test_vector.h - golden bytes: lines of "name = hex digits" in tests/vectors/, '#' for remarks.
 *
 * They are written once, by something other than the code they check, and never made anew: bytes
 * that change mean that old disks, orders and objects can no longer be read.
 */
#ifndef HEARTH_TESTS_LIB_TEST_VECTOR_H
#define HEARTH_TESTS_LIB_TEST_VECTOR_H

#include "common/view.h"

/* Reads exactly `size` bytes; a missing file, name or byte fails the test. */
void test_vector_read(const char *file, const char *name, void *bytes, size_t size);

/* The test fails when the golden bytes are not these. */
void test_vector_expect(const char *file, const char *name, struct view actual);

#endif /* HEARTH_TESTS_LIB_TEST_VECTOR_H */
