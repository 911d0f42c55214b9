/*
 * durability_chain.h - a year of losses and lazy repairs, as a Markov chain over what is left.
 *
 *   n ... r + 1    a shard or a domain at a time is lost; nothing is done
 *     r ... k      noticed and repaired: a window of five stages, during which losses go on;
 *                  what was known to be missing at its end is made anew
 *       < k        lost
 *
 * A time step is a fraction of a stage.  Assumptions: docs/durability-estimate.md.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_DURABILITY_CHAIN_H
#define HEARTH_COORDINATOR_ESTIMATE_DURABILITY_CHAIN_H

#include "coordinator/estimate/durability.h"

#define DURABILITY_HOURS_PER_YEAR 8766.0

/* Repair is done within so many hours of its trigger. */
#define DURABILITY_REPAIR_HOURS 12.0

enum { DURABILITY_CHAIN_STEPS_MAX = 40 * 1000 }; /* a year of windows of more than four hours */

struct durability_chain {
    unsigned k;
    unsigned n;          /* repairs bring it back to so many; in a fleet too small, to fewer */
    unsigned trigger;    /* repair starts at so many left; k to n - 1 */
    double window_years; /* from the loss that triggers to the end of the repair, on average */
    double hazard;       /* of nodes that get repaired shards, a year */
};

/* lost[i]: P(lost within a year) of a segment with i shards left, i = k..n, whose holders now have
 * that hazard on average; those that come later have the chain's. */
void durability_chain_year(
    const struct durability_chain *chain, double own_hazard, double lost[DURABILITY_SLOTS_MAX + 1]);

/* In the long run. */
struct durability_steady {
    double loss_per_year;
    double unreadable;       /* the share of time */
    double held;             /* shards on average */
    double repairs_per_year; /* of one segment */
    double shards_made;      /* a year */
};

/* typical: a holder, whose hazard does not matter here. */
void durability_chain_steady(const struct durability_chain *chain,
    const struct durability_holder *typical, struct durability_steady *out);

#endif /* HEARTH_COORDINATOR_ESTIMATE_DURABILITY_CHAIN_H */
