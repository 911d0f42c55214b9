/*
 * rebalance_pass.h - a plan goes over all segments again and again, until nothing is left for it.
 *
 *   begin --pages--> end --> another pass, at once or after a while; or the plan is done
 *
 * Thread-safety: none; the duty's thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_REBALANCE_PASS_H
#define HEARTH_COORDINATOR_REBALANCE_REBALANCE_PASS_H

#include "coordinator/rebalance/active_plan.h"

enum {
    REBALANCE_WAIT_MS = 5000,      /* before a pass after one that moved nothing */
    REBALANCE_IDLE_PASSES_MAX = 3, /* of a plan that is not to empty a node: then it is done */
};

/* HEARTH_CANCELLED: the plan has ended, for its bucket is another. */
enum hearth_code rebalance_pass_begin(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err);

/* After the last page. HEARTH_CANCELLED: the plan does not run any more. */
enum hearth_code rebalance_pass_end(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_REBALANCE_PASS_H */
