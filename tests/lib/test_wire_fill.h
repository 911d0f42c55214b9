/*
 * test_wire_fill.h - a message of any kind, filled at random within its limits, by its table.
 */
#ifndef HEARTH_TESTS_LIB_TEST_WIRE_FILL_H
#define HEARTH_TESTS_LIB_TEST_WIRE_FILL_H

#include "proto/wire.h"
#include "tests/lib/test_env.h"

struct test_wire_filler {
    struct test_env env;
    struct arena arena;
    bool to_the_limit; /* sizes and counts at either end of what is allowed, not in between */
};

void test_wire_filler_init(struct test_wire_filler *filler, uint64_t seed);
void test_wire_filler_fini(struct test_wire_filler *filler);

/* The struct that `message` describes; lives until fini. */
void *test_wire_fill(struct test_wire_filler *filler, const struct wire_message *message);

#endif /* HEARTH_TESTS_LIB_TEST_WIRE_FILL_H */
