/*
 * shard_tag.h - the 16 bytes behind each cell that let a reader say "this node lied" at once.
 *
 *   tag = GMAC(VK, nonce = slot (u32) | stripe (u64), cell)
 *
 * VK is drawn with the segment.  Client, coordinator and repair know it; nodes never do.  A tag is
 * checked before a cell is decoded.  Repair, which rebuilds equal cells, makes equal tags (D12).
 *
 * Pure computation.  Thread-safety: a tagger is used by one thread at a time.
 */
#ifndef HEARTH_CLIENT_SHARD_TAG_H
#define HEARTH_CLIENT_SHARD_TAG_H

#include "common/crypto.h"

/* VK: tells true cells of one segment from false ones, opens nothing. */
struct verify_key {
    uint8_t bytes[CRYPTO_KEY_SIZE];
};

struct shard_tagger;

/* The key is borrowed for the call. */
struct shard_tagger *shard_tagger_create(const struct verify_key *key);

/* Accepts NULL. */
void shard_tagger_destroy(struct shard_tagger *tagger);

void shard_tag_make(struct shard_tagger *tagger, unsigned slot, uint64_t stripe, struct view cell,
    uint8_t tag[CRYPTO_TAG_SIZE]);

/* Constant time. */
bool shard_tag_fits(struct shard_tagger *tagger, unsigned slot, uint64_t stripe, struct view cell,
    const uint8_t tag[CRYPTO_TAG_SIZE]);

#endif /* HEARTH_CLIENT_SHARD_TAG_H */
