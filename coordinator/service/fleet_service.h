/*
 * fleet_service.h - the operator's hand on the nodes: how each of them is, and who is lost.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_FLEET_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_FLEET_SERVICE_H

#include "coordinator/service/service.h"
#include "proto/wire_fleet.h"

/* Every node, by number, without its pattern of presence; in the arena. */
enum hearth_code fleet_service_describe(struct coordinator *coordinator, struct arena *arena,
    const struct wire_node_info **out, size_t *count, struct hearth_err *err);

extern const struct rpc_handler fleet_handlers[];
extern const unsigned fleet_handler_count;

#endif /* HEARTH_COORDINATOR_SERVICE_FLEET_SERVICE_H */
