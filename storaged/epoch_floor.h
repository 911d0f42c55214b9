/*
 * epoch_floor.h - the highest recovery epoch that was heard, kept over restarts.
 *
 * A copy of the coordinator of before its last restore knows of nothing that was written since, and
 * would have it trashed.  It is told by its epoch, so what a node has heard must outlast the node's
 * process: recovery.epoch beside the key, a number and a newline; none means 0.
 *
 * Thread-safety: none; load and keep block.
 */
#ifndef HEARTH_STORAGED_EPOCH_FLOOR_H
#define HEARTH_STORAGED_EPOCH_FLOOR_H

#include "storaged/settings.h"

struct epoch_floor {
    char path[PATH_MAX];
    uint64_t kept; /* on disk */
};

/* HEARTH_INVALID: recovery.epoch is not one. */
enum hearth_code epoch_floor_load_blocking(
    struct epoch_floor *floor, const struct settings *settings, struct hearth_err *err);

/* After HEARTH_OK it is durable; a lower one than is kept changes nothing. */
enum hearth_code epoch_floor_keep_blocking(
    struct epoch_floor *floor, uint64_t epoch, struct hearth_err *err);

#endif /* HEARTH_STORAGED_EPOCH_FLOOR_H */
