/*
 * shard_name.h - the name a shard has at its node, and what it stands for.
 *
 *   id      (16) = E_K1(E_K1(segment id) xor (slot, p))
 *   locator (20) = (segment id, slot, p) xor (E_K2(id), E_K2(id xor 1))
 *
 * (slot, p) are two little-endian u16, followed by zeros; "id xor 1" changes the first byte.
 * E is AES-256 on one block, K1 and K2 come from the coordinator's master key.  Nodes cannot link
 * shards of one segment; the coordinator opens a locator without looking anything up.  Each
 * placement of a slot has its own p, so a name is never used twice.
 *
 * Pure computation.  Thread-safety: keys never change after init; share them freely.
 */
#ifndef HEARTH_COORDINATOR_SHARD_NAME_H
#define HEARTH_COORDINATOR_SHARD_NAME_H

#include "common/crypto.h"

enum { SHARD_ID_SIZE = 16, SHARD_LOCATOR_SIZE = 20 };

struct shard_name_keys {
    uint8_t id_key[CRYPTO_KEY_SIZE];
    uint8_t locator_key[CRYPTO_KEY_SIZE];
};

struct shard_place {
    uint8_t segment[16];
    uint16_t slot;
    uint16_t p;
};

struct shard_name {
    uint8_t id[SHARD_ID_SIZE];
    uint8_t locator[SHARD_LOCATOR_SIZE];
};

void shard_name_keys_init(struct shard_name_keys *keys, const uint8_t master[CRYPTO_KEY_SIZE]);
void shard_name_keys_fini(struct shard_name_keys *keys); /* wipes */

void shard_name_make(
    const struct shard_name_keys *keys, const struct shard_place *place, struct shard_name *out);

/* False: the two do not belong together, so nobody with our keys made them. */
bool shard_name_open(
    const struct shard_name_keys *keys, const struct shard_name *name, struct shard_place *out);

#endif /* HEARTH_COORDINATOR_SHARD_NAME_H */
