/*
 * disk_cells.h - a segment's shards on the disks of nodes that do not run: every cell fits its tag,
 * and any k of them give all others.
 *
 * Each shard is read once, from its beginning to its end; all of a segment are in memory meanwhile,
 * which is n / k times 64 MiB at most.
 *
 * Blocks.  Thread-safety: one thread.
 */
#ifndef HEARTH_TOOLS_OFFLINE_DISK_CELLS_H
#define HEARTH_TOOLS_OFFLINE_DISK_CELLS_H

#include "coordinator/rescue/fsck.h"
#include "tools/offline/disk_node.h"

/* The node that holds a slot, and the name of its shard there.  NULL: it is not here. */
typedef struct disk_node *disk_finder_fn(
    void *context, const struct meta_segment *segment, unsigned slot, uint8_t id[SHARD_ID_SIZE]);

/* out: as fsck_fleet's check_cells. */
enum hearth_code disk_cells_check(const struct meta_segment *segment, disk_finder_fn *find,
    void *context, struct fsck_slot *out, struct hearth_err *err);

#endif /* HEARTH_TOOLS_OFFLINE_DISK_CELLS_H */
