#include "client/get_reports.h"

#include "common/codec.h"

#include <stdio.h>

void get_reports_add(struct get_reports *reports, struct view segment_id,
    const struct wire_placement *placement, const struct hearth_err *why)
{
    char node[2 * NODE_HEALTH_ID_SIZE + 1];
    hex_encode(placement->node->node_id.bytes, NODE_HEALTH_ID_SIZE, node);
    session_notice(reports->session, "node %s, slot %u: %s", node, placement->slot, why->message);
    if (reports->count == GET_REPORTS_MAX) {
        return;
    }
    struct get_report *report = &reports->reports[reports->count++];
    report->slot = placement->slot;
    report->number = placement->number;
    report->code = why->code;
    memcpy(report->segment_id, segment_id.bytes, sizeof(report->segment_id));
    memcpy(report->node_id, placement->node->node_id.bytes, sizeof(report->node_id));
    snprintf(report->detail, sizeof(report->detail), "%.*s", (int)sizeof(report->detail) - 1,
        why->message);
}

void get_reports_send(struct get_reports *reports)
{
    bool is_heard = true;
    for (unsigned i = 0; i < reports->count && is_heard; i++) {
        const struct get_report *report = &reports->reports[i];
        const struct wire_report_shard_request request = {
            .segment_id = view_of(report->segment_id, sizeof(report->segment_id)),
            .slot = report->slot,
            .number = report->number,
            .node_id = view_of(report->node_id, sizeof(report->node_id)),
            .code = report->code,
            .detail = view_text(report->detail),
        };
        const struct ask ask = {.method = RPC_REPORT_SHARD, .request = &request};
        struct arena arena;
        arena_init(&arena, 0);
        struct wire_empty reply;
        struct hearth_err err;
        is_heard = session_ask(reports->session, &ask, &arena, &reply, &err) == HEARTH_OK;
        arena_fini(&arena);
    }
    reports->count = 0;
}
