/*
 * estimate.h - the durability of one segment, now: from the nodes that hold it.
 *
 *   uptimes of those that answer     --durability.h-------> P(unreadable now)
 *   how many are held, their hazard  --durability_chain.h-> P(lost within a year)
 *   the same                         --repair_judge.h-----> the trigger, and what repair will do
 *
 * A year of a chain takes some 10 ms, so it is worked out for a few hazards of each profile, once
 * each, when they are first asked for; between them the logarithm is interpolated.
 *
 * Thread-safety: any thread; its lock is a leaf, held while a year is worked out.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_H
#define HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_H

#include "coordinator/repair/repair_judge.h"

struct estimate;

/* nines: as durability_goal_init() has it. NULL: out of memory. */
struct estimate *estimate_create(unsigned nines);
void estimate_destroy(struct estimate *estimate); /* accepts NULL */

struct estimate_chances {
    struct ec_slots held;
    struct ec_slots reachable;
    double unreadable;         /* P(fewer than k of the reachable ones answer at a moment) */
    double lost;               /* P(within a year) */
    enum repair_reason reason; /* why repair is due now */
};

/* Of a segment that is not left alone (repair_is_left_alone()). */
void estimate_chances(struct estimate *estimate, const struct meta_segment *segment,
    const struct fleet_view *fleet, uint64_t now_ms, struct estimate_chances *out);

/* Its repair begins when no more than these are held; takes longer to work out. */
unsigned estimate_trigger(struct estimate *estimate, const struct meta_segment *segment,
    const struct fleet_view *fleet, uint64_t now_ms);

/* P(lost within a year) with so many held, by holders of that mean hazard. */
double estimate_lost(
    struct estimate *estimate, const struct profile *profile, unsigned held, double hazard);

#endif /* HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_H */
