/*
 * disk_file.h - a real file, as the back ends on real files share it: disk_threads opens it,
 * disk_uring reads and writes it, too, and disk_direct has a second descriptor of it.  Nobody else
 * includes this.
 */
#ifndef HEARTH_STORAGED_DISK_FILE_H
#define HEARTH_STORAGED_DISK_FILE_H

#include <stdbool.h>

struct disk_file {
    int fd;
    bool cached; /* asked to be direct, but the file system cannot: drop the cache instead */

    /* The mutex of disk_direct. */
    int direct_fd; /* -1: none now */
    bool is_direct_refused;
};

#endif /* HEARTH_STORAGED_DISK_FILE_H */
