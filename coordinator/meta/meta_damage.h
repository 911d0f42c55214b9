/*
 * meta_damage.h - shards whose own nodes say that they do not verify any more.
 *
 *   heartbeat: damaged --opened by name--> meta_damage_note --> a bit of the segment's row
 *   repair: counts the slot as missing --> the new holder takes the bit away (meta_seal.c)
 *
 * The shard stays a holder until then: what is good in it may be needed yet (D7).
 */
#ifndef HEARTH_COORDINATOR_META_META_DAMAGE_H
#define HEARTH_COORDINATOR_META_META_DAMAGE_H

#include "coordinator/meta/meta_store.h"

struct meta_damaged_shard {
    struct meta_id segment;
    uint16_t slot;
    uint16_t p;
    bool is_noted; /* out: `node` is its holder, and this was not known */
};

/* What is no shard of that node, or of no segment that is alive, is passed over. */
enum hearth_code meta_damage_note(struct meta_store *store, uint32_t node,
    struct meta_damaged_shard *shards, size_t count, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_DAMAGE_H */
