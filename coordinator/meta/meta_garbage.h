/*
 * meta_garbage.h - what nobody names any more is found, named, and ended by its node.
 *
 *   intent past its time --expire--> ABORTED (written first)
 *   ended intent's segments --settle--> offers: dead shards after the last order + skew
 *                                       sealed but in no body: dying
 *   doomed body --reap, when it is not kept any more (meta_undelete.h)--> refs down; 0: dying
 *   dying segment --bury--> its placements become dead shards, the row goes
 *   dead shard --deliver--> node: "trashed" or "never had, id barred" --end--> row goes
 *
 * D5: a shard is trashed only because a row made after its intent ended names it.  Nothing here
 * concludes from the absence of a row.
 *
 * Each step is one bounded transaction; the caller repeats meta_garbage_step until it says idle.
 * While garbage collection is held (meta_settings.h) steps only expire intents and forget rows,
 * and nothing is delivered.
 */
#ifndef HEARTH_COORDINATOR_META_META_GARBAGE_H
#define HEARTH_COORDINATOR_META_META_GARBAGE_H

#include "coordinator/meta/meta_segment.h"

enum {
    META_GARBAGE_BATCH = 64, /* intents, offers or segments handled in one transaction */
    META_REAP_EXTENTS = 256, /* extents of one doomed body reaped in one transaction, */
    META_REAP_BODIES = 64,   /* or so many bodies without any */
    META_FORGET_BATCH = 512, /* rows that served their time, of each kind */
    META_DEAD_BATCH_MAX = 1024,
};

struct meta_garbage_report {
    uint64_t intents_aborted;
    uint64_t intents_settled;
    uint64_t extents_reaped;
    uint64_t bodies_reaped;
    uint64_t segments_dying;
    uint64_t segments_buried;
    uint64_t shards_dead;
    uint64_t uploads_ended; /* in parts: expired, or cleared away */
    uint64_t parts_doomed;
    uint64_t rows_forgotten; /* outcomes, invites and intents that served their time */
    bool idle;               /* nothing was due */
};

/* One round of every duty. *out counts this round. */
enum hearth_code meta_garbage_step(
    struct meta_store *store, struct meta_garbage_report *out, struct hearth_err *err);

/* The next shard ids (16 bytes each) the node may trash now, after `after` (zero: from the start).
 * ids has room for max <= META_DEAD_BATCH_MAX. *count < max: no more for now. */
enum hearth_code meta_dead_next(struct meta_store *store, uint32_t node, struct meta_id after,
    struct meta_id *ids, size_t max, size_t *count, struct hearth_err *err);

enum { META_DEAD_COUNT_MAX = 100000 }; /* of one node: a count stops here */

struct meta_dead_sum {
    uint64_t shards;
    uint64_t bytes; /* of those whose length is known */
};

/* What waits for each of these nodes. */
enum hearth_code meta_dead_sum(struct meta_store *store, const uint32_t *nodes, size_t count,
    struct meta_dead_sum *sums, struct hearth_err *err);

/* The node said "trashed" or "never had, id barred" of these. Unknown ids are passed over. */
enum hearth_code meta_dead_end(struct meta_store *store, uint32_t node, const struct meta_id *ids,
    size_t count, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_GARBAGE_H */
