/*
 * leash.h - what one transfer is held by: the bar, Ctrl-C and the rate.
 *
 * Thread-safety: belongs to its transfer.
 */
#ifndef HEARTH_TOOLS_LEASH_H
#define HEARTH_TOOLS_LEASH_H

#include "tools/errand.h"

struct leash {
    struct errand *errand;
    uint64_t shown; /* bytes the bar knows of */
};

/* For the library; the leash is borrowed for the transfer. */
struct hearth_control leash_control(struct leash *leash);

/* Bytes go over the line: waits as long as --bwlimit demands. HEARTH_CANCELLED. */
enum hearth_code leash_pass(const struct leash *leash, uint64_t bytes, struct hearth_err *err);

#endif /* HEARTH_TOOLS_LEASH_H */
