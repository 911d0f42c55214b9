/*
 * fsck_copy.h - the copy of the metadata that a check reads, in a folder beside the metadata.
 *
 * Thread-safety: one thread at a time for each folder.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_COPY_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_COPY_H

#include "coordinator/meta/meta_store.h"

#include <limits.h>

struct fsck_copy {
    char folder[PATH_MAX]; /* "": none */
};

/* Of a store that is in use; what a check that was killed left is removed first. */
enum hearth_code fsck_copy_live(
    struct fsck_copy *copy, const char *metadata, struct meta_store *store, struct hearth_err *err);

/* Of a coordinator that does not run, whose files are only read.  HEARTH_BUSY: it runs. */
enum hearth_code fsck_copy_stopped(
    struct fsck_copy *copy, const char *metadata, struct hearth_err *err);

void fsck_copy_remove(const struct fsck_copy *copy);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_COPY_H */
