/*
 * disk_uring.h - a disk (disk.h) on a real directory, by the kernel's io_uring.
 *
 *   disk_submit --> queue --(once a turn: one system call for all)--> ring --> kernel
 *   io->done    <-- mailbox <--(collect)------------------------------ ring <----'
 *
 * Reading, writing and syncing go through the ring; the loop's thread sleeps on it, so an answer
 * wakes nobody in between.  All else is rare and may take long, and goes to a pool of one thread
 * (disk_threads.h), which opens the files of both.
 *
 * The kernel may refuse the ring from the first (forbidden, too old, no descriptor left): that is
 * HEARTH_UNIMPLEMENTED, and whoever opens a disk takes the threads.  It may also refuse a
 * submission for a while (EAGAIN, EBUSY, EINTR): that is tried again when something was answered,
 * or a millisecond has passed.  After DISK_URING_REFUSALS_MAX of them in a row the ring is given
 * up: what it has taken is still answered, everything else goes to the threads from then on.
 *
 * More than DISK_URING_ENTRIES requests at once wait in a list threaded through them; so the ring
 * never has more answers than it has room for, and none can be dropped.
 *
 * This and its header are the only files that know liburing.
 */
#ifndef HEARTH_STORAGED_DISK_URING_H
#define HEARTH_STORAGED_DISK_URING_H

#include "storaged/disk.h"

enum {
    DISK_URING_ENTRIES = 64,
    DISK_URING_REFUSALS_MAX = 1000,
};

struct io_uring;

/* Where the kernel answers: each as liburing has it. A test answers in its place. */
struct disk_uring_kernel {
    /* 0, or a negative errno: there is no ring. */
    int (*setup)(struct disk_uring_kernel *kernel, unsigned entries, struct io_uring *ring);
    /* How many submissions the kernel took, or a negative errno. */
    int (*submit)(struct disk_uring_kernel *kernel, struct io_uring *ring);
    /* What an answer says: passed on as it is. */
    int (*result)(struct disk_uring_kernel *kernel, const struct disk_io *io, int result);
};

struct disk_uring_options {
    const char *directory; /* made, for its owner alone, when missing */
    struct loop *loop;     /* where done() runs; has no other waiter; outlives the disk */
    struct disk_uring_kernel *kernel;              /* NULL: the real one */
    unsigned entries;                              /* 0: DISK_URING_ENTRIES; a power of two */
    void (*on_given_up)(void *context, int error); /* on the loop, once; NULL: nobody cares */
    void *context;
};

/* The real one, for a test that refuses only sometimes. */
struct disk_uring_kernel *disk_uring_kernel_real(void);

/*
 * While the loop has no thread.  *out is released with disk_destroy().
 * HEARTH_UNIMPLEMENTED: the kernel gives no ring, or one that cannot do what we need; `err` says
 * why. HEARTH_IO: the directory cannot be made or opened.
 */
enum hearth_code disk_uring_create(
    const struct disk_uring_options *options, struct disk **out, struct hearth_err *err);

#endif /* HEARTH_STORAGED_DISK_URING_H */
