/*
 * fleet_tide.h - the hours of the week in which few nodes are there, and those in which many are.
 *
 *   week of each node --> the fleet's share of each hour --> hours by share, in FLEET_TIDES groups
 *                              each node in each of them: so much more or less than on average
 *
 * Homes sleep at the same hours: who asks whether enough of them answer must ask for the hour.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_FLEET_FLEET_TIDE_H
#define HEARTH_COORDINATOR_FLEET_FLEET_TIDE_H

#include "coordinator/fleet/node_presence.h"

enum { FLEET_TIDES = 4 }; /* of as many hours each; 0: the ebb, when the fewest are there */

/* tide_of[hour], from the sum over all nodes of node_presence_week(). */
void fleet_tides(const double there[PRESENCE_HOURS], uint8_t tide_of[PRESENCE_HOURS]);

/* How much more than in all the week a node is there in each tide; their sum is 0. */
void fleet_swing(const float week[PRESENCE_HOURS], const uint8_t tide_of[PRESENCE_HOURS],
    float swing[FLEET_TIDES]);

#endif /* HEARTH_COORDINATOR_FLEET_FLEET_TIDE_H */
