#include "coordinator/service/fleet_service.h"

#include "common/log.h"
#include "coordinator/fleet/fleet_view.h"
#include "coordinator/fleet/node_attention.h"
#include "coordinator/fleet/node_network.h"
#include "coordinator/service/admin_service.h"

#include <inttypes.h>

static const struct wire_endpoint *endpoints_of(const struct meta_node *node, struct arena *arena)
{
    struct wire_endpoint *endpoints =
        arena_take_array(arena, node->endpoint_count, sizeof(*endpoints));
    for (size_t i = 0; endpoints != NULL && i < node->endpoint_count; i++) {
        endpoints[i] = (struct wire_endpoint){
            .kind = (uint32_t)node->endpoints[i].kind,
            .host = node->endpoints[i].host,
            .port = node->endpoints[i].port,
        };
    }
    return endpoints;
}

static struct view volume_of(const struct meta_node *node)
{
    return meta_id_is_zero(node->report.volume) ? (struct view){0}
                                                : meta_id_view(&node->report.volume);
}

static struct view pattern_of(struct node_table *table, uint32_t number, struct arena *arena)
{
    uint8_t percent[PRESENCE_HOURS];
    return node_table_pattern(table, number, percent)
        ? service_copy(arena, percent, sizeof(percent))
        : (struct view){0};
}

/* What was measured, and what follows from it. */
static void describe_habits(
    const struct node_status *status, const struct fleet_node *node, struct wire_node_info *out)
{
    out->enrolled_unix_ms = status->node.enrolled_ms;
    out->uptime_ppm = (uint32_t)(1e6 * status->uptime + 0.5);
    out->hazard_permille = (uint64_t)(1000 * node->hazard + 0.5);
    out->volume = volume_of(&status->node);
    out->start_count = status->node.report.start_count;
    out->attention = view_text(node_attention(status));
    out->on_probation = node->is_probation;
    out->takes_shards = status->takes_shards;
}

static bool describe_node(
    const struct node_status *status, struct arena *arena, struct wire_node_info *out)
{
    const struct meta_node *node = &status->node;
    char network[NODE_NETWORK_TEXT_SIZE];
    node_network_text(&node->network, network);
    *out = (struct wire_node_info){
        .number = node->number,
        .node_id = service_copy(arena, node->id.bytes, sizeof(node->id.bytes)),
        .owner = node->owner_name,
        .network = arena_copy(arena, view_text(network)),
        .place = node->place,
        .state = view_text(node_health_text(status->health)),
        .endpoints = endpoints_of(node, arena),
        .endpoints_count = node->endpoint_count,
        .last_seen_unix_ms = node->last_seen_ms,
        .capacity = node->report.capacity,
        .used = node->report.used,
        .trash = node->report.trash,
        .free = node->report.free,
        .shards = node->report.shards,
        .software = node->report.software,
        .read_only = node->report.read_only,
        .reports = status->reports,
        .repair_reports = status->repair_reports,
        .uplink_bits = node->uplink_bits,
    };
    return out->node_id.bytes != NULL && out->endpoints != NULL;
}

static enum hearth_code describe_all(const struct node_status_list *list,
    const struct fleet_view *fleet, struct arena *arena, struct wire_node_info **out,
    struct hearth_err *err)
{
    struct wire_node_info *infos = arena_take_array(arena, list->count, sizeof(*infos));
    for (size_t i = 0; i < list->count; i++) {
        const struct node_status *status = &list->nodes[i];
        if (infos == NULL || !describe_node(status, arena, &infos[i])) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu nodes", list->count);
        }
        describe_habits(status, fleet_view_node(fleet, status->node.number), &infos[i]);
    }
    *out = infos;
    return HEARTH_OK;
}

enum hearth_code fleet_service_describe(struct coordinator *coordinator, struct arena *arena,
    const struct wire_node_info **out, size_t *count, struct hearth_err *err)
{
    struct node_status_list list;
    const struct fleet_view *fleet;
    struct wire_node_info *infos = NULL;
    if (node_table_list(coordinator->nodes, arena, &list, err) != HEARTH_OK ||
        fleet_view_take(coordinator->nodes, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = describe_all(&list, fleet, arena, &infos, err);
    fleet_view_release(fleet);
    if (code == HEARTH_OK) {
        *out = infos;
        *count = list.count;
    }
    return code;
}

/* Of 168 figures each, which a status of many nodes does without. */
static enum hearth_code add_patterns(struct coordinator *coordinator, struct arena *arena,
    const struct wire_node_list_reply *list, struct hearth_err *err)
{
    struct wire_node_info *infos = (struct wire_node_info *)(uintptr_t)list->nodes;
    for (size_t i = 0; i < list->nodes_count; i++) {
        infos[i].pattern = pattern_of(coordinator->nodes, infos[i].number, arena);
        if (infos[i].pattern.bytes == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "patterns of %zu nodes", list->nodes_count);
        }
    }
    return HEARTH_OK;
}

static enum hearth_code node_list(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    struct wire_node_list_reply *out = response;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        fleet_service_describe(coordinator, context->arena, &out->nodes, &out->nodes_count, err) !=
            HEARTH_OK) {
        return err->code;
    }
    return add_patterns(coordinator, context->arena, out, err);
}

static enum hearth_code node_lost(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_node_lost_request *in = request;
    uint32_t number;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK) {
        return err->code;
    }
    if (!node_table_find(coordinator->nodes, in->node_id.bytes, &number)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such node");
    }
    enum hearth_code code = in->found
        ? meta_health_found(coordinator->store, number, err)
        : meta_health_lost(coordinator->store, number, META_FENCE_NONE, err);
    if (code == HEARTH_OK) {
        log_write(in->found ? LOG_NODE_DECLARED_FOUND : LOG_NODE_DECLARED_LOST, "node=%u by=%s",
            number, context->peer.id_text);
        code = node_table_reload(coordinator->nodes, err);
    }
    return code;
}

/* Plans that are not applied yet were made for another fleet: they are stale. */
static enum hearth_code node_set(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_node_set_request *in = request;
    uint32_t number;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK) {
        return err->code;
    }
    if (!node_table_find(coordinator->nodes, in->node_id.bytes, &number)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such node");
    }
    if (meta_node_set_uplink(coordinator->store, number, in->uplink_bits, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_NODE_SET, "node=%u uplink_bits=%" PRIu64 " by=%s", number, in->uplink_bits,
        context->peer.id_text);
    return node_table_reload(coordinator->nodes, err);
}

const struct rpc_handler fleet_handlers[] = {
    {.method = RPC_NODE_LIST, .unary = node_list},
    {.method = RPC_NODE_LOST, .unary = node_lost},
    {.method = RPC_NODE_SET, .unary = node_set},
};
const unsigned fleet_handler_count = sizeof(fleet_handlers) / sizeof(fleet_handlers[0]);
