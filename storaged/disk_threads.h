/*
 * disk_threads.h - a disk (disk.h) on a real directory: a few threads that block in pread, pwrite
 * and fdatasync so that the loop does not.
 */
#ifndef HEARTH_STORAGED_DISK_THREADS_H
#define HEARTH_STORAGED_DISK_THREADS_H

#include "storaged/disk_direct.h"

struct disk_threads_options {
    const char *directory; /* made, for its owner alone, when missing; its parent must exist */
    struct loop *loop;     /* where done() runs; outlives the disk */
    unsigned threads;      /* 0: 4; a sync occupies one for as long as the device takes */
};

/* *out is released with disk_destroy(). HEARTH_IO: the directory cannot be made or opened. */
enum hearth_code disk_threads_create(
    const struct disk_threads_options *options, struct disk **out, struct hearth_err *err);

/* What writes round the page cache, for the back end that this one serves. */
struct disk_direct *disk_threads_direct(struct disk *disk);

#endif /* HEARTH_STORAGED_DISK_THREADS_H */
