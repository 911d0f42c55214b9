/*
 * The operator's hand on nodes that leave (service.h).
 */
#include "common/log.h"
#include "coordinator/service/admin_service.h"
#include "coordinator/service/node_name.h"
#include "coordinator/service/plan_request.h"
#include "coordinator/service/rebalance_service.h"
#include "coordinator/service/service.h"

#include <inttypes.h>

static enum hearth_code drain(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_node_drain_request *in = request;
    const struct wire_rebalance_plan_request plan = {
        .kind = view_text("drain"), .node = in->node, .bandwidth = in->bandwidth};
    struct meta_rebalance made;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        plan_request_make(coordinator, context, &plan, true, &made, err) != HEARTH_OK) {
        return err->code;
    }
    rebalance_service_describe(coordinator, &made, context->arena, response);
    log_write(
        LOG_NODE_DRAINED, "node=%.*s drains=yes by=%s", VIEW_ARGS(in->node), context->peer.id_text);
    return HEARTH_OK;
}

static enum hearth_code undrain(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_node_undrain_request *in = request;
    const struct node_status *node = NULL;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        node_name_find(coordinator, in->node, context->arena, &node, err) != HEARTH_OK ||
        meta_node_undrain(coordinator->store, node->node.number, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_NODE_DRAINED, "node=%" PRIu32 " drains=no by=%s", node->node.number,
        context->peer.id_text);
    return rebalance_service_changed(coordinator, err);
}

static enum hearth_code check_confirmed(const struct node_status *node,
    const struct wire_node_remove_request *request, struct hearth_err *err)
{
    if (!request->by_force || node_name_is_id(&node->node, request->confirmed)) {
        return HEARTH_OK;
    }
    return hearth_fail(err, HEARTH_DENIED,
        "node %" PRIu32
        " is given up with all it holds: confirm it with 8 or more digits of its id,"
        " as `node show` says it",
        node->node.number);
}

static enum hearth_code remove_node(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_node_remove_request *in = request;
    const struct node_status *node = NULL;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        node_name_find(coordinator, in->node, context->arena, &node, err) != HEARTH_OK ||
        check_confirmed(node, in, err) != HEARTH_OK ||
        meta_node_remove(coordinator->store, node->node.number, in->by_force, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_NODE_REMOVED, "node=%" PRIu32 " force=%d by=%s", node->node.number, in->by_force,
        context->peer.id_text);
    return rebalance_service_changed(coordinator, err);
}

const struct rpc_handler drain_handlers[] = {
    {.method = RPC_NODE_DRAIN, .unary = drain},
    {.method = RPC_NODE_UNDRAIN, .unary = undrain},
    {.method = RPC_NODE_REMOVE, .unary = remove_node},
};
const unsigned drain_handler_count = sizeof(drain_handlers) / sizeof(drain_handlers[0]);
