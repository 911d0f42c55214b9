/*
 * active_plan.h - plans that run, as far as memory knows more of them than their rows.
 *
 * Thread-safety: none; the duty's thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_ACTIVE_PLAN_H
#define HEARTH_COORDINATOR_REBALANCE_ACTIVE_PLAN_H

#include "common/token_bucket.h"
#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/rebalance/recode_set.h"

struct active_plan {
    struct active_plan *next;
    struct meta_rebalance row;
    struct rebalance_plan plan;
    struct arena arena; /* of plan */
    struct token_bucket bucket;
    uint64_t not_before_ns;      /* the next pass */
    unsigned idle_passes;        /* in a row */
    uint64_t stuck;              /* in this pass: should move and have nowhere to go */
    bool is_limited;             /* likewise: something should move, and bytes_max forbids it */
    bool has_begun;              /* the pass of row: `leaving` is known */
    bool is_last_look;           /* nothing could come to the nodes that leave when it began */
    struct meta_leaving leaving; /* as it began */
    struct recode_set recode;    /* likewise, of a plan that codes anew */
};

/* All zeros: none. */
struct active_plans {
    struct active_plan *first;
};

void active_plans_fini(struct active_plans *plans);

/* With the row and the fleet as they are now: who takes shards may have changed.  *out is borrowed
 * until it is forgotten. */
enum hearth_code active_plan_find(struct active_plans *plans, struct coordinator *coordinator,
    const struct meta_rebalance *row, struct active_plan **out, struct hearth_err *err);

/* It does not run any more, if it did. */
void active_plan_forget(struct active_plans *plans, uint64_t number);

#endif /* HEARTH_COORDINATOR_REBALANCE_ACTIVE_PLAN_H */
