/*
 * repair_plan.h - one segment from judgement to new holders.
 *
 *   choose nodes --> room for all who take part (repair_budget.h) --> offers, durable
 *     --> PUT and GET orders --> repair_segment --> receipts checked
 *     --> compare-and-swap of the slots on the generation that was judged
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_PLAN_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_PLAN_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/repair/repair_budget.h"
#include "coordinator/repair/repair_judge.h"

struct repair_plan {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct repair_budget *budget;
    struct view session_id;
    const struct fleet_view *fleet;
    const struct meta_segment *segment;
    const struct repair_judgement *judgement;
};

struct repair_done {
    unsigned stored; /* slots that have a new holder */
    uint64_t bytes;  /* read and written */
};

/* *out is set in any case.  HEARTH_FLEET_TOO_SMALL: no node may take a shard of it.
 * HEARTH_CONFLICT: the segment changed meanwhile; nothing was changed here. */
enum hearth_code repair_plan_run_blocking(
    const struct repair_plan *plan, struct repair_done *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_PLAN_H */
