#include "coordinator/service/audit_service.h"

#include "coordinator/audit/audit.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/service/admin_service.h"
#include "proto/wire_audit.h"

static const double MILLION = 1e6;

/* ---- nodes ---- */

static void describe_score(const struct meta_audit_node *node, struct wire_audit_node *out)
{
    const struct audit_score *score = &node->score;
    out->score_ppm = (uint32_t)(audit_score_data(score) * MILLION);
    out->trouble_ppm = (uint32_t)(audit_score_trouble(score) * MILLION);
    out->passes = score->counts[AUDIT_PASS];
    out->fails = score->counts[AUDIT_FAIL];
    out->contained = score->counts[AUDIT_CONTAINED];
    out->offline = score->counts[AUDIT_OFFLINE];
    out->unknown = score->counts[AUDIT_UNKNOWN];
    out->contained_now = node->contained;
    out->streak = score->streak;
    out->streak_needed = score->suspended_ms > 0 ? audit_score_return_passes(score) : 0;
    out->suspended_unix_ms = score->suspended_ms;
    out->last_unix_ms = score->last_ms;
}

/* NULL: it was never asked. */
static const struct meta_audit_node *find_score(
    const struct meta_audit_nodes *scores, size_t *at, uint32_t number)
{
    while (*at < scores->count && scores->nodes[*at].node < number) {
        ++*at;
    }
    return *at < scores->count && scores->nodes[*at].node == number ? &scores->nodes[*at] : NULL;
}

static void describe_node(struct coordinator *coordinator, const struct node_status *status,
    const struct meta_audit_node *score, struct wire_audit_node *out)
{
    struct audit_node_status now;
    *out = (struct wire_audit_node){
        .number = status->node.number,
        .node_id = view_of(status->node.id.bytes, sizeof(status->node.id.bytes)),
        .owner = status->node.owner_name,
        .state = view_text(node_health_text(status->health)),
        .score_ppm = (uint32_t)MILLION,
        .trouble_ppm = (uint32_t)MILLION,
    };
    if (score != NULL) {
        describe_score(score, out);
    }
    if (audit_node_status_get(coordinator->audit, status->node.number, &now)) {
        out->per_week_milli = (uint64_t)(now.per_week * 1000);
        out->requested = now.requested;
    }
}

static enum hearth_code describe_nodes(struct coordinator *coordinator, struct arena *arena,
    struct wire_audit_reply *out, struct hearth_err *err)
{
    struct node_status_list list;
    struct meta_audit_nodes scores;
    if (node_table_list(coordinator->nodes, arena, &list, err) != HEARTH_OK ||
        meta_audit_nodes_get(coordinator->store, arena, &scores, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_audit_node *nodes = arena_take_array(arena, list.count, sizeof(*nodes));
    if (nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu nodes", list.count);
    }
    size_t at = 0;
    for (size_t i = 0; i < list.count; i++) {
        describe_node(coordinator, &list.nodes[i],
            find_score(&scores, &at, list.nodes[i].node.number), &nodes[i]);
    }
    out->nodes = nodes;
    out->nodes_count = list.count;
    return HEARTH_OK;
}

static void describe_day(struct coordinator *coordinator, struct wire_audit_reply *out)
{
    struct audit_status status;
    audit_status_get(coordinator->audit, &status);
    out->passes_day = status.outcomes_day[AUDIT_PASS];
    out->fails_day = status.outcomes_day[AUDIT_FAIL];
    out->contained_day = status.outcomes_day[AUDIT_CONTAINED];
    out->offline_day = status.outcomes_day[AUDIT_OFFLINE];
    out->unknown_day = status.outcomes_day[AUDIT_UNKNOWN];
    out->first_waiting = status.fresh_waiting;
    out->first_overdue = status.fresh_overdue;
}

/* The number of the node that is meant; 0: each. */
static enum hearth_code find_node(
    struct coordinator *coordinator, struct view node_id, uint32_t *number, struct hearth_err *err)
{
    *number = 0;
    if (node_id.size == 0 || node_table_find(coordinator->nodes, node_id.bytes, number)) {
        return HEARTH_OK;
    }
    return hearth_fail(err, HEARTH_NOT_FOUND, "no such node");
}

/* A pass makes the sample that the cells are taken from. */
static enum hearth_code audits(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_audit_request *in = request;
    struct wire_audit_reply *out = response;
    uint32_t number;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        find_node(coordinator, in->node_id, &number, err) != HEARTH_OK) {
        return err->code;
    }
    if (in->cells > 0) {
        if (audit_ask_for(coordinator->audit, number, in->cells, err) != HEARTH_OK) {
            return err->code;
        }
        sweep_ask(coordinator->sweep);
    }
    describe_day(coordinator, out);
    return describe_nodes(coordinator, context->arena, out, err);
}

/* ---- evidence ---- */

static enum hearth_code audit_evidence(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_audit_evidence_request *in = request;
    struct wire_audit_evidence_reply *out = response;
    struct meta_audit_evidence found[WIRE_EVIDENCE_MAX];
    uint32_t number;
    size_t count;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        find_node(coordinator, in->node_id, &number, err) != HEARTH_OK ||
        meta_audit_evidence_get(coordinator->store, number, in->skip, context->arena, found,
            WIRE_EVIDENCE_MAX, &count, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_evidence_info *infos = arena_take_array(context->arena, count, sizeof(*infos));
    for (size_t i = 0; i < count; i++) {
        if (infos == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "list of evidence");
        }
        infos[i] = (struct wire_evidence_info){
            .node = found[i].node,
            .judged_unix_ms = found[i].judged_ms,
            .id = service_copy(context->arena, found[i].id.bytes, sizeof(found[i].id.bytes)),
            .record = found[i].record,
        };
    }
    *out = (struct wire_audit_evidence_reply){
        .evidence = infos, .evidence_count = count, .is_all = count < WIRE_EVIDENCE_MAX};
    return HEARTH_OK;
}

const struct rpc_handler audit_handlers[] = {
    {.method = RPC_AUDITS, .unary = audits},
    {.method = RPC_AUDIT_EVIDENCE, .unary = audit_evidence},
};
const unsigned audit_handler_count = sizeof(audit_handlers) / sizeof(audit_handlers[0]);
