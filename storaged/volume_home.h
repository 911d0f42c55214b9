/*
 * volume_home.h - is the volume where it was?
 *
 * A disk that is not mounted looks like an empty directory.  A new volume there would tell the
 * coordinator that every shard is lost, and be found out only when all of them were made anew.
 *
 *   first start    no volume.id beside the key: a volume may be made; its uuid is written there
 *   later          the volume must be there, and be that one
 *   while it runs  the path must lead to the directory it led to at the start
 *
 * Thread-safety: volume_home_is_there() from any thread once volume_home_settle() has returned.
 */
#ifndef HEARTH_STORAGED_VOLUME_HOME_H
#define HEARTH_STORAGED_VOLUME_HOME_H

#include "storaged/settings.h"
#include "storaged/volume.h"

#include <sys/types.h>

struct volume_home {
    const char *directory;  /* of the volume; borrowed from the settings */
    char id_path[PATH_MAX]; /* volume.id */
    bool is_known;          /* there was a volume: */
    uint8_t uuid[VOLUME_UUID_SIZE];
    dev_t device; /* of the directory, and */
    ino_t inode;
};

/* HEARTH_INVALID: volume.id is not one. */
enum hearth_code volume_home_load(
    struct volume_home *home, const struct settings *settings, struct hearth_err *err);

/*
 * After opening.  HEARTH_DENIED: it is another volume than the one that was here.
 * HEARTH_IO: volume.id cannot be written.
 */
enum hearth_code volume_home_settle(
    struct volume_home *home, const struct volume *volume, struct hearth_err *err);

bool volume_home_is_there(const struct volume_home *home);

#endif /* HEARTH_STORAGED_VOLUME_HOME_H */
