/*
 * sweep_service.h - the operator's hand on the sweep.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_SWEEP_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_SWEEP_SERVICE_H

#include "coordinator/service/service.h"
#include "proto/wire_fleet.h"

/* How far it is, in the arena. NULL: out of memory. */
const struct wire_sweep_info *sweep_service_describe(
    struct coordinator *coordinator, struct arena *arena);

extern const struct rpc_handler sweep_handlers[];
extern const unsigned sweep_handler_count;

#endif /* HEARTH_COORDINATOR_SERVICE_SWEEP_SERVICE_H */
