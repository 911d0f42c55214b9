/*
 * put_digest.h - what a segment's plaintext was, so that a put that goes on later can tell whether
 * its source still is the same.
 *
 *   unit u of the object --GMAC under HKDF(UK, "hearth/1/resume"), nonce u--> tag
 *   tags of a segment    --SHA-256-->                                         its digest
 *
 * GMAC costs a twentieth of a hash, and who does not know UK cannot make two sources look alike.
 *
 * D12: a nonce covers a second byte string only while a source that has changed is found out, and
 * that tag does not leave this file.
 */
#ifndef HEARTH_CLIENT_PUT_DIGEST_H
#define HEARTH_CLIENT_PUT_DIGEST_H

#include "client/seal.h"

enum { PUT_DIGEST_SIZE = CRYPTO_SHA256_SIZE };

struct put_digest {
    struct crypto_gcm *gmac;
    struct crypto_hash *tags; /* of the segment so far */
    uint64_t unit;            /* number of the next one in the object */
};

/* The key is borrowed for the call. */
void put_digest_init(struct put_digest *digest, const struct upload_key *key);
void put_digest_fini(struct put_digest *digest);

/* The next unit of the object: EC_UNIT_PLAIN_SIZE bytes, or its end. */
void put_digest_unit(struct put_digest *digest, struct view plain);

/* Of the units since the last one; the next segment begins. */
void put_digest_end(struct put_digest *digest, uint8_t out[PUT_DIGEST_SIZE]);

#endif /* HEARTH_CLIENT_PUT_DIGEST_H */
