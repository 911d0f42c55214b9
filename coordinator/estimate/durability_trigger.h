/*
 * durability_trigger.h - how many shards of a segment may be left before its repair begins, from
 * the nodes that hold it.
 *
 *   the profile's r, with the nodes the profile was worked out for --> a risk that is accepted
 *   fewer shards on better nodes, or more on worse ones            --> the same risk
 *
 * The risk has two halves: lost, a year, when every repair begins at this number and takes its
 * window; and unreadable, at this number.  Measured figures may be wrong, so they move the trigger
 * only so far: down by a quarter of r - k, up by half of n - r.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_DURABILITY_TRIGGER_H
#define HEARTH_COORDINATOR_ESTIMATE_DURABILITY_TRIGGER_H

#include "coordinator/estimate/durability.h"
#include "coordinator/fleet/profile.h"

struct durability_goal {
    unsigned k;
    unsigned n;
    unsigned least; /* the trigger is never below this */
    unsigned most;  /* nor above this */
    double window_years;
    double lost_per_year; /* accepted */
    double unreadable;    /* accepted, at the trigger */
};

/* nines: no more than one segment in 10^nines may be lost a year, instead of what the profile's r
 * stands for; 0: that. */
void durability_goal_init(
    struct durability_goal *goal, const struct profile *profile, unsigned nines);

/* holders: of the shards that are held, in any order; count <= DURABILITY_SLOTS_MAX. */
unsigned durability_trigger(
    const struct durability_goal *goal, const struct durability_holder *holders, unsigned count);

/* count <= durability_trigger(...), for less work. */
bool durability_is_due(
    const struct durability_goal *goal, const struct durability_holder *holders, unsigned count);

#endif /* HEARTH_COORDINATOR_ESTIMATE_DURABILITY_TRIGGER_H */
