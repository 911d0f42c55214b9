/*
 * durability.h - how likely it is that a segment cannot be read now, or is lost before it is
 * repaired: the holders one by one.
 *
 *   uptimes of the holders --Poisson-binomial--> P(fewer than k of them answer)
 *   hazards of the holders --Poisson-binomial--\
 *   domains that fail as one ------------------+--> P(fewer than k of them are left after a window)
 *
 * Method, assumptions and how it was checked: docs/durability-estimate.md.  What a year of repairs
 * makes of it: durability_chain.h.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_DURABILITY_H
#define HEARTH_COORDINATOR_ESTIMATE_DURABILITY_H

#include "coordinator/fleet/fleet_tide.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    DURABILITY_SLOTS_MAX = 128,
    /* Regions, providers, versions of a system: whatever is lost as one, evenly filled. */
    DURABILITY_DOMAINS = 10,
    DURABILITY_DOMAINS_LOST_MAX = 4, /* within one window; more is not counted */
};

/* Of one domain for good, a year. */
#define DURABILITY_DOMAIN_HAZARD 0.01

/* A node as far as it matters here. */
struct durability_holder {
    double uptime;            /* 0 to 1 */
    float swing[FLEET_TIDES]; /* so much more at each tide of the fleet: homes sleep together */
    double hazard;            /* losses for good, a year */
};

/* In the ebb, a quarter of the hours, so much less than on average; in the other tides more. */
void durability_swing(double ebb, float swing[FLEET_TIDES]);

/* P(fewer than k of them are up at one moment, of all tides); 1 when there are fewer than k. */
double durability_unreadable(unsigned k, const struct durability_holder *holders, unsigned count);

/* P(fewer than k of them are left after so many years without a repair), domains included. */
double durability_lost_in(
    unsigned k, const struct durability_holder *holders, unsigned count, double years);

/* How many of `count` evenly spread shards the loss of the fullest domain takes. */
unsigned durability_domain_share(unsigned count);

/* Of exactly `lost` domains in so many years. */
double durability_domains_lost(unsigned lost, double years);

/* P(exactly `hits` of `count`), each with probability p. */
double durability_binomial(unsigned count, unsigned hits, double p);

#endif /* HEARTH_COORDINATOR_ESTIMATE_DURABILITY_H */
