/*
 * Shards on their way out: more orders, where their nodes are, what went wrong there.
 */
#include "coordinator/audit/audit.h"
#include "coordinator/service/segment_orders.h"
#include "coordinator/service/service.h"

#include "common/codec.h"
#include "common/log.h"

/* ---- orders ---- */

static enum hearth_code more_orders(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_more_orders_request *in = request;
    struct meta_bucket bucket;
    struct meta_segment segment;
    enum hearth_code code =
        service_bucket(coordinator, context, SERVICE_READS, in->bucket, &bucket, err);
    if (code == HEARTH_OK) {
        code = service_check_session(in->session_id, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct meta_version version;
    const struct meta_lookup lookup = {
        .bucket = bucket.id,
        .key = in->key,
        .version = service_wanted_version(in->version, &version),
    };
    code =
        meta_lookup_segment(coordinator->store, &lookup, service_id(in->segment_id), &segment, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct segment_reading reading = {.session_id = in->session_id, .want = segment.n};
    for (size_t i = 0; i < in->failed_slots_count; i++) {
        ec_slots_add(&reading.failed, in->failed_slots[i]);
    }
    return segment_to_wire(coordinator, &segment, &reading, context->arena, response, err);
}

/* ---- where, and what went wrong there ---- */

static enum hearth_code whereis(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_whereis_request *in = request;
    struct wire_whereis_reply *out = response;
    struct meta_id tenant;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_READS, &tenant, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct wire_node_address *nodes =
        arena_take_array(context->arena, in->node_ids_count, sizeof(*nodes));
    if (nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu addresses", in->node_ids_count);
    }
    for (size_t i = 0; i < in->node_ids_count; i++) {
        uint32_t number;
        if (node_table_find(coordinator->nodes, in->node_ids[i].bytes, &number) &&
            node_table_address(
                coordinator->nodes, number, context->arena, &nodes[out->nodes_count])) {
            out->nodes_count++;
        }
    }
    out->nodes = nodes;
    return HEARTH_OK;
}

static enum hearth_code report_shard(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_report_shard_request *in = request;
    struct meta_id tenant;
    uint32_t number;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_READS, &tenant, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (!node_table_find(coordinator->nodes, in->node_id.bytes, &number)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "report of an unknown node");
    }
    char segment[2 * META_ID_SIZE + 1];
    hex_encode(in->segment_id.bytes, in->segment_id.size, segment);
    log_write(LOG_SHARD_REPORTED, "node=%u segment=%s slot=%u code=%s detail=\"%.*s\"", number,
        segment, in->slot, hearth_code_name(hearth_code_from_wire(in->code)),
        VIEW_ARGS(in->detail));
    if (hearth_code_reaction(hearth_code_from_wire(in->code)) == HEARTH_REACT_REPAIR) {
        node_table_reported(coordinator->nodes, number);
    }
    if (audit_answer_is_bad(audit_answer_of(hearth_code_from_wire(in->code)))) {
        audit_note_report(coordinator->audit, number, in->segment_id, in->slot);
    }
    return HEARTH_OK;
}

const struct rpc_handler shard_handlers[] = {
    {.method = RPC_MORE_ORDERS, .unary = more_orders},
    {.method = RPC_WHEREIS, .unary = whereis},
    {.method = RPC_REPORT_SHARD, .unary = report_shard},
};
const unsigned shard_handler_count = sizeof(shard_handlers) / sizeof(shard_handlers[0]);
