/*
 * node_copier_rpc.h - the node_copier of real nodes.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_NODE_COPIER_RPC_H
#define HEARTH_COORDINATOR_REBALANCE_NODE_COPIER_RPC_H

#include "coordinator/coordinator.h"
#include "coordinator/rebalance/node_copier.h"
#include "proto/rpc_credentials.h"
#include "proto/rpc_runtime.h"

/* All are borrowed; of the credentials, the coordinator's own, a reference is taken. */
enum hearth_code node_copier_rpc_create(struct coordinator *coordinator,
    struct rpc_runtime *runtime, struct rpc_credentials *credentials, struct node_copier **out,
    struct hearth_err *err);

/* No copy may be under way. Accepts NULL. */
void node_copier_rpc_destroy(struct node_copier *copier);

#endif /* HEARTH_COORDINATOR_REBALANCE_NODE_COPIER_RPC_H */
