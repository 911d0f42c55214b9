/*
 * offline_fsck.h - fsck.h of a coordinator and nodes that do not run, by what is on this machine.
 *
 *   hearth-coordinator.conf --> its keys, and a copy of its metadata
 *   node folders (hearth-storaged.conf) --> volumes, opened as after a crash --> shards, cells
 *
 * The metadata is only read.  A volume is recovered by opening it, as its daemon's start would do.
 * Time stands still for the volumes, so none of them begins to tidy up what is being read.
 *
 * Blocks.  Thread-safety: one thread.
 */
#ifndef HEARTH_TOOLS_OFFLINE_OFFLINE_FSCK_H
#define HEARTH_TOOLS_OFFLINE_OFFLINE_FSCK_H

#include "common/program.h"
#include "proto/wire_fsck.h"

struct offline_fsck {
    const char *config;               /* of the coordinator */
    const struct program_list *nodes; /* a node's folder, or one of such folders; none: not looked
                                         at */
    bool is_deep;
    /* As the coordinator would have sent it.  Non-OK ends the check. */
    enum hearth_code (*take)(void *context, const void *message, struct hearth_err *err);
    void *context;
};

/* HEARTH_BUSY: the coordinator, or one of the nodes, runs.  HEARTH_INVALID: no node of this
 * cluster, or twice the same. */
enum hearth_code offline_fsck_run(const struct offline_fsck *options, struct hearth_err *err);

#endif /* HEARTH_TOOLS_OFFLINE_OFFLINE_FSCK_H */
