/*
 * repair_service.h - the operator's hand on repair: RepairStatus, RepairRun, RepairLost; Simulate.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_REPAIR_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_REPAIR_SERVICE_H

#include "coordinator/service/service.h"

/* NULL: out of memory. */
const struct wire_repair_info *repair_service_describe(
    struct coordinator *coordinator, struct arena *arena);

extern const struct rpc_handler repair_handlers[];
extern const unsigned repair_handler_count;

#endif /* HEARTH_COORDINATOR_SERVICE_REPAIR_SERVICE_H */
