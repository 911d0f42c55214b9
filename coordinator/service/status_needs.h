/*
 * status_needs.h - what of a cluster's status needs a person, a line each, the most urgent first:
 * what it is, and the next command to type.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_STATUS_NEEDS_H
#define HEARTH_COORDINATOR_SERVICE_STATUS_NEEDS_H

#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_rebalance.h"
#include "proto/wire_fleet.h"

/* `status` without the lines; `plans` of moves, open and ended.  What does not fit is left out. */
enum hearth_code status_needs(struct coordinator *coordinator,
    const struct wire_status_reply *status, const struct meta_rebalance_list *plans,
    struct arena *arena, struct view *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_STATUS_NEEDS_H */
