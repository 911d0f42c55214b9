#include "coordinator/admin_service.h"

#include "common/log.h"
#include "coordinator/admin_backup.h"
#include "coordinator/invitation.h"
#include "coordinator/meta_settings.h"
#include "coordinator/node_network.h"
#include "coordinator/status.h"

enum hearth_code admin_check(
    struct coordinator *coordinator, const struct peer_identity *peer, struct hearth_err *err)
{
    struct meta_principal principal;
    struct meta_grant grant;
    memcpy(principal.bytes, peer->id, sizeof(principal.bytes));
    enum hearth_code code = meta_grant_get(coordinator->store, principal, &grant, err);
    if (code == HEARTH_OK && grant.class == META_CLASS_ADMIN) {
        return HEARTH_OK;
    }
    if (code != HEARTH_OK && code != HEARTH_NOT_FOUND) {
        return code;
    }
    return hearth_fail(
        err, HEARTH_DENIED, "%s is no admin of this cluster any more", peer->id_text);
}

/* ---- nodes ---- */

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
    };
    return out->node_id.bytes != NULL && out->endpoints != NULL;
}

enum hearth_code admin_describe_nodes(struct coordinator *coordinator, struct arena *arena,
    const struct wire_node_info **out, size_t *count, struct hearth_err *err)
{
    struct node_status_list list;
    enum hearth_code code = node_table_list(coordinator->nodes, arena, &list, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct wire_node_info *infos = arena_take_array(arena, list.count, sizeof(*infos));
    for (size_t i = 0; i < list.count; i++) {
        if (infos == NULL || !describe_node(&list.nodes[i], arena, &infos[i])) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu nodes", list.count);
        }
    }
    *out = infos;
    *count = list.count;
    return HEARTH_OK;
}

static enum hearth_code node_list(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    struct wire_node_list_reply *out = response;
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    return code == HEARTH_OK
        ? admin_describe_nodes(coordinator, context->arena, &out->nodes, &out->nodes_count, err)
        : code;
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
    enum hearth_code code = meta_node_set_state(coordinator->store, number, META_NODE_LOST, err);
    if (code == HEARTH_OK) {
        log_write(LOG_NODE_DECLARED_LOST, "node=%u by=%s", number, context->peer.id_text);
        code = node_table_reload(coordinator->nodes, err);
    }
    return code;
}

/* ---- garbage ---- */

/* What was written after the backup that was restored is given up by this. */
static enum hearth_code garbage_release(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    (void)response;
    struct coordinator *coordinator = service;
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    if (code == HEARTH_OK) {
        code = meta_garbage_unhold(coordinator->store, err);
    }
    if (code == HEARTH_OK) {
        log_write(LOG_GARBAGE_RELEASED, "by=%s", context->peer.id_text);
    }
    return code;
}

/* ---- status ---- */

static enum hearth_code status(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    return code == HEARTH_OK ? status_collect(coordinator, context->arena, response, err) : code;
}

/* ---- invitations ---- */

static enum hearth_code invite(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_invite_request *in = request;
    struct wire_invite_reply *out = response;
    struct invitation invitation = {.owner = in->owner,
        .network = in->network,
        .place = in->place,
        .tenant = in->tenant,
        .valid_s = in->valid_s};
    const char *word;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK) {
        return err->code;
    }
    if (!peer_class_parse(in->kind, &invitation.kind)) {
        return hearth_fail(err, HEARTH_INVALID,
            "\"%.*s\" cannot be invited: node, client, gateway or admin", VIEW_ARGS(in->kind));
    }
    enum hearth_code code = invitation_make(
        coordinator, &invitation, context->arena, &word, &out->expires_unix_ms, err);
    if (code == HEARTH_OK) {
        out->invite = view_text(word);
        log_write(
            LOG_INVITED, "class=%s by=%s", peer_class_text(invitation.kind), context->peer.id_text);
    }
    return code;
}

const struct rpc_handler admin_handlers[] = {
    {.method = RPC_STATUS, .unary = status},
    {.method = RPC_NODE_LIST, .unary = node_list},
    {.method = RPC_NODE_LOST, .unary = node_lost},
    {.method = RPC_GARBAGE_RELEASE, .unary = garbage_release},
    {.method = RPC_INVITE, .unary = invite},
    {.method = RPC_BACKUP, .opened = admin_backup_opened},
};
const unsigned admin_handler_count = sizeof(admin_handlers) / sizeof(admin_handlers[0]);
