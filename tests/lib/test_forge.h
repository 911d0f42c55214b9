/*
 * test_forge.h - certificates that a careless or lying CA could have signed.
 */
#ifndef HEARTH_TESTS_LIB_TEST_FORGE_H
#define HEARTH_TESTS_LIB_TEST_FORGE_H

#include "common/pki_key.h"

/*
 * The certificate `pem` with another key (NULL: its own) and other alternative names (as OpenSSL's
 * configuration spells them: "URI:...,DNS:..."; NULL: its own), signed by ca_key.
 */
char *test_forge(
    const char *pem, const struct pki_key *ca_key, const struct pki_key *key, const char *names);

#endif /* HEARTH_TESTS_LIB_TEST_FORGE_H */
