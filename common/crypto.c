#include "common/crypto.h"

#include "common/cleanup.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/* Fetching walks OpenSSL's providers under a lock, so it is done once a process, never a call. */
struct algorithms {
    EVP_MD *sha256;
    EVP_MD *md5;
    EVP_MD *sha1;
    EVP_MAC_CTX *hmac_sha256; /* without a key; copied for each message */
    EVP_CIPHER *gcm;
    EVP_CIPHER *ecb;
};

/* Set once, by fetch_algorithms(); read by anyone after algorithms(). */
static struct algorithms fetched;

/* OpenSSL refuses what we ask only for want of memory or through a bug of ours. */
static void must(int rc)
{
    assert(rc == 1);
}

/* Naming the digest is the slow part of an HMAC (it is fetched again); here it is done for all. */
static EVP_MAC_CTX *create_hmac_sha256(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    assert(hmac != NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    assert(context != NULL);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1),
        OSSL_PARAM_END,
    };
    must(EVP_MAC_CTX_set_params(context, params));
    EVP_MAC_free(hmac); /* the context holds it */
    return context;
}

static void fetch_algorithms(void)
{
    fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    fetched.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    fetched.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    fetched.hmac_sha256 = create_hmac_sha256();
    fetched.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    fetched.ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    assert(fetched.sha256 != NULL && fetched.md5 != NULL && fetched.sha1 != NULL);
    assert(fetched.gcm != NULL && fetched.ecb != NULL);
}

static const struct algorithms *algorithms(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int rc = pthread_once(&once, fetch_algorithms);
    assert(rc == 0);
    return &fetched;
}

/* ---- hashing ---- */

struct crypto_hash {
    EVP_MD_CTX *context;
};

static const EVP_MD *algorithm_of(enum crypto_hash_kind kind)
{
    switch (kind) {
    case CRYPTO_SHA256: return algorithms()->sha256;
    case CRYPTO_MD5: return algorithms()->md5;
    case CRYPTO_SHA1: return algorithms()->sha1;
    }
    assert(false);
    return NULL;
}

struct crypto_hash *crypto_hash_create(enum crypto_hash_kind kind)
{
    struct crypto_hash *hash = malloc(sizeof(*hash));
    assert(hash != NULL);
    hash->context = EVP_MD_CTX_new();
    assert(hash->context != NULL);
    must(EVP_DigestInit_ex2(hash->context, algorithm_of(kind), NULL));
    return hash;
}

void crypto_hash_update(struct crypto_hash *hash, struct view bytes)
{
    must(EVP_DigestUpdate(hash->context, bytes.bytes, bytes.size));
}

void crypto_hash_final(struct crypto_hash *hash, uint8_t *digest)
{
    must(EVP_DigestFinal_ex(hash->context, digest, NULL));
    must(EVP_DigestInit_ex2(hash->context, NULL, NULL));
}

void crypto_hash_destroy(struct crypto_hash *hash)
{
    if (hash != NULL) {
        EVP_MD_CTX_free(hash->context);
        free(hash);
    }
}

void crypto_sha256(struct view bytes, uint8_t digest[CRYPTO_SHA256_SIZE])
{
    must(EVP_Digest(bytes.bytes, bytes.size, digest, NULL, algorithms()->sha256, NULL));
}

/* ---- keys ---- */

static EVP_MAC_CTX *hmac_begin(struct view key)
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(algorithms()->hmac_sha256);
    assert(context != NULL);
    /* To OpenSSL a NULL key means the one it already has; to us it is the empty key. */
    const uint8_t *bytes = key.size > 0 ? key.bytes : (const uint8_t *)"";
    must(EVP_MAC_init(context, bytes, key.size, NULL));
    return context;
}

static void hmac_end(EVP_MAC_CTX *context TAKES, uint8_t mac[CRYPTO_SHA256_SIZE])
{
    size_t size = 0;
    must(EVP_MAC_final(context, mac, &size, CRYPTO_SHA256_SIZE));
    assert(size == CRYPTO_SHA256_SIZE);
    EVP_MAC_CTX_free(context);
}

void crypto_hmac_sha256(struct view key, struct view message, uint8_t mac[CRYPTO_SHA256_SIZE])
{
    EVP_MAC_CTX *context = hmac_begin(key);
    must(EVP_MAC_update(context, message.bytes, message.size));
    hmac_end(context, mac);
}

/* RFC 5869, 2.3: T(i) = HMAC(extracted, T(i-1) | info | i), T(0) empty. */
static void hkdf_expand(
    const uint8_t extracted[CRYPTO_SHA256_SIZE], struct view info, uint8_t *out, size_t size)
{
    uint8_t block[CRYPTO_SHA256_SIZE];
    uint8_t counter = 0;
    while (size > 0) {
        EVP_MAC_CTX *context = hmac_begin(view_of(extracted, CRYPTO_SHA256_SIZE));
        must(EVP_MAC_update(context, block, counter == 0 ? 0 : sizeof(block)));
        counter++;
        must(EVP_MAC_update(context, info.bytes, info.size));
        must(EVP_MAC_update(context, &counter, 1));
        hmac_end(context, block);

        size_t part = size < sizeof(block) ? size : sizeof(block);
        memcpy(out, block, part);
        out += part;
        size -= part;
    }
    crypto_wipe(block, sizeof(block));
}

void crypto_hkdf(struct view secret, struct view info, uint8_t *out, size_t size)
{
    assert(size <= 255 * CRYPTO_SHA256_SIZE); /* RFC 5869, 2.3: the counter is one byte */
    uint8_t extracted[CRYPTO_SHA256_SIZE];
    crypto_hmac_sha256((struct view){0}, secret, extracted); /* no salt: an empty HMAC key */
    hkdf_expand(extracted, info, out, size);
    crypto_wipe(extracted, sizeof(extracted));
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

void crypto_wipe(void *bytes, size_t size)
{
    OPENSSL_cleanse(bytes, size);
}

/* ---- sealing and tags ---- */

/*
 * One context holds the key schedule for its whole life; a message only brings a new nonce and
 * says its direction (GCM runs the block cipher forwards in both).
 */
struct crypto_gcm {
    EVP_CIPHER_CTX *context;
};

struct crypto_gcm *crypto_gcm_create(const uint8_t key[CRYPTO_KEY_SIZE])
{
    struct crypto_gcm *gcm = malloc(sizeof(*gcm));
    assert(gcm != NULL);
    gcm->context = EVP_CIPHER_CTX_new();
    assert(gcm->context != NULL);
    must(EVP_EncryptInit_ex2(gcm->context, algorithms()->gcm, key, NULL, NULL));
    return gcm;
}

void crypto_gcm_destroy(struct crypto_gcm *gcm)
{
    if (gcm != NULL) {
        EVP_CIPHER_CTX_free(gcm->context); /* wipes the schedule */
        free(gcm);
    }
}

/* A NULL out means associated data. */
static void gcm_update(struct crypto_gcm *gcm, struct view bytes, uint8_t *out)
{
    assert(bytes.size <= INT_MAX);
    int written = 0;
    if (bytes.size > 0) {
        must(EVP_CipherUpdate(gcm->context, out, &written, bytes.bytes, (int)bytes.size));
        assert((size_t)written == bytes.size);
    }
}

/* false: the tag does not fit; only opening can say so. */
static bool gcm_final(struct crypto_gcm *gcm)
{
    uint8_t nothing[CRYPTO_BLOCK_SIZE];
    int written = 0;
    int rc = EVP_CipherFinal_ex(gcm->context, nothing, &written);
    assert(written == 0);
    return rc == 1;
}

void crypto_gcm_seal(struct crypto_gcm *gcm, const uint8_t nonce[CRYPTO_NONCE_SIZE],
    struct view associated, struct view plain, uint8_t *out)
{
    must(EVP_EncryptInit_ex2(gcm->context, NULL, NULL, nonce, NULL));
    gcm_update(gcm, associated, NULL);
    gcm_update(gcm, plain, out);
    must(gcm_final(gcm));
    must(EVP_CIPHER_CTX_ctrl(
        gcm->context, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_SIZE, out + plain.size));
}

bool crypto_gcm_open(struct crypto_gcm *gcm, const uint8_t nonce[CRYPTO_NONCE_SIZE],
    struct view associated, struct view sealed, uint8_t *out)
{
    if (sealed.size < CRYPTO_TAG_SIZE) {
        return false;
    }
    size_t size = sealed.size - CRYPTO_TAG_SIZE;
    uint8_t tag[CRYPTO_TAG_SIZE];
    memcpy(tag, sealed.bytes + size, sizeof(tag));

    must(EVP_DecryptInit_ex2(gcm->context, NULL, NULL, nonce, NULL));
    must(EVP_CIPHER_CTX_ctrl(gcm->context, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_SIZE, tag));
    gcm_update(gcm, associated, NULL);
    gcm_update(gcm, view_of(sealed.bytes, size), out);
    if (gcm_final(gcm)) {
        return true;
    }
    crypto_wipe(out, size); /* nobody may use bytes that were not vouched for */
    return false;
}

void crypto_gmac(struct crypto_gcm *gcm, const uint8_t nonce[CRYPTO_NONCE_SIZE],
    struct view message, uint8_t tag[CRYPTO_TAG_SIZE])
{
    crypto_gcm_seal(gcm, nonce, message, (struct view){0}, tag);
}

/* ---- one block ---- */

static void aes256_block(
    const uint8_t key[CRYPTO_KEY_SIZE], const uint8_t *in, uint8_t *out, int is_encryption)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert(context != NULL);
    must(EVP_CipherInit_ex2(context, algorithms()->ecb, key, NULL, is_encryption, NULL));
    must(EVP_CIPHER_CTX_set_padding(context, 0));
    int written = 0;
    must(EVP_CipherUpdate(context, out, &written, in, CRYPTO_BLOCK_SIZE));
    assert(written == CRYPTO_BLOCK_SIZE);
    EVP_CIPHER_CTX_free(context);
}

void crypto_aes256_encrypt_block(
    const uint8_t key[CRYPTO_KEY_SIZE], const uint8_t in[16], uint8_t out[16])
{
    aes256_block(key, in, out, 1);
}

void crypto_aes256_decrypt_block(
    const uint8_t key[CRYPTO_KEY_SIZE], const uint8_t in[16], uint8_t out[16])
{
    aes256_block(key, in, out, 0);
}
