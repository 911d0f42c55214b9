/*
 * shipment_name.h - segments that carry the metadata itself, told from all others by their ids.
 *
 *   master key --HKDF--> backup key --HKDF--> names, seals, tags
 *
 *   segment id (16) = E_name("hs1", number (6), part (2), k, n, salt (3))
 *
 * A node's inventory gives locators, the master key opens them to segment ids, and these say which
 * shipment and which part it is and how it is coded: nothing else has to be remembered anywhere.
 * The number is the coordinator's time in milliseconds when the shipment began, so a newer one has
 * a higher number even after a restore; the salt keeps two that began in the same millisecond on
 * two coordinators apart (D12).  An id by chance looks like one of ours once in 16 million, and
 * then its bytes do not open.
 *
 * How long the plaintext is follows from the length of a shard: it is padded to fill its cells.
 *
 * Pure computation.  Thread-safety: keys never change after init; share them freely.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_SHIPMENT_NAME_H
#define HEARTH_COORDINATOR_RESCUE_SHIPMENT_NAME_H

#include "client/seal.h"
#include "client/shard_tag.h"

struct shipment_keys {
    uint8_t backup[CRYPTO_KEY_SIZE];
    uint8_t name[CRYPTO_KEY_SIZE];
    struct upload_key seal; /* each segment's own key comes from it and the segment's id */
};

struct shipment_name {
    uint64_t number; /* < 2^48 */
    uint16_t part;   /* from 0 */
    uint8_t k;
    uint8_t n;
    uint32_t salt; /* < 2^24, the same for all parts */
};

void shipment_keys_init(struct shipment_keys *keys, const uint8_t master[CRYPTO_KEY_SIZE]);
void shipment_keys_fini(struct shipment_keys *keys); /* wipes */

void shipment_name_make(const struct shipment_keys *keys, const struct shipment_name *name,
    uint8_t segment_id[SEGMENT_ID_SIZE]);

/* False: no segment of a shipment. */
bool shipment_name_open(const struct shipment_keys *keys, const uint8_t segment_id[SEGMENT_ID_SIZE],
    struct shipment_name *out);

void shipment_verify_key(const struct shipment_keys *keys,
    const uint8_t segment_id[SEGMENT_ID_SIZE], struct verify_key *out);

/* The least plaintext, not shorter than `size`, whose sealed bytes leave no room in k cells. */
size_t shipment_padded_size(unsigned k, size_t size);

/* Its inverse: from a shard's cells and tags.  False: no such plaintext has shards of this length.
 */
bool shipment_size_of_shard(unsigned k, uint64_t shard_size, size_t *out);

#endif /* HEARTH_COORDINATOR_RESCUE_SHIPMENT_NAME_H */
