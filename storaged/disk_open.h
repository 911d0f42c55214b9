/*
 * disk_open.h - which back end serves a real directory: the one that was asked for, or the better
 * of those that this kernel allows.
 */
#ifndef HEARTH_STORAGED_DISK_OPEN_H
#define HEARTH_STORAGED_DISK_OPEN_H

#include "storaged/disk_uring.h"

/* In the order of disk_choice_names. */
enum disk_choice {
    DISK_AUTO, /* uring where the kernel has it, else threads */
    DISK_URING,
    DISK_THREADS,
    DISK_CHOICES,
};

/* "auto", "uring", "threads", NULL: what the configuration calls them. */
extern const char *const disk_choice_names[DISK_CHOICES + 1];

struct disk_opened {
    enum disk_choice engine;   /* never DISK_AUTO */
    struct hearth_err refusal; /* why not the better one; HEARTH_OK: it is, or was not asked for */
};

/*
 * *out is released with disk_destroy().
 * HEARTH_UNIMPLEMENTED: DISK_URING was asked for, and the kernel refuses it.
 * HEARTH_IO: the directory cannot be made or opened.
 */
enum hearth_code disk_open(enum disk_choice choice, const struct disk_uring_options *options,
    struct disk **out, struct disk_opened *opened, struct hearth_err *err);

#endif /* HEARTH_STORAGED_DISK_OPEN_H */
