/*
 * disk_file.h - a real file, as the back ends on real files share it: disk_threads opens it, and
 * disk_uring reads and writes it, too.  Nobody else includes this.
 */
#ifndef HEARTH_STORAGED_DISK_FILE_H
#define HEARTH_STORAGED_DISK_FILE_H

#include <stdbool.h>

struct disk_file {
    int fd;
    bool cached; /* asked to be direct, but the file system cannot: drop the cache instead */
};

#endif /* HEARTH_STORAGED_DISK_FILE_H */
