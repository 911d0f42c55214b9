/*
 * audit_recheck.h - contained cells of a node: which are asked for again now, behind which others.
 *
 *   next nodes that have some --> read: what is due --> add: a cell, and others to go before it
 *
 * Only a few cells of a node are under way at a time, those with the most strikes: a node that is
 * asked for everything it lacks all the time could be silent all the time.
 *
 * Thread-safety: the one thread of the duty; what takes a pace or a draw, under the lock of
 * audit.c.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_RECHECK_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_RECHECK_H

#include "coordinator/audit/audit_batch.h"
#include "coordinator/audit/audit_draw.h"
#include "coordinator/audit/audit_pace.h"

enum {
    AUDIT_RECHECK_NODES = 8, /* in one batch */
    AUDIT_RECHECK_CELLS = 8, /* of one node under way */
};

/* Contained cells of one node. */
struct audit_recheck {
    uint32_t node;
    struct meta_audit_contained due[AUDIT_RECHECK_CELLS];
    size_t due_count;
    struct meta_audit_cell shards[META_AUDIT_CONTAINED_MAX]; /* that have any, due or not */
    size_t shard_count;
};

/* The next nodes that have some and answer, from number *from + 1 on, which moves on. Returns how
 * many. */
unsigned audit_recheck_nodes(
    const struct audit_pace *pace, size_t *from, uint32_t nodes[AUDIT_RECHECK_NODES]);

/* Logs are in the arena. due_count 0: there is nothing to ask for now. */
enum hearth_code audit_recheck_read(struct meta_store *store, uint32_t node, struct arena *arena,
    struct audit_recheck *out, struct hearth_err *err);

/* One of those that are due goes into the batch, behind as many picks of the node as a coin says;
 * or some of them, when there are no strikes yet and it says none. */
void audit_recheck_add(const struct audit_recheck *recheck, struct env *env,
    struct audit_draw *draw, struct audit_batch *batch);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_RECHECK_H */
