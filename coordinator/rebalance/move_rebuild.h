/*
 * move_rebuild.h - a shard that its holder does not give, made anew at its new place.
 *
 *   k others --cells, tags verified--> rebuild --check--> the new place --receipt
 *
 * Repair's own hands (repair_segment.h).  Nothing here changes metadata.
 *
 * Blocks.  Thread-safety: one thread a job.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_MOVE_REBUILD_H
#define HEARTH_COORDINATOR_REBALANCE_MOVE_REBUILD_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_types.h"
#include "coordinator/rebalance/move_pace.h"
#include "proto/order_format.h"

struct move_rebuild {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct view session_id;
    const struct meta_segment *segment;
    unsigned slot;
    struct shard_door target; /* its new place */
    struct move_pace *pace;   /* NULL: no limit */
    const struct halt *halt;  /* NULL: it goes on to its end */
};

/* HEARTH_SHARDS_LOST: fewer than k others give it.  Else as repair_segment_blocking().  The receipt
 * is the target's word, to be checked by the caller. */
enum hearth_code move_rebuild_blocking(const struct move_rebuild *rebuild, struct arena *arena,
    uint8_t receipt[RECEIPT_SIZE], struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_MOVE_REBUILD_H */
