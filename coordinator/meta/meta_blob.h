/*
 * meta_blob.h - the two lists that are kept as one column each.
 *
 *   holders   format 1 (u8), then for each slot: node number (u32), p (u16)
 *   extents   format 1 (u8), then for each: segment id (16), offset (u32), length (u32)
 */
#ifndef HEARTH_COORDINATOR_META_META_BLOB_H
#define HEARTH_COORDINATOR_META_META_BLOB_H

#include "coordinator/meta/meta_types.h"

enum {
    META_HOLDER_SIZE = 6,
    META_EXTENT_SIZE = 24,
    META_HOLDERS_SIZE_MAX = 1 + META_SLOTS_MAX * META_HOLDER_SIZE,
};

/* Returns the size written to `bytes` (META_HOLDERS_SIZE_MAX). */
size_t meta_holders_encode(const struct meta_holder *holders, size_t count, uint8_t *bytes);

/* False: not `count` holders of a known format. */
bool meta_holders_decode(struct view bytes, struct meta_holder *holders, size_t count);

/* A bit for each of `count` slots, lowest first; nothing when the set is empty. */
enum { META_SLOTS_SIZE_MAX = META_SLOTS_MAX / 8 };
size_t meta_slots_encode(struct ec_slots slots, size_t count, uint8_t *bytes);
bool meta_slots_decode(struct view bytes, size_t count, struct ec_slots *out);

static inline size_t meta_extents_size(size_t count)
{
    return 1 + count * META_EXTENT_SIZE;
}

/* `bytes` has room for meta_extents_size(count). */
void meta_extents_encode(const struct meta_extent *extents, size_t count, uint8_t *bytes);

/* False: not a list of a known format. */
bool meta_extents_count(struct view bytes, size_t *out);

/* index < the count. */
struct meta_extent meta_extents_at(struct view bytes, size_t index);

#endif /* HEARTH_COORDINATOR_META_META_BLOB_H */
