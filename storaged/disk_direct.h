/*
 * disk_direct.h - large reads and writes that leave the page cache alone.
 *
 *   write: io->iov --(copied)--> slot --(O_DIRECT)--> device
 *   read:  io->iov <--(copied)-- slot <--(O_DIRECT)-- device
 *
 * What a node writes it does not soon read, and what it reads it has not read lately.  In the cache
 * it costs a fresh page for every page, and whoever lives with this machine the pages they were
 * using.  So the bytes go through a few slots of two huge pages, which are used again and again,
 * and through a second descriptor of the file.  A sync of either descriptor is a sync of the file.
 * Reads of less than DIRECT_READ_MIN, which may be hot, stay with the cache.
 *
 * This never fails: where it cannot be done it says so, and the request goes the ordinary way.
 *
 * Thread-safety: any thread; its one mutex is a leaf, held while a descriptor is opened.
 */
#ifndef HEARTH_STORAGED_DISK_DIRECT_H
#define HEARTH_STORAGED_DISK_DIRECT_H

#include "storaged/disk.h"

#include <sys/types.h>

enum {
    DIRECT_WRITE_MAX = 2 << 20,   /* a log's largest batch, and more */
    DIRECT_READ_MIN = 64 * 1024,  /* less is an index, a footer or a small shard */
    DIRECT_READ_MAX = 288 * 1024, /* four cells of 64 KiB as they lie in a log, in whole pages */
    DIRECT_READS_MAX = 7,         /* at once: what a huge page holds of them */
};

struct disk_direct;

/* NULL: out of memory. */
struct disk_direct *disk_direct_create(void);

/* Accepts NULL. All files closed. */
void disk_direct_destroy(struct disk_direct *direct);

enum direct_way {
    DIRECT_NOT,   /* do it the ordinary way */
    DIRECT_LATER, /* all slots are in use: ask again when one has ended, or take the ordinary way */
    DIRECT_NOW,   /* do what the transfer says, then disk_direct_end() */
};

/* `size` bytes from or to `bytes`, which are the slot's, at `offset` of `fd`. */
struct direct_transfer {
    int fd;
    void *bytes;
    size_t size;
    uint64_t offset;
};

enum direct_way disk_direct_begin(
    struct disk_direct *direct, struct disk_io *io, struct direct_transfer *transfer);

/*
 * `result` is what the transfer answered: bytes, or a negative errno.  Answers the io and returns
 * true; or false: it is to be done the ordinary way after all, for the device wants larger blocks
 * than ours.
 */
bool disk_direct_end(struct disk_direct *direct, struct disk_io *io, ssize_t result);

/* Before the file itself is closed. */
void disk_direct_forget(struct disk_direct *direct, struct disk_file *file);

#endif /* HEARTH_STORAGED_DISK_DIRECT_H */
