#include "coordinator/service/plan_request.h"

#include "coordinator/fleet/node_network.h"
#include "coordinator/meta/meta_bucket.h"
#include "coordinator/rebalance/rebalance.h"
#include "coordinator/service/node_name.h"

#include <inttypes.h>
#include <stdio.h>

/* Who leaves, in the arena. */
struct leavers {
    uint32_t *nodes;
    size_t count;
};

static bool is_meant(
    const struct meta_node *node, const struct wire_rebalance_plan_request *request)
{
    char network[NODE_NETWORK_TEXT_SIZE];
    node_network_text(&node->network, network);
    return (request->owner.size > 0 && view_equal(request->owner, node->owner_name)) ||
        (request->network.size > 0 && view_equal(request->network, view_text(network)));
}

/* All that are there and belong to the owner or the network. */
static enum hearth_code find_domain(struct coordinator *coordinator,
    const struct wire_rebalance_plan_request *request, struct arena *arena, struct leavers *out,
    struct hearth_err *err)
{
    struct node_status_list list;
    if (node_table_list(coordinator->nodes, arena, &list, err) != HEARTH_OK) {
        return err->code;
    }
    out->nodes = arena_take_array(arena, list.count + 1, sizeof(*out->nodes));
    for (size_t i = 0; out->nodes != NULL && i < list.count; i++) {
        const struct meta_node *node = &list.nodes[i].node;
        if (node->state != META_NODE_GONE && is_meant(node, request)) {
            out->nodes[out->count++] = node->number;
        }
    }
    const bool by_owner = request->owner.size > 0;
    return out->count > 0 ? HEARTH_OK
                          : hearth_fail(err, HEARTH_NOT_FOUND, "no node of %s \"%.*s\"",
                                by_owner ? "owner" : "network",
                                VIEW_ARGS(by_owner ? request->owner : request->network));
}

static enum hearth_code find_one(struct coordinator *coordinator, struct view name,
    struct arena *arena, struct leavers *out, struct hearth_err *err)
{
    const struct node_status *node = NULL;
    if (node_name_find(coordinator, name, arena, &node, err) != HEARTH_OK) {
        return err->code;
    }
    if (node->health == NODE_LOST || node->health == NODE_GONE) {
        return hearth_fail(err, HEARTH_CONFLICT,
            "node %" PRIu32 " is %s: nothing can be copied from it, repair makes its shards anew",
            node->node.number, node_health_text(node->health));
    }
    out->nodes = arena_take(arena, sizeof(*out->nodes));
    if (out->nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "plan for one node");
    }
    out->nodes[0] = node->node.number;
    out->count = 1;
    return HEARTH_OK;
}

static void set_subject(
    struct meta_rebalance *plan, const struct wire_rebalance_plan_request *request)
{
    const struct view *name = request->node.size > 0 ? &request->node
        : request->owner.size > 0                    ? &request->owner
                                                     : &request->network;
    const char *what = request->node.size > 0 ? "node"
        : request->owner.size > 0             ? "owner"
                                              : "network";
    if (name->size > 0) {
        snprintf(plan->subject, sizeof(plan->subject), "%s %.*s", what, VIEW_ARGS(*name));
    }
}

static enum hearth_code find_leavers(struct coordinator *coordinator,
    const struct wire_rebalance_plan_request *request, struct arena *arena, struct leavers *out,
    struct hearth_err *err)
{
    if (request->node.size > 0) {
        return find_one(coordinator, request->node, arena, out, err);
    }
    return request->owner.size + request->network.size > 0
        ? find_domain(coordinator, request, arena, out, err)
        : hearth_fail(err, HEARTH_INVALID, "a drain names a node, an owner or a network");
}

/* The plan is of the bucket, and of the profile that it has now. */
static enum hearth_code set_bucket(struct coordinator *coordinator, struct view name,
    struct arena *arena, struct meta_rebalance *plan, struct hearth_err *err)
{
    struct meta_bucket bucket;
    if (meta_bucket_get(coordinator->store, name, arena, &bucket, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "bucket \"%.*s\"", VIEW_ARGS(name));
    }
    plan->profile = bucket.settings.profile;
    snprintf(plan->subject, sizeof(plan->subject), "%.*s", VIEW_ARGS(name));
    return HEARTH_OK;
}

static bool parse_kind(struct view text, uint64_t *out)
{
#define X(name, value, text_)                                                                      \
    if (view_equal(text, view_text(text_))) {                                                      \
        *out = (value);                                                                            \
        return true;                                                                               \
    }
    REBALANCE_KIND_TABLE(X)
#undef X
    return false;
}

/* What of it is its own. */
static enum hearth_code set_kind(struct coordinator *coordinator,
    const struct wire_rebalance_plan_request *request, struct arena *arena,
    struct meta_rebalance *plan, struct leavers *leavers, struct hearth_err *err)
{
    if (!parse_kind(request->kind, &plan->kind)) {
        return hearth_fail(
            err, HEARTH_INVALID, "no kind of plan: \"%.*s\"", VIEW_ARGS(request->kind));
    }
    if (plan->kind == REBALANCE_LEAVING) {
        set_subject(plan, request);
        return find_leavers(coordinator, request, arena, leavers, err);
    }
    return plan->kind == REBALANCE_RECODE
        ? set_bucket(coordinator, request->bucket, arena, plan, err)
        : HEARTH_OK;
}

enum hearth_code plan_request_make(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_rebalance_plan_request *request,
    bool starts, struct meta_rebalance *out, struct hearth_err *err)
{
    struct leavers leavers = {0};
    *out = (struct meta_rebalance){
        .starts = starts, .bytes_max = request->bytes_max, .bandwidth = request->bandwidth};
    snprintf(out->admin, sizeof(out->admin), "%s", context->peer.id_text);
    if (set_kind(coordinator, request, context->arena, out, &leavers, err) != HEARTH_OK ||
        meta_rebalance_create(coordinator->store, out, leavers.nodes, leavers.count, err) !=
            HEARTH_OK) {
        return err->code;
    }
    rebalance_interrupt(coordinator->rebalance);
    return HEARTH_OK;
}
