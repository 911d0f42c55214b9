/*
 * restore_place.h - a backup that lies in the folder of the metadata, and how it becomes meta.db.
 *
 *   restore_place_open --bytes--> restored.db --check, mark, sync--> what was there is linked
 *   aside --rename--> meta.db
 *
 * At no moment is meta.db missing or half: killed anywhere, the next start has what was there, or
 * what was restored.  The first start of that raises the recovery epoch and holds garbage
 * collection.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_RESTORE_PLACE_H
#define HEARTH_COORDINATOR_RESCUE_RESTORE_PLACE_H

#include "common/env.h"
#include "common/view.h"
#include "coordinator/meta/meta_backup.h"

#include <limits.h>

struct restore_place {
    const char *folder; /* of the metadata; borrowed */
    char database[PATH_MAX];
    char restored[PATH_MAX];
    char aside[PATH_MAX]; /* where what was there goes */
};

/* The lock that a running coordinator holds; *fd is the caller's to close.  HEARTH_BUSY: it runs.
 */
enum hearth_code restore_place_lock(const char *folder, int *fd, struct hearth_err *err);

/* HEARTH_INVALID: the folder's path is too long. */
enum hearth_code restore_place_init(
    struct restore_place *place, const char *folder, struct env *env, struct hearth_err *err);

/* The staged file, empty; what a killed restore left of it is gone.  *out is the caller's. */
enum hearth_code restore_place_open(struct restore_place *place, int *out, struct hearth_err *err);

enum hearth_code restore_place_write(
    const struct restore_place *place, int fd, struct view bytes, struct hearth_err *err);

/* All was written: synced, and checked as meta_backup_adopt() does. */
enum hearth_code restore_place_check(struct restore_place *place, int fd, const uint8_t *cluster,
    uint64_t epoch, struct meta_backup_facts *out, struct hearth_err *err);

/* Of a restore that does not come about. */
void restore_place_discard(const struct restore_place *place);

/*
 * Nobody has the database open; what was staged and checked takes its place.  After a failure
 * meta.db is what it was.  *is_aside: there was something, and it is kept; if it could not be
 * settled, *damage says why, else its message is empty.
 */
enum hearth_code restore_place_take(
    struct restore_place *place, bool *is_aside, struct hearth_err *damage, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_RESTORE_PLACE_H */
