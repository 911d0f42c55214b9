/*
 * node_inventory_rpc.h - the node_inventory that asks real nodes, at the addresses of the node
 * table.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_INVENTORY_RPC_H
#define HEARTH_COORDINATOR_FLEET_NODE_INVENTORY_RPC_H

#include "coordinator/fleet/node_inventory.h"
#include "coordinator/fleet/node_table.h"
#include "coordinator/fleet/node_walk.h"
#include "proto/rpc_credentials.h"
#include "proto/rpc_runtime.h"

/* Table and runtime are borrowed; of the credentials, the coordinator's own, a reference is taken.
 */
enum hearth_code node_inventory_rpc_create(struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, struct node_table *nodes, struct node_inventory **out,
    struct hearth_err *err);

/* The same for who has no node table; `context` is borrowed. */
enum hearth_code node_inventory_rpc_create_with(struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, node_walk_address_fn *address, void *context,
    struct node_inventory **out, struct hearth_err *err);

/* No call may be under way. Accepts NULL. */
void node_inventory_rpc_destroy(struct node_inventory *inventory);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_INVENTORY_RPC_H */
