/*
 * bucket_key.h - BK, the key of a bucket: wrapped by the root key, it seals manifests and ETags.
 *
 *   RK --HKDF("hearth/1/wrap" | bucket id | version)--> wraps BK     the coordinator keeps the wrap
 *   BK --HKDF("hearth/1/etag")--> one AES block over each MD5        equal bytes, equal column
 *
 * A bucket has one key per version, from 1.  ETags are sealed under its oldest key for as long as
 * the bucket lives, so that they can be compared whichever key was new when an object was written.
 *
 *   wrapped  | 1 (version of the format) | nonce 12 | sealed key 32 | tag 16 |
 *
 * Pure computation.  Thread-safety: no state.
 */
#ifndef HEARTH_CLIENT_BUCKET_KEY_H
#define HEARTH_CLIENT_BUCKET_KEY_H

#include "client/root_key.h"

enum {
    BUCKET_ID_SIZE = 16,
    BUCKET_KEY_WRAPPED_SIZE = 1 + CRYPTO_NONCE_SIZE + CRYPTO_KEY_SIZE + CRYPTO_TAG_SIZE,
};

struct bucket_key {
    uint32_t version; /* from 1 */
    uint8_t bytes[CRYPTO_KEY_SIZE];
};

void bucket_key_draw(struct env *env, uint32_t version, struct bucket_key *out);

/* The nonce is drawn: wrapping again, even another key by mistake, never repeats one (D12). */
void bucket_key_wrap(const struct bucket_key *key, struct env *env, const struct root_key *root,
    const uint8_t bucket_id[BUCKET_ID_SIZE], uint8_t wrapped[BUCKET_KEY_WRAPPED_SIZE]);

/*
 * HEARTH_UNKNOWN_FORMAT: wrapped by a newer program.  HEARTH_WRONG_KEY: not wrapped by this root
 * key for this bucket and version, or altered since.
 */
enum hearth_code bucket_key_unwrap(struct view wrapped, uint32_t version,
    const struct root_key *root, const uint8_t bucket_id[BUCKET_ID_SIZE], struct bucket_key *out,
    struct hearth_err *err);

/* ---- the ETag column ---- */

struct etag_key {
    uint8_t bytes[CRYPTO_KEY_SIZE];
};

void etag_key_derive(const struct bucket_key *oldest, struct etag_key *out);
void etag_seal(const struct etag_key *key, const uint8_t md5[CRYPTO_MD5_SIZE],
    uint8_t column[CRYPTO_MD5_SIZE]);
void etag_open(const struct etag_key *key, const uint8_t column[CRYPTO_MD5_SIZE],
    uint8_t md5[CRYPTO_MD5_SIZE]);

#endif /* HEARTH_CLIENT_BUCKET_KEY_H */
