/*
 * node_hazard.h - how likely a node is lost for good, in losses a year.
 *
 *   the fleet's record, leaning on ten months of mean life
 *     \--> its owner's record, leaning on the fleet's
 *            \--> the node's own age without a loss
 *
 * Who has stayed is likelier to stay: a hazard falls as a node grows older, to a third at two
 * years.
 *
 * Pure.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_HAZARD_H
#define HEARTH_COORDINATOR_FLEET_NODE_HAZARD_H

/* Of some nodes together. */
struct hazard_record {
    double years; /* since each of them enrolled, until it was lost */
    double losses;
};

double node_hazard(
    const struct hazard_record *fleet, const struct hazard_record *owner, double age_years);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_HAZARD_H */
