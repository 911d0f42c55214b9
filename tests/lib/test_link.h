/*
 * test_link.h - frames of the link by hand, so that they can also be wrong.
 */
#ifndef HEARTH_TESTS_LIB_TEST_LINK_H
#define HEARTH_TESTS_LIB_TEST_LINK_H

#include "proto/link_frame.h"
#include "tests/lib/test_http2.h"

/* The head alone: `size` is only claimed. */
void test_link_head(
    struct test_script *script, unsigned type, uint32_t stream, uint32_t size, uint32_t value);

void test_link_frame(struct test_script *script, unsigned type, uint32_t stream, uint32_t value,
    struct view payload);

/* OPEN of a method by its path, with a deadline of ten seconds. */
void test_link_open(struct test_script *script, uint32_t stream, const char *path);

/* One whole message. */
void test_link_message(struct test_script *script, uint32_t stream, struct view bytes);

/* As much of a message as fits into one frame, `times` times over, of one message of that size. */
void test_link_parts(struct test_script *script, uint32_t stream, unsigned times);

#endif /* HEARTH_TESTS_LIB_TEST_LINK_H */
