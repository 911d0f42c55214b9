/*
 * access_key.h - S3 access keys: drawn, kept sealed, and what gateways get of them.
 *
 *   draw --> id and secret, said once to the operator
 *        --> sealed under the master key, for the metadata
 *   sealed, day, region --> signing key, for a gateway: it opens nothing after that day
 *
 * The secret itself never leaves the coordinator again, but for an operator who asks again with the
 * token that made it.  Pure functions of the master key.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ACCESS_KEY_H
#define HEARTH_COORDINATOR_SERVICE_ACCESS_KEY_H

#include "common/crypto.h"
#include "common/env.h"
#include "common/err.h"
#include "common/sigv4.h"

enum {
    ACCESS_KEY_ID_SIZE = 20, /* characters, as AWS has it */
    ACCESS_KEY_SECRET_SIZE = 40,
    ACCESS_KEY_SEALED_SIZE = 1 + ACCESS_KEY_SECRET_SIZE + CRYPTO_TAG_SIZE,
};

struct access_key {
    char id[ACCESS_KEY_ID_SIZE + 1];         /* "HK", then A-Z and 2-7: 90 random bits */
    char secret[ACCESS_KEY_SECRET_SIZE + 1]; /* letters and digits: 238 random bits */
};

void access_key_draw(struct env *env, struct access_key *out); /* wipe it */

/* Bound to the id and the tenant (16 bytes): neither can be exchanged in the metadata. */
void access_key_seal(const struct access_key *key, const uint8_t master[CRYPTO_KEY_SIZE],
    struct view tenant, uint8_t sealed[ACCESS_KEY_SEALED_SIZE]);

/*
 * HEARTH_UNKNOWN_FORMAT, HEARTH_CHECKSUM: not sealed by this cluster, for this id and tenant.  Only
 * for who has just made it and lost the answer; wipe it.
 */
enum hearth_code access_key_open(struct view id, struct view sealed,
    const uint8_t master[CRYPTO_KEY_SIZE], struct view tenant,
    uint8_t secret[ACCESS_KEY_SECRET_SIZE], struct hearth_err *err);

/* Likewise. */
enum hearth_code access_key_derive(struct view id, struct view sealed,
    const uint8_t master[CRYPTO_KEY_SIZE], struct view tenant, const struct sigv4_scope *scope,
    uint8_t signing_key[CRYPTO_KEY_SIZE], struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_ACCESS_KEY_H */
