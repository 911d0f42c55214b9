/*
 * disk.h - where a volume's bytes go: one directory on one disk.
 *
 *   disk_uring.c              real files, by the kernel's io_uring
 *   disk_threads.c            real files, a small pool of threads, pread and pwrite
 *   tests/sim/sim_disk.c      a disk that forgets, tears, fails and lies when the test says so
 *
 *   disk_submit(disk, io)  -->  io->done(io) on the loop, once, never inside the call
 *   disk_run_blocking(disk, io)  for starting up, before the loop runs: answers on return
 *
 * Requests submitted together are done in any order, also two writes to one file: whoever needs an
 * order waits for the first answer.  What a crash leaves is what the rules of each request say,
 * no more:
 *
 *   DISK_WRITE     nothing is promised; after a crash any part of it may be there
 *   DISK_SYNC      answers 0 only when every write to the file, and the file's size, that was
 *                  answered before the sync was submitted survives a power cut.  After an error
 *                  the bytes may be lost although they can still be read, and a second sync may
 *                  answer 0 without them: never sync that file again
 *   DISK_CREATE, DISK_RENAME, DISK_UNLINK
 *                  the name survives only after DISK_SYNC_DIR
 *
 * A disk does not retry, check or interpret: it reports errno and short counts as they come.
 *
 * Thread-safety: everything here is called on the loop thread, or before it starts.
 */
#ifndef HEARTH_STORAGED_DISK_H
#define HEARTH_STORAGED_DISK_H

#include "storaged/loop.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    DISK_PAGE_SIZE = 4096, /* unit of direct reads, and of what one write may tear on any disk */
    DISK_IOV_MAX = 1024,   /* Linux's IOV_MAX */
    DISK_NAME_SIZE = 64,   /* longest file name, with its zero */
};

enum disk_request {
    /* A new, empty file `name`; EEXIST when there is one. Answers `file`, open for writing. */
    DISK_CREATE,
    /*
     * `name`, which must exist. Answers `file` and `size`. With `direct`, reads come from the
     * device and not from memory, so that they show what a power cut would leave; offset, size and
     * buffer are then multiples of DISK_PAGE_SIZE (the end of file still shortens the answer).
     */
    DISK_OPEN,
    /* `name`, created when missing, locked against every other process; EWOULDBLOCK: it is held. */
    DISK_LOCK,
    /* Into iov from `offset`. Answers `size`: short only at the end of the file, or 0. */
    DISK_READ,
    /* From iov at `offset`. Answers `size`: less than asked means the rest was not written. */
    DISK_WRITE,
    DISK_SYNC,
    /*
     * Makes the file `offset` + `size` bytes long with room on the disk for all of it; new bytes
     * read as zeros. ENOSPC: there is no room, nothing changed.  A file system that cannot reserve
     * answers 0 and may answer ENOSPC to a later write.
     */
    DISK_ALLOCATE,
    /* `name` becomes `new_name`, replacing what had that name. */
    DISK_RENAME,
    DISK_UNLINK,
    DISK_SYNC_DIR,
};

/* One of a disk's open files; it names the file, also after a rename, until disk_close(). */
struct disk_file;

struct disk_io {
    /* The request: set by the caller, unchanged by the disk. */
    enum disk_request request;
    bool direct;
    const char *name;     /* borrowed until done */
    const char *new_name; /* borrowed until done */
    uint64_t offset;
    const struct iovec *iov; /* borrowed until done, and the bytes too */
    unsigned iov_count;
    void (*done)(struct disk_io *io); /* on the loop; the io is the caller's again */
    void *context;                    /* the caller's */

    /* The answer; `file` and `size` are also inputs where the request says so. */
    int error; /* positive errno; 0: it worked */
    struct disk_file *file;
    uint64_t size;

    struct {
        struct task task;
        struct disk *disk;
        struct disk_io *next;
        struct direct_slot *slot; /* of disk_direct; NULL: it goes the ordinary way */
    } owned_by_disk;
};

struct disk;

/* What a back end provides; each has its own constructor and embeds `struct disk` first. */
struct disk_ops {
    void (*submit)(struct disk *disk, struct disk_io *io);
    void (*run_blocking)(struct disk *disk, struct disk_io *io);
    void (*close)(struct disk *disk, struct disk_file *file);
    /* Calls found() for each file name of the directory; errno or 0. */
    int (*list_blocking)(
        struct disk *disk, void (*found)(void *context, const char *name), void *context);
    void (*destroy)(struct disk *disk);
};

struct disk {
    const struct disk_ops *ops;
};

/* Takes `io` until io->done(io), which comes once, on the loop, never inside this call. */
static inline void disk_submit(struct disk *disk, struct disk_io *io)
{
    disk->ops->submit(disk, io);
}

/* The same request, answered on return. Never on a running loop. */
static inline void disk_run_blocking(struct disk *disk, struct disk_io *io)
{
    disk->ops->run_blocking(disk, io);
}

/* No request may be under way on `file`. Accepts NULL. Releases the lock of DISK_LOCK. */
static inline void disk_close(struct disk *disk, struct disk_file *file)
{
    if (file != NULL) {
        disk->ops->close(disk, file);
    }
}

static inline int disk_list_blocking(
    struct disk *disk, void (*found)(void *context, const char *name), void *context)
{
    return disk->ops->list_blocking(disk, found, context);
}

/* All files closed, nothing under way. Accepts NULL. */
static inline void disk_destroy(struct disk *disk)
{
    if (disk != NULL) {
        disk->ops->destroy(disk);
    }
}

#endif /* HEARTH_STORAGED_DISK_H */
