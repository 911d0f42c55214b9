#include "client/bucket_key.h"

#include "common/codec.h"

#include <assert.h>

enum { FORMAT_VERSION = 1 };

static const char wrap_label[] = "hearth/1/wrap";
static const char etag_label[] = "hearth/1/etag";

enum {
    WRAP_LABEL_SIZE = sizeof(wrap_label) - 1,
    WRAP_CONTEXT_SIZE = WRAP_LABEL_SIZE + BUCKET_ID_SIZE + sizeof(uint32_t),
};

void bucket_key_draw(struct env *env, uint32_t version, struct bucket_key *out)
{
    assert(version > 0);
    out->version = version;
    env_random(env, out->bytes, sizeof(out->bytes));
}

/* What ties a wrap to its bucket and version: HKDF's info, and the associated data. */
static struct view wrap_context(
    const uint8_t bucket_id[BUCKET_ID_SIZE], uint32_t version, uint8_t context[WRAP_CONTEXT_SIZE])
{
    struct writer writer = writer_of(context, WRAP_CONTEXT_SIZE);
    writer_bytes(&writer, wrap_label, WRAP_LABEL_SIZE);
    writer_bytes(&writer, bucket_id, BUCKET_ID_SIZE);
    writer_u32(&writer, version);
    assert(writer.size == WRAP_CONTEXT_SIZE && !writer.failed);
    return view_of(context, WRAP_CONTEXT_SIZE);
}

static struct crypto_gcm *wrapping_gcm(const struct root_key *root, struct view context)
{
    uint8_t key[CRYPTO_KEY_SIZE];
    crypto_hkdf(view_of(root->bytes, sizeof(root->bytes)), context, key, sizeof(key));
    struct crypto_gcm *gcm = crypto_gcm_create(key);
    crypto_wipe(key, sizeof(key));
    return gcm;
}

void bucket_key_wrap(const struct bucket_key *key, struct env *env, const struct root_key *root,
    const uint8_t bucket_id[BUCKET_ID_SIZE], uint8_t wrapped[BUCKET_KEY_WRAPPED_SIZE])
{
    uint8_t bytes[WRAP_CONTEXT_SIZE];
    struct view context = wrap_context(bucket_id, key->version, bytes);
    uint8_t *nonce = wrapped + 1;
    wrapped[0] = FORMAT_VERSION;
    env_random(env, nonce, CRYPTO_NONCE_SIZE);
    struct crypto_gcm *gcm = wrapping_gcm(root, context);
    crypto_gcm_seal(
        gcm, nonce, context, view_of(key->bytes, sizeof(key->bytes)), nonce + CRYPTO_NONCE_SIZE);
    crypto_gcm_destroy(gcm);
}

enum hearth_code bucket_key_unwrap(struct view wrapped, uint32_t version,
    const struct root_key *root, const uint8_t bucket_id[BUCKET_ID_SIZE], struct bucket_key *out,
    struct hearth_err *err)
{
    if (wrapped.size > 0 && wrapped.bytes[0] != FORMAT_VERSION) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "wrapped bucket key of format %u; this program reads format %d", wrapped.bytes[0],
            FORMAT_VERSION);
    }
    uint8_t bytes[WRAP_CONTEXT_SIZE];
    struct view context = wrap_context(bucket_id, version, bytes);
    struct bucket_key key = {.version = version};
    bool is_open = false;
    if (wrapped.size == BUCKET_KEY_WRAPPED_SIZE) {
        const uint8_t *nonce = wrapped.bytes + 1;
        struct crypto_gcm *gcm = wrapping_gcm(root, context);
        is_open = crypto_gcm_open(gcm, nonce, context,
            view_of(nonce + CRYPTO_NONCE_SIZE, CRYPTO_KEY_SIZE + CRYPTO_TAG_SIZE), key.bytes);
        crypto_gcm_destroy(gcm);
    }
    if (!is_open) {
        return hearth_fail(err, HEARTH_WRONG_KEY,
            "bucket key version %u does not open with this root key, or was altered", version);
    }
    *out = key;
    crypto_wipe(&key, sizeof(key));
    return HEARTH_OK;
}

/* ---- the ETag column ---- */

void etag_key_derive(const struct bucket_key *oldest, struct etag_key *out)
{
    crypto_hkdf(view_of(oldest->bytes, sizeof(oldest->bytes)), view_text(etag_label), out->bytes,
        sizeof(out->bytes));
}

void etag_seal(
    const struct etag_key *key, const uint8_t md5[CRYPTO_MD5_SIZE], uint8_t column[CRYPTO_MD5_SIZE])
{
    crypto_aes256_encrypt_block(key->bytes, md5, column);
}

void etag_open(
    const struct etag_key *key, const uint8_t column[CRYPTO_MD5_SIZE], uint8_t md5[CRYPTO_MD5_SIZE])
{
    crypto_aes256_decrypt_block(key->bytes, column, md5);
}
