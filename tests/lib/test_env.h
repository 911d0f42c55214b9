/*
 * test_env.h - an env whose clock moves only when the test says so and whose chance has a seed.
 *
 * Thread-safety: any thread; what chance gives to each is the same every time only with one.
 */
#ifndef HEARTH_TESTS_LIB_TEST_ENV_H
#define HEARTH_TESTS_LIB_TEST_ENV_H

#include "common/env.h"

#include <stdatomic.h>

struct test_env {
    struct env env; /* first: the seam's functions get a pointer to it */
    _Atomic uint64_t monotonic_ns;
    _Atomic uint64_t unix_ms;
    _Atomic uint64_t random_state;
};

/* Starts at monotonic 1 s and an arbitrary day. */
void test_env_init(struct test_env *env, uint64_t seed);

/* From here on chance gives `size` bytes that count up from `size`: keys and ids that golden
 * vectors can be made with. */
void test_env_count_bytes(struct test_env *env);

/* Moves both clocks on. */
void test_env_step_ms(struct test_env *env, uint64_t ms);

#endif /* HEARTH_TESTS_LIB_TEST_ENV_H */
