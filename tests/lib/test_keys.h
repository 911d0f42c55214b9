/*
 * test_keys.h - a coordinator that knows one access key, that of test_signer_published, and no
 * public bucket: what auth asks, in tests that are about signatures.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_TESTS_LIB_TEST_KEYS_H
#define HEARTH_TESTS_LIB_TEST_KEYS_H

#include "gateway/auth.h"

struct test_keys {
    struct auth_source source; /* give this away */
    uint64_t rights;           /* of the key; may be changed */
};

void test_keys_init(struct test_keys *keys, uint64_t rights);

#endif /* HEARTH_TESTS_LIB_TEST_KEYS_H */
