/*
 * disk_readonly.h - a disk (disk.h) that only looks: nothing is created, written, locked or
 * renamed.
 *
 * For programs that read a volume nobody has open.  Each request is done inside the call that
 * submits it.  What would change something answers EROFS, but a sync answers 0: nothing is
 * unsynced.
 */
#ifndef HEARTH_STORAGED_DISK_READONLY_H
#define HEARTH_STORAGED_DISK_READONLY_H

#include "storaged/disk.h"

/*
 * `directory` exists.  *out is released with disk_destroy().
 * HEARTH_NOT_FOUND: there is no such directory. HEARTH_IO: it cannot be opened.
 */
enum hearth_code disk_readonly_create(
    const char *directory, struct loop *loop, struct disk **out, struct hearth_err *err);

/* Whether a process holds the lock `name` now; it is not taken. false as well when it is missing.
 */
bool disk_readonly_is_locked(struct disk *disk, const char *name);

#endif /* HEARTH_STORAGED_DISK_READONLY_H */
