/*
 * audit_service.h - the operator's hand on audits: scores, cells asked for now, evidence.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_AUDIT_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_AUDIT_SERVICE_H

#include "coordinator/service/service.h"

extern const struct rpc_handler audit_handlers[];
extern const unsigned audit_handler_count;

#endif /* HEARTH_COORDINATOR_SERVICE_AUDIT_SERVICE_H */
