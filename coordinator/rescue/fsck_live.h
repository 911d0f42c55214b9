/*
 * fsck_live.h - fsck.h of a coordinator and nodes that run, and go on running.
 *
 *   meta_backup --> a copy;  node_inventory --> what each lists;  GET orders --> cells
 * (fsck_cells.h)
 *
 * Blocks.  Thread-safety: one check at a time.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_LIVE_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_LIVE_H

#include "coordinator/coordinator.h"
#include "coordinator/rescue/fsck.h"

/* Of `options`, what tells and how deep: the rest is the coordinator's.  As fsck_run_blocking(). */
enum hearth_code fsck_live_blocking(struct coordinator *coordinator,
    const struct fsck_options *options, struct fsck_counts *counts, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_LIVE_H */
