/*
 * The operator's hand on plans of moves and on nodes that leave (service.h).
 */
#include "common/codec.h"
#include "common/log.h"
#include "coordinator/fleet/fleet_view.h"
#include "coordinator/fleet/node_network.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/rebalance/rebalance.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "coordinator/service/admin_service.h"
#include "coordinator/service/service.h"
#include "proto/wire_rebalance.h"

#include <inttypes.h>
#include <stdio.h>

enum { ID_TEXT_SIZE = 2 * META_PRINCIPAL_SIZE + 1, ID_DIGITS_MIN = 8 };

/* ---- nodes by their names ---- */

static bool is_id_of(const struct meta_node *node, struct view name)
{
    char id[ID_TEXT_SIZE];
    hex_encode(node->id.bytes, sizeof(node->id.bytes), id);
    return name.size >= ID_DIGITS_MIN && name.size < sizeof(id) &&
        memcmp(id, name.bytes, name.size) == 0;
}

static bool is_number_of(const struct meta_node *node, struct view name)
{
    char number[16];
    snprintf(number, sizeof(number), "%" PRIu32, node->number);
    return view_equal(view_text(number), name);
}

static enum hearth_code list_nodes(struct coordinator *coordinator, struct arena *arena,
    struct node_status_list *out, struct hearth_err *err)
{
    return node_table_list(coordinator->nodes, arena, out, err);
}

/* *out lives in the arena. */
static enum hearth_code find_node(struct coordinator *coordinator, struct view name,
    struct arena *arena, const struct node_status **out, struct hearth_err *err)
{
    struct node_status_list list;
    const struct node_status *found = NULL;
    if (list_nodes(coordinator, arena, &list, err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!is_number_of(&list.nodes[i].node, name) && !is_id_of(&list.nodes[i].node, name)) {
            continue;
        }
        if (found != NULL) {
            return hearth_fail(
                err, HEARTH_INVALID, "node %.*s: more than one begins so", VIEW_ARGS(name));
        }
        found = &list.nodes[i];
    }
    *out = found;
    return found != NULL ? HEARTH_OK
                         : hearth_fail(err, HEARTH_NOT_FOUND,
                               "node %.*s: no such node (a number, or 8 or more digits of an id, "
                               "as `node list` says)",
                               VIEW_ARGS(name));
}

/* ---- what plans look like ---- */

static const struct wire_rebalance_share *describe_shares(
    const struct meta_rebalance_shares *shares, struct arena *arena)
{
    struct wire_rebalance_share *out = arena_take_array(arena, shares->count + 1, sizeof(*out));
    for (size_t i = 0; out != NULL && i < shares->count; i++) {
        const struct meta_rebalance_share *share = &shares->shares[i];
        out[i] = (struct wire_rebalance_share){.node = share->node,
            .leaves = share->leaves,
            .held = share->held,
            .target = share->target,
            .give = share->give,
            .take = share->take};
    }
    return out;
}

static void describe(struct coordinator *coordinator, const struct meta_rebalance *plan,
    struct arena *arena, struct wire_rebalance_info *out)
{
    const struct profile *profile = profile_by_number((uint32_t)plan->profile);
    *out = (struct wire_rebalance_info){
        .number = plan->number,
        .kind = view_text(rebalance_kind_text((enum rebalance_kind)plan->kind)),
        .state = view_text(meta_rebalance_state_text((enum meta_rebalance_state)plan->state)),
        .subject = arena_copy(arena, view_text(plan->subject)),
        .admin = arena_copy(arena, view_text(plan->admin)),
        .reason = arena_copy(arena, view_text(plan->reason)),
        .bytes_max = plan->bytes_max,
        .bandwidth = plan->bandwidth,
        .created_unix_ms = plan->created_ms,
        .changed_unix_ms = plan->changed_ms,
        .started_unix_ms = plan->started_ms,
        .moves_planned = plan->moves_planned,
        .bytes_planned = plan->bytes_planned,
        .stuck_planned = plan->stuck_planned,
        .least_before = plan->least_before,
        .most_before = plan->most_before,
        .least_after = plan->least_after,
        .most_after = plan->most_after,
        .violations_before = plan->violations_before,
        .violations_after = plan->violations_after,
        .busiest = plan->busiest,
        .pass = plan->pass,
        .pass_moves = plan->pass_moves,
        .pass_left = plan->pass_left,
        .moves_done = plan->moves_done,
        .bytes_done = plan->bytes_done,
        .profile = profile != NULL ? view_text(profile->name) : (struct view){0},
        .disk_before = plan->disk_before,
        .disk_after = plan->disk_after,
        .now_unix_ms = meta_now_ms(coordinator->store),
    };
}

/* With its shares, as many as an answer may have. */
static enum hearth_code describe_one(struct coordinator *coordinator, uint64_t number,
    struct arena *arena, struct wire_rebalance_info *out, struct hearth_err *err)
{
    struct meta_rebalance plan;
    struct meta_rebalance_shares shares;
    if (meta_rebalance_get(coordinator->store, number, &plan, err) != HEARTH_OK ||
        meta_rebalance_shares(coordinator->store, number, arena, &shares, err) != HEARTH_OK) {
        return err->code;
    }
    describe(coordinator, &plan, arena, out);
    out->shares = describe_shares(&shares, arena);
    out->shares_count = shares.count < WIRE_NODES_MAX ? shares.count : WIRE_NODES_MAX;
    return out->shares != NULL ? HEARTH_OK
                               : hearth_fail(err, HEARTH_NO_MEMORY, "plan %" PRIu64, number);
}

static enum hearth_code list_plans(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_rebalance_list_request *in = request;
    struct wire_rebalance_list_reply *out = response;
    struct meta_rebalance_list list;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        meta_rebalance_list(coordinator->store, context->arena, &list, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_rebalance_info *plans =
        arena_take_array(context->arena, list.count + 1, sizeof(*plans));
    if (plans == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu plans", list.count);
    }
    out->plans = plans;
    if (in->number != 0) {
        out->plans_count = 1;
        return describe_one(coordinator, in->number, context->arena, plans, err);
    }
    for (out->plans_count = 0; out->plans_count < list.count; out->plans_count++) {
        describe(
            coordinator, &list.plans[out->plans_count], context->arena, &plans[out->plans_count]);
    }
    return HEARTH_OK;
}

/* ---- plans made ---- */

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
    if (list_nodes(coordinator, arena, &list, err) != HEARTH_OK) {
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
    if (find_node(coordinator, name, arena, &node, err) != HEARTH_OK) {
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

static enum hearth_code make_plan(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_rebalance_plan_request *request,
    bool starts, struct wire_rebalance_info *out, struct hearth_err *err)
{
    struct meta_rebalance plan = {
        .starts = starts, .bytes_max = request->bytes_max, .bandwidth = request->bandwidth};
    struct leavers leavers = {0};
    if (!parse_kind(request->kind, &plan.kind)) {
        return hearth_fail(
            err, HEARTH_INVALID, "no kind of plan: \"%.*s\"", VIEW_ARGS(request->kind));
    }
    if (plan.kind == REBALANCE_LEAVING &&
        find_leavers(coordinator, request, context->arena, &leavers, err) != HEARTH_OK) {
        return err->code;
    }
    if (plan.kind == REBALANCE_RECODE &&
        set_bucket(coordinator, request->bucket, context->arena, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    snprintf(plan.admin, sizeof(plan.admin), "%s", context->peer.id_text);
    if (plan.kind == REBALANCE_LEAVING) {
        set_subject(&plan, request);
    }
    if (meta_rebalance_create(coordinator->store, &plan, leavers.nodes, leavers.count, err) !=
        HEARTH_OK) {
        return err->code;
    }
    rebalance_interrupt(coordinator->rebalance);
    describe(coordinator, &plan, context->arena, out);
    return HEARTH_OK;
}

static enum hearth_code plan_moves(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    return admin_check(coordinator, &context->peer, err) == HEARTH_OK
        ? make_plan(coordinator, context, request, false, response, err)
        : err->code;
}

/* ---- plans changed ---- */

static bool parse_command(struct view text, enum meta_rebalance_command *out)
{
    static const char *const texts[] = {[META_REBALANCE_APPLY] = "apply",
        [META_REBALANCE_PAUSE] = "pause",
        [META_REBALANCE_RESUME] = "resume",
        [META_REBALANCE_CANCEL] = "cancel"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (view_equal(text, view_text(texts[i]))) {
            *out = (enum meta_rebalance_command)i;
            return true;
        }
    }
    return false;
}

static enum hearth_code digest_fleet(
    struct coordinator *coordinator, uint64_t *out, struct hearth_err *err)
{
    const struct fleet_view *view;
    enum hearth_code code = fleet_view_take(coordinator->nodes, &view, err);
    if (code == HEARTH_OK) {
        *out = rebalance_fleet_digest(view);
        fleet_view_release(view);
    }
    return code;
}

/* Nodes may take shards again, or no more; moves that have not begun are left. */
static enum hearth_code after_change(struct coordinator *coordinator, struct hearth_err *err)
{
    rebalance_interrupt(coordinator->rebalance);
    return node_table_reload(coordinator->nodes, err);
}

static enum hearth_code command_plan(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_rebalance_command_request *in = request;
    enum meta_rebalance_command command;
    uint64_t fleet;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        digest_fleet(coordinator, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    if (!parse_command(in->command, &command)) {
        return hearth_fail(
            err, HEARTH_INVALID, "nothing a plan can do: \"%.*s\"", VIEW_ARGS(in->command));
    }
    if (meta_rebalance_command(coordinator->store, in->number, command, fleet, err) != HEARTH_OK ||
        after_change(coordinator, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_REBALANCE_CHANGED, "plan=%" PRIu64 " command=%.*s by=%s", in->number,
        VIEW_ARGS(in->command), context->peer.id_text);
    return describe_one(coordinator, in->number, context->arena, response, err);
}

/* ---- one node ---- */

static enum hearth_code drain(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_node_drain_request *in = request;
    const struct wire_rebalance_plan_request plan = {
        .kind = view_text("drain"), .node = in->node, .bandwidth = in->bandwidth};
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        make_plan(coordinator, context, &plan, true, response, err) != HEARTH_OK) {
        return err->code;
    }
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
        find_node(coordinator, in->node, context->arena, &node, err) != HEARTH_OK ||
        meta_node_undrain(coordinator->store, node->node.number, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_NODE_DRAINED, "node=%" PRIu32 " drains=no by=%s", node->node.number,
        context->peer.id_text);
    return after_change(coordinator, err);
}

static enum hearth_code check_confirmed(const struct node_status *node,
    const struct wire_node_remove_request *request, struct hearth_err *err)
{
    if (!request->by_force || is_id_of(&node->node, request->confirmed)) {
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
        find_node(coordinator, in->node, context->arena, &node, err) != HEARTH_OK ||
        check_confirmed(node, in, err) != HEARTH_OK ||
        meta_node_remove(coordinator->store, node->node.number, in->by_force, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_NODE_REMOVED, "node=%" PRIu32 " force=%d by=%s", node->node.number, in->by_force,
        context->peer.id_text);
    return after_change(coordinator, err);
}

const struct rpc_handler rebalance_handlers[] = {
    {.method = RPC_REBALANCE_PLAN, .unary = plan_moves},
    {.method = RPC_REBALANCE_COMMAND, .unary = command_plan},
    {.method = RPC_REBALANCE_LIST, .unary = list_plans},
    {.method = RPC_NODE_DRAIN, .unary = drain},
    {.method = RPC_NODE_UNDRAIN, .unary = undrain},
    {.method = RPC_NODE_REMOVE, .unary = remove_node},
};
const unsigned rebalance_handler_count = sizeof(rebalance_handlers) / sizeof(rebalance_handlers[0]);
