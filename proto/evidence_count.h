/*
 * evidence_count.h - what a list of questions about one cell amounts to.
 *
 *   another, true | the cell, nothing | another, true      a strike: it has everything but this
 *   another, true | the cell, nothing | another, nothing   a sulk: nobody there any more
 *   another, true | another, nothing                       an excuse, which takes one sulk away
 *
 * A node whose network breaks down under a second question sulks as much as one that hides what it
 * lacks, but is as silent about other cells: excuses tell the two apart.
 *
 * The coordinator convicts by these counts and whoever checks evidence counts again.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_EVIDENCE_COUNT_H
#define HEARTH_PROTO_EVIDENCE_COUNT_H

#include "proto/evidence_format.h"

enum {
    EVIDENCE_STRIKES = 8, /* prove that a cell is not there */
    EVIDENCE_SULKS = 14,  /* so do these */
};

unsigned evidence_strikes(const struct evidence_try *tries, size_t count);

unsigned evidence_sulks(const struct evidence_try *tries, size_t count);

/* Of an encoded list, as far as it is still there when one more visit is added to it; 0 of what is
 * none. */
unsigned evidence_sulks_so_far(struct view log);

#endif /* HEARTH_PROTO_EVIDENCE_COUNT_H */
