/*
 * crypto.h - the cryptographic primitives of Hearth, on OpenSSL 3.
 *
 *   hashing      SHA-256, MD5 (ETags only), SHA-1 (checksums only), incremental and one-shot
 *   keys         HMAC-SHA256, HKDF-SHA256 (RFC 5869)
 *   sealing      AES-256-GCM with a 12-byte nonce and 16-byte tag (NIST SP 800-38D)
 *   tags         GMAC: AES-256-GCM over associated data alone
 *   names        one AES-256 block, both directions
 *
 * EVP algorithm objects are fetched once, on first use, and shared; contexts are per user.
 * None of these can fail for reasons of the outside world: what fails is a bug or memory, and
 * aborts.  The one exception is opening, which says false when the tag does not fit.
 *
 * Thread-safety: functions without a context, and gcm keys, may be used by many threads; a gcm
 * key must be used by one thread at a time.
 */
#ifndef HEARTH_COMMON_CRYPTO_H
#define HEARTH_COMMON_CRYPTO_H

#include "common/view.h"

enum {
    CRYPTO_KEY_SIZE = 32,
    CRYPTO_NONCE_SIZE = 12,
    CRYPTO_TAG_SIZE = 16,
    CRYPTO_BLOCK_SIZE = 16,
    CRYPTO_SHA256_SIZE = 32,
    CRYPTO_MD5_SIZE = 16,
    CRYPTO_SHA1_SIZE = 20,
};

/* ---- hashing ---- */

enum crypto_hash_kind { CRYPTO_SHA256, CRYPTO_MD5, CRYPTO_SHA1 };

struct crypto_hash;

struct crypto_hash *crypto_hash_create(enum crypto_hash_kind kind);
void crypto_hash_update(struct crypto_hash *hash, struct view bytes);
/* Writes 32, 16 or 20 bytes and makes the hash ready for a new message. */
void crypto_hash_final(struct crypto_hash *hash, uint8_t *digest);
void crypto_hash_destroy(struct crypto_hash *hash); /* accepts NULL */

void crypto_sha256(struct view bytes, uint8_t digest[CRYPTO_SHA256_SIZE]);

/* ---- keys ---- */

void crypto_hmac_sha256(struct view key, struct view message, uint8_t mac[CRYPTO_SHA256_SIZE]);

/* HKDF-SHA256 with no salt: out = HKDF(secret, info). size <= 8160. */
void crypto_hkdf(struct view secret, struct view info, uint8_t *out, size_t size);

/* Constant time. */
bool crypto_equal(const void *a, const void *b, size_t size);

/* Overwrites; never optimised away. */
void crypto_wipe(void *bytes, size_t size);

/* ---- sealing and tags ---- */

struct crypto_gcm; /* one AES-256 key with its schedule, for many messages */

struct crypto_gcm *crypto_gcm_create(const uint8_t key[CRYPTO_KEY_SIZE]);
void crypto_gcm_destroy(struct crypto_gcm *gcm); /* accepts NULL; wipes */

/* out: plain.size bytes of ciphertext, then the tag. out may be plain.bytes itself. */
void crypto_gcm_seal(struct crypto_gcm *gcm, const uint8_t nonce[CRYPTO_NONCE_SIZE],
    struct view associated, struct view plain, uint8_t *out);

/* sealed: ciphertext, then tag. out gets sealed.size - 16 bytes, may be sealed.bytes itself.
 * false: too short or the tag does not fit; out then holds zeros. */
bool crypto_gcm_open(struct crypto_gcm *gcm, const uint8_t nonce[CRYPTO_NONCE_SIZE],
    struct view associated, struct view sealed, uint8_t *out);

void crypto_gmac(struct crypto_gcm *gcm, const uint8_t nonce[CRYPTO_NONCE_SIZE],
    struct view message, uint8_t tag[CRYPTO_TAG_SIZE]);

/* ---- one block ---- */

/* in and out may be the same. */
void crypto_aes256_encrypt_block(
    const uint8_t key[CRYPTO_KEY_SIZE], const uint8_t in[16], uint8_t out[16]);
void crypto_aes256_decrypt_block(
    const uint8_t key[CRYPTO_KEY_SIZE], const uint8_t in[16], uint8_t out[16]);

#endif /* HEARTH_COMMON_CRYPTO_H */
