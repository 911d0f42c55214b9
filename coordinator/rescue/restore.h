/*
 * restore.h - a backup file becomes the metadata of a coordinator that does not run.
 *
 *   FILE --check--> restored.db, synced --check, mark--> what was there is linked aside --rename-->
 * meta.db
 *
 * At no moment is meta.db missing or half: killed anywhere, the next start has what was there, or
 * what was restored.  The first start of that raises the recovery epoch and holds garbage
 * collection.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_RESTORE_H
#define HEARTH_COORDINATOR_RESCUE_RESTORE_H

#include "common/env.h"
#include "coordinator/settings.h"

#include <stdio.h>

/*
 * HEARTH_EXISTS: there is metadata, and !replaces.  HEARTH_BUSY: the coordinator runs.
 * HEARTH_CHECKSUM: the file was cut short or is damaged.  HEARTH_CONFLICT: of another cluster.
 */
enum hearth_code coordinator_restore(const struct settings *settings, const char *file,
    bool replaces, struct env *env, FILE *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_RESTORE_H */
