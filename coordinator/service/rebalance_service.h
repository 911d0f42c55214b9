/*
 * rebalance_service.h - the operator's hand on plans of moves (service.h).
 */
#ifndef HEARTH_COORDINATOR_SERVICE_REBALANCE_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_REBALANCE_SERVICE_H

#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_rebalance.h"
#include "proto/wire_rebalance.h"

/* Without its shares. Texts are copied into the arena. */
void rebalance_service_describe(struct coordinator *coordinator, const struct meta_rebalance *plan,
    struct arena *arena, struct wire_rebalance_info *out);

/* Nodes may take shards again, or no more; moves under way end, or begin again. */
enum hearth_code rebalance_service_changed(struct coordinator *coordinator, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_REBALANCE_SERVICE_H */
