/*
 * meta_sweep.h - how far the pass over all segments is: durable, in ranges, each leased to one
 * reader.
 *
 *   free --begin--> leased --note, note ...--> done;  all done: the next begin is a new pass
 *     ^---------------'  a lease that was not noted in time
 */
#ifndef HEARTH_COORDINATOR_META_META_SWEEP_H
#define HEARTH_COORDINATOR_META_META_SWEEP_H

#include "coordinator/meta/meta_store.h"

enum { META_SWEEP_RANGES = 16 }; /* by the first four bits of an id */

struct meta_sweep_range {
    unsigned number; /* [0, META_SWEEP_RANGES) */
    struct meta_id
        after; /* what has been read, or where the range begins: the next id is greater */
    bool is_done;
};

struct meta_sweep_pass {
    uint64_t number;
    uint64_t started_ms;
    bool is_resumed;                                   /* part of it was read before */
    struct meta_sweep_range ranges[META_SWEEP_RANGES]; /* those leased to the caller, ascending */
    unsigned range_count;
};

/* Number of the pass that is under way, or was the last; 0: there was none. */
enum hearth_code meta_sweep_number(struct meta_store *store, uint64_t *out, struct hearth_err *err);

/* The last id of a range. */
struct meta_id meta_sweep_last(unsigned range);

/*
 * The pass that is under way, or the next one when all of it was done; leases every range that is
 * neither done nor leased to somebody else.  HEARTH_BUSY: others have all of what is left.
 */
enum hearth_code meta_sweep_begin(struct meta_store *store, struct meta_id holder,
    uint64_t lease_ms, struct meta_sweep_pass *out, struct hearth_err *err);

/* Writes down where the ranges of `pass` are, and renews what is not done.
 * HEARTH_CONFLICT: one of them is somebody else's by now; nothing was written. */
enum hearth_code meta_sweep_note(struct meta_store *store, struct meta_id holder, uint64_t lease_ms,
    const struct meta_sweep_pass *pass, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_SWEEP_H */
