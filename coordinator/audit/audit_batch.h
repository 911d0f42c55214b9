/*
 * audit_batch.h - a handful of visits together, from questions to what is kept of the answers.
 *
 *   1  cells that go before a contained one, each when the one before it has come
 *   2  the contained cells themselves
 *   3  all others: who is silent from then on is not silent about what is contained
 *   4  what was not there is asked for once more
 *   5  each is weighed, all are recorded in one transaction, and what follows is said
 *
 * Blocks.  Thread-safety: the one thread of the duty.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_BATCH_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_BATCH_H

#include "coordinator/audit/audit_doubt.h"
#include "coordinator/audit/audit_visit.h"

enum { AUDIT_VISITS_MAX = META_AUDIT_BATCH_MAX };

struct audit_batch {
    struct audit_asker asker;
    struct audit_doubt *doubt;  /* borrowed; outlives batches */
    struct arena *arena;        /* of this batch */
    struct audit_visit *visits; /* AUDIT_VISITS_MAX */
    unsigned count;
    /* out */
    uint64_t outcomes[AUDIT_OUTCOMES];
    uint64_t damaged; /* shards that go to repair */
};

/* One more visit, not prepared yet. NULL: there is no room. */
struct audit_visit *audit_batch_add(
    struct audit_batch *batch, const struct meta_audit_cell *cell, enum evidence_role role);

enum hearth_code audit_batch_run_blocking(struct audit_batch *batch, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_BATCH_H */
