/*
 * move_sources.h - the holders that a segment can be read from when a move has to make shards anew.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_MOVE_SOURCES_H
#define HEARTH_COORDINATOR_REBALANCE_MOVE_SOURCES_H

#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_types.h"
#include "coordinator/repair/repair_read.h"

struct move_sources {
    struct repair_source sources[META_SLOTS_MAX]; /* those that answer first */
    unsigned count;
};

/* All holders but of the `failed` slots and of those known to be damaged; with leave for
 * `session_id` to read there. Places live in the arena. */
enum hearth_code move_sources_find(struct coordinator *coordinator,
    const struct meta_segment *segment, struct ec_slots failed, struct view session_id,
    struct arena *arena, struct move_sources *out, struct hearth_err *err);

/* A node did not do its part with a slot: it is said, and nothing follows from it alone. */
void move_accuse(struct coordinator *coordinator, const struct meta_id *segment, unsigned slot,
    uint32_t node, const char *why);

#endif /* HEARTH_COORDINATOR_REBALANCE_MOVE_SOURCES_H */
