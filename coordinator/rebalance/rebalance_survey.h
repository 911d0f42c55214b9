/*
 * rebalance_survey.h - a plan worked out: what is held where, what should move, what that changes.
 *
 *   all segments --> bytes held by each node --> targets --> all segments again: every move,
 *   counted and not made
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_REBALANCE_SURVEY_H
#define HEARTH_COORDINATOR_REBALANCE_REBALANCE_SURVEY_H

#include "coordinator/coordinator.h"
#include "coordinator/duty.h"
#include "coordinator/fleet/fleet_view.h"
#include "coordinator/meta/meta_rebalance.h"

/* The nodes of `view`, in the arena, with what a plan that was worked out before wants of them. */
enum hearth_code rebalance_fleet(const struct fleet_view *view,
    const struct meta_rebalance_shares *shares, struct arena *arena, struct rebalance_plan *out,
    struct hearth_err *err);

/* Who takes shards now, and how much room there is. */
void rebalance_fleet_refresh(struct rebalance_plan *plan, const struct fleet_view *view);

/* A digest of who there is, which makes a plan stale when it changes. */
uint64_t rebalance_fleet_digest(const struct fleet_view *view);

/* Nobody wants it any more: it is not worth moving, and goes by itself. */
bool rebalance_is_over(const struct meta_segment *segment);

/* A segment as plans see it. HEARTH_INVALID: no segment is that long. */
enum hearth_code rebalance_segment_of(
    const struct meta_segment *segment, struct rebalance_segment *out, struct hearth_err *err);

/* HEARTH_CANCELLED: a plan that is READING was cancelled, or the process ends. */
enum hearth_code rebalance_check_wanted(
    struct coordinator *coordinator, uint64_t number, struct duty *duty, struct hearth_err *err);

/*
 * Works a plan out that is READING, and writes what came of it: PLANNED, RUNNING, or FAILED with
 * what is missing.  HEARTH_CANCELLED: it was cancelled, or the process ends.
 */
enum hearth_code rebalance_survey(struct coordinator *coordinator,
    const struct meta_rebalance *plan, struct duty *duty, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_REBALANCE_SURVEY_H */
