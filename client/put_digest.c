#include "client/put_digest.h"

#include "common/codec.h"

#include <assert.h>

void put_digest_init(struct put_digest *digest, const struct upload_key *key)
{
    static const char label[] = "hearth/1/resume";
    uint8_t bytes[CRYPTO_KEY_SIZE];
    crypto_hkdf(view_of(key->bytes, sizeof(key->bytes)), view_text(label), bytes, sizeof(bytes));
    *digest = (struct put_digest){
        .gmac = crypto_gcm_create(bytes),
        .tags = crypto_hash_create(CRYPTO_SHA256),
    };
    crypto_wipe(bytes, sizeof(bytes));
}

void put_digest_fini(struct put_digest *digest)
{
    crypto_gcm_destroy(digest->gmac);
    crypto_hash_destroy(digest->tags);
}

void put_digest_unit(struct put_digest *digest, struct view plain)
{
    assert(plain.size > 0 && plain.size <= EC_UNIT_PLAIN_SIZE);
    uint8_t nonce[CRYPTO_NONCE_SIZE] = {0};
    uint8_t tag[CRYPTO_TAG_SIZE];
    struct writer writer = writer_of(nonce, sizeof(nonce));
    writer_u64(&writer, digest->unit++);
    crypto_gmac(digest->gmac, nonce, plain, tag);
    crypto_hash_update(digest->tags, view_of(tag, sizeof(tag)));
}

void put_digest_end(struct put_digest *digest, uint8_t out[PUT_DIGEST_SIZE])
{
    crypto_hash_final(digest->tags, out);
}
