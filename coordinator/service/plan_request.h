/*
 * plan_request.h - a plan as an admin asks for it: whose nodes leave, or which bucket is meant.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_PLAN_REQUEST_H
#define HEARTH_COORDINATOR_SERVICE_PLAN_REQUEST_H

#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_rebalance.h"
#include "proto/rpc_server.h"
#include "proto/wire_rebalance.h"

/*
 * A new plan, to be worked out; `starts`: and begun then.  HEARTH_NOT_FOUND: nobody leaves, or no
 * such bucket.  HEARTH_CONFLICT: nothing can be copied from the node, or another plan drains it.
 */
enum hearth_code plan_request_make(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_rebalance_plan_request *request,
    bool starts, struct meta_rebalance *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_PLAN_REQUEST_H */
