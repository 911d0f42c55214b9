#include "coordinator/service/rebalance_service.h"

#include "common/log.h"
#include "coordinator/rebalance/rebalance.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "coordinator/service/admin_service.h"
#include "coordinator/service/plan_request.h"
#include "coordinator/service/service.h"

#include <inttypes.h>

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

void rebalance_service_describe(struct coordinator *coordinator, const struct meta_rebalance *plan,
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
        .line_ms = plan->line_ms,
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
    rebalance_service_describe(coordinator, &plan, arena, out);
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
        rebalance_service_describe(
            coordinator, &list.plans[out->plans_count], context->arena, &plans[out->plans_count]);
    }
    return HEARTH_OK;
}

/* ---- plans made ---- */

static enum hearth_code plan_moves(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    struct meta_rebalance plan;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        plan_request_make(coordinator, context, request, false, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    rebalance_service_describe(coordinator, &plan, context->arena, response);
    return HEARTH_OK;
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

enum hearth_code rebalance_service_changed(struct coordinator *coordinator, struct hearth_err *err)
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
        rebalance_service_changed(coordinator, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_REBALANCE_CHANGED, "plan=%" PRIu64 " command=%.*s by=%s", in->number,
        VIEW_ARGS(in->command), context->peer.id_text);
    return describe_one(coordinator, in->number, context->arena, response, err);
}

const struct rpc_handler rebalance_handlers[] = {
    {.method = RPC_REBALANCE_PLAN, .unary = plan_moves},
    {.method = RPC_REBALANCE_COMMAND, .unary = command_plan},
    {.method = RPC_REBALANCE_LIST, .unary = list_plans},
};
const unsigned rebalance_handler_count = sizeof(rebalance_handlers) / sizeof(rebalance_handlers[0]);
