/*
 * rebuild_find.h - what nodes say they hold, and which shipments that is.
 *
 *   every node's inventory --locator, master key--> (segment, slot, p) --backup key--> (shipment,
 *   part) --sort--> newest shipment first
 *
 * A node is not believed: a name that nobody with our keys made is passed over, and what a shard
 * really holds is seen when it is read.
 *
 * Pure computation.  Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_REBUILD_FIND_H
#define HEARTH_COORDINATOR_RESCUE_REBUILD_FIND_H

#include "coordinator/rescue/shipment_name.h"
#include "coordinator/shard_name.h"
#include "proto/wire_inventory.h"

struct rebuild_shard {
    struct shipment_name name;
    uint8_t segment[SEGMENT_ID_SIZE];
    uint8_t id[SHARD_ID_SIZE]; /* at its node */
    uint16_t slot;
    uint16_t p;
    uint32_t node;   /* as the caller numbers them */
    uint64_t length; /* as the node says */
    bool is_trash;   /* still readable, for a while */
};

struct rebuild_found {
    struct rebuild_shard *shards; /* after sort: newest shipment first, then part, slot */
    size_t count;
    size_t capacity;
};

/* What a node lists.  Shards of other things than shipments are passed over. */
enum hearth_code rebuild_found_add(struct rebuild_found *found, const struct shard_name_keys *names,
    const struct shipment_keys *keys, uint32_t node, const struct wire_shard_entry *entry,
    struct hearth_err *err);
void rebuild_found_sort(struct rebuild_found *found);
void rebuild_found_fini(struct rebuild_found *found);

/* A run of `found`: empty when there is none. */
struct rebuild_run {
    const struct rebuild_shard *shards;
    size_t count;
};

/* All shards of the newest shipment that is older than `number`. */
struct rebuild_run rebuild_before(const struct rebuild_found *found, uint64_t number);

/* All shards of that shipment, of whichever salt comes first. */
struct rebuild_run rebuild_numbered(const struct rebuild_found *found, uint64_t number);

/* Somebody lists a shard of its seal, so it was whole once. */
bool rebuild_is_sealed(const struct rebuild_run *shipment);

/* Of a shipment's shards those of one part. */
struct rebuild_run rebuild_part(const struct rebuild_run *shipment, uint16_t part);

#endif /* HEARTH_COORDINATOR_RESCUE_REBUILD_FIND_H */
