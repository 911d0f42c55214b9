#include "client/shard_tag.h"

#include "common/codec.h"

#include <assert.h>
#include <stdlib.h>

struct shard_tagger {
    struct crypto_gcm *gcm;
};

struct shard_tagger *shard_tagger_create(const struct verify_key *key)
{
    struct shard_tagger *tagger = malloc(sizeof(*tagger));
    assert(tagger != NULL);
    tagger->gcm = crypto_gcm_create(key->bytes);
    return tagger;
}

void shard_tagger_destroy(struct shard_tagger *tagger)
{
    if (tagger != NULL) {
        crypto_gcm_destroy(tagger->gcm);
        free(tagger);
    }
}

void shard_tag_make(struct shard_tagger *tagger, unsigned slot, uint64_t stripe, struct view cell,
    uint8_t tag[CRYPTO_TAG_SIZE])
{
    uint8_t nonce[CRYPTO_NONCE_SIZE];
    struct writer writer = writer_of(nonce, sizeof(nonce));
    writer_u32(&writer, slot);
    writer_u64(&writer, stripe);
    assert(writer.size == sizeof(nonce));
    crypto_gmac(tagger->gcm, nonce, cell, tag);
}

bool shard_tag_fits(struct shard_tagger *tagger, unsigned slot, uint64_t stripe, struct view cell,
    const uint8_t tag[CRYPTO_TAG_SIZE])
{
    uint8_t expected[CRYPTO_TAG_SIZE];
    shard_tag_make(tagger, slot, stripe, cell, expected);
    return crypto_equal(tag, expected, sizeof(expected));
}
