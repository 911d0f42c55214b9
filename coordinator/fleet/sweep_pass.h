/*
 * sweep_pass.h - one pass of the sweep, as its watchers see it.
 */
#ifndef HEARTH_COORDINATOR_FLEET_SWEEP_PASS_H
#define HEARTH_COORDINATOR_FLEET_SWEEP_PASS_H

#include "coordinator/fleet/fleet_view.h"
#include "coordinator/meta/meta_types.h"

struct sweep_pass {
    uint64_t number; /* from 1, rising; durable */
    uint64_t started_ms;
    bool is_resumed; /* part of it was read before: sums over this watcher's pages are partial */
    const struct fleet_view *fleet; /* as it was at begin; borrowed until end, see keep */

    /* Of the page that is shown: which of its segments are named in other buckets, too; by id. */
    const struct meta_share *shares;
    size_t share_count;
};

#endif /* HEARTH_COORDINATOR_FLEET_SWEEP_PASS_H */
