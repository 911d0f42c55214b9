/*
 * fsck_cells.h - every cell of a segment's shards read from its nodes, and compared with its tag.
 *
 * Blocks.  Thread-safety: one thread a segment.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_CELLS_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_CELLS_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/rescue/fsck.h"

struct fsck_cells {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct view session_id;
};

/* out: segment->n; those of slots without a holder are untouched. */
enum hearth_code fsck_cells_check_blocking(const struct fsck_cells *cells,
    const struct meta_segment *segment, struct fsck_slot *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_CELLS_H */
