#include "coordinator/fleet/node_hazard.h"

/* A home box lasts ten months; five node-years of a fleet's own record outweigh that. */
static const double PRIOR_HAZARD = 1.2;
static const double PRIOR_YEARS = 5;

static const double OWNER_YEARS = 1; /* of an owner's record outweigh the fleet's */
static const double AGE_YEARS = 1;   /* of a node's own life halve what its owner's record says */
static const double LEAST = 0.02;    /* every disk dies */

static double lean(const struct hazard_record *record, double prior, double prior_years)
{
    return (record->losses + prior * prior_years) / (record->years + prior_years);
}

double node_hazard(
    const struct hazard_record *fleet, const struct hazard_record *owner, double age_years)
{
    double of_fleet = lean(fleet, PRIOR_HAZARD, PRIOR_YEARS);
    double of_owner = lean(owner, of_fleet, OWNER_YEARS);
    double hazard = of_owner * AGE_YEARS / (AGE_YEARS + age_years);
    return hazard > LEAST ? hazard : LEAST;
}
