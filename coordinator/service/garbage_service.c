/*
 * The operator's hand on what was deleted, and on what becomes of it.
 */
#include "common/log.h"
#include "coordinator/garbage/reconcile_duty.h"
#include "coordinator/garbage/withheld.h"
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_reconcile.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/meta/meta_undelete.h"
#include "coordinator/service/admin_service.h"
#include "proto/wire_garbage.h"

static struct meta_version version_of(struct view bytes)
{
    struct meta_version version;
    memcpy(version.bytes, bytes.bytes, sizeof(version.bytes));
    return version;
}

/* ---- one version back ---- */

static enum hearth_code undelete(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_undelete_request *in = request;
    struct wire_deleted_entry *out = response;
    struct meta_version version;
    struct meta_object_info info;
    struct meta_undelete undelete = {
        .bucket = in->bucket, .key = in->key, .replaces = in->replaces};
    if (in->version.size > 0) {
        version = version_of(in->version);
        undelete.version = &version;
    }
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        meta_undelete(coordinator->store, &undelete, &info, err) != HEARTH_OK) {
        return err->code;
    }
    *out = (struct wire_deleted_entry){
        .key = in->key,
        .version = service_copy(context->arena, info.version.bytes, sizeof(info.version.bytes)),
        .size = info.size,
        .created_unix_ms = info.created_ms,
    };
    log_write(
        LOG_VERSION_UNDELETED, "by=%s bytes=%ju", context->peer.id_text, (uintmax_t)info.size);
    return HEARTH_OK;
}

/* ---- what can come back ---- */

static enum hearth_code find_page(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_deleted_list_request *in,
    struct meta_deleted_page *page, struct hearth_err *err)
{
    struct meta_version version;
    struct meta_deleted_list list = {.bucket = in->bucket,
        .prefix = in->prefix,
        .after_key = in->after_key,
        .max = WIRE_LIST_MAX};
    if (in->after_version.size > 0) {
        version = version_of(in->after_version);
        list.after_version = &version;
    }
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    return code == HEARTH_OK
        ? meta_deleted_list(coordinator->store, &list, context->arena, page, err)
        : code;
}

static enum hearth_code deleted_list(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct wire_deleted_list_reply *out = response;
    struct meta_deleted_page page;
    if (find_page(service, context, request, &page, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_deleted_entry *entries =
        arena_take_array(context->arena, page.count, sizeof(*entries));
    if (entries == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu versions", page.count);
    }
    for (size_t i = 0; i < page.count; i++) {
        const struct meta_deleted *from = &page.entries[i];
        entries[i] = (struct wire_deleted_entry){
            .key = from->key,
            .version = view_of(from->info.version.bytes, sizeof(from->info.version.bytes)),
            .size = from->info.size,
            .created_unix_ms = from->info.created_ms,
            .deleted_unix_ms = from->deleted_ms,
            .until_unix_ms = from->until_ms,
        };
    }
    out->entries = entries;
    out->entries_count = page.count;
    return HEARTH_OK;
}

/* ---- how far garbage collection is ---- */

/* What the rows of nodes are made of. */
struct garbage_view {
    struct meta_settings settings;
    struct node_status_list nodes;
    struct meta_reconciled_list reconciled;
    struct meta_dead_sum *dead; /* of each of `nodes` */
};

static enum hearth_code sum_dead(struct coordinator *coordinator, struct arena *arena,
    struct garbage_view *view, struct hearth_err *err)
{
    uint32_t *numbers = arena_take_array(arena, view->nodes.count + 1, sizeof(*numbers));
    view->dead = arena_take_array(arena, view->nodes.count + 1, sizeof(*view->dead));
    if (numbers == NULL || view->dead == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu nodes", view->nodes.count);
    }
    for (size_t i = 0; i < view->nodes.count; i++) {
        numbers[i] = view->nodes.nodes[i].node.number;
    }
    return meta_dead_sum(coordinator->store, numbers, view->nodes.count, view->dead, err);
}

static enum hearth_code take_view(struct coordinator *coordinator, struct arena *arena,
    struct garbage_view *view, struct hearth_err *err)
{
    if (meta_settings_get(coordinator->store, &view->settings, err) != HEARTH_OK ||
        node_table_list(coordinator->nodes, arena, &view->nodes, err) != HEARTH_OK ||
        meta_reconciled_list(coordinator->store, arena, &view->reconciled, err) != HEARTH_OK) {
        return err->code;
    }
    return sum_dead(coordinator, arena, view, err);
}

static void add_reconciled(const struct garbage_view *view, struct wire_garbage_node *node)
{
    for (size_t i = 0; i < view->reconciled.count; i++) {
        const struct meta_reconciled *row = &view->reconciled.rows[i];
        if (row->node == node->number && row->epoch == view->settings.recovery_epoch) {
            node->reconciled_unix_ms = row->as_of_ms;
            node->listed = row->shards;
            node->unwanted = row->unwanted;
            node->ahead = row->ahead;
            node->missing = row->missing;
            node->wanted_in_trash = row->wanted_in_trash;
        }
    }
}

static enum hearth_code add_nodes(struct coordinator *coordinator, const struct garbage_view *view,
    struct arena *arena, struct wire_garbage_status_reply *out, struct hearth_err *err)
{
    struct wire_garbage_node *nodes =
        arena_take_array(arena, view->nodes.count + 1, sizeof(*nodes));
    if (nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu nodes", view->nodes.count);
    }
    enum hearth_code code = HEARTH_OK;
    for (size_t i = 0; i < view->nodes.count && code == HEARTH_OK; i++) {
        const struct node_status *from = &view->nodes.nodes[i];
        const struct withheld_node said = withheld_of(coordinator->withheld, from->node.number);
        nodes[i] = (struct wire_garbage_node){
            .number = from->node.number,
            .node_id = view_of(from->node.id.bytes, sizeof(from->node.id.bytes)),
            .state = view_text(node_health_text(from->health)),
            .shards_dead = view->dead[i].shards,
            .dead_bytes = view->dead[i].bytes,
            .trash = from->node.report.trash,
            .withheld = said.shards,
            .day = said.day_bytes,
        };
        add_reconciled(view, &nodes[i]);
        code = meta_purge_until(
            coordinator->store, from->node.number, &nodes[i].purge_until_unix_ms, err);
    }
    out->nodes = nodes;
    out->nodes_count = view->nodes.count;
    return code;
}

static enum hearth_code garbage_status(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    struct wire_garbage_status_reply *out = response;
    struct garbage_view view;
    struct meta_counts counts;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        take_view(coordinator, context->arena, &view, err) != HEARTH_OK ||
        meta_counts_get(coordinator->store, &counts, err) != HEARTH_OK ||
        meta_deleted_count(coordinator->store, &out->kept_objects, &out->kept_bytes, err) !=
            HEARTH_OK) {
        return err->code;
    }
    out->held = view.settings.garbage_held;
    out->recovery_epoch = view.settings.recovery_epoch;
    out->backup_unix_ms = view.settings.backup_ms;
    out->intents_open = counts.intents_open;
    out->bodies_doomed = counts.bodies_doomed;
    out->shards_dead = counts.shards_dead;
    return add_nodes(coordinator, &view, context->arena, out, err);
}

static enum hearth_code garbage_run(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    struct wire_garbage_run_reply *out = response;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK) {
        return err->code;
    }
    if (coordinator->reconcile == NULL) {
        return hearth_fail(err, HEARTH_NOT_READY, "the duties have not begun yet");
    }
    out->asked_unix_ms = reconcile_ask(coordinator->reconcile);
    return HEARTH_OK;
}

const struct rpc_handler garbage_handlers[] = {
    {.method = RPC_GARBAGE_STATUS, .unary = garbage_status},
    {.method = RPC_GARBAGE_RUN, .unary = garbage_run},
    {.method = RPC_UNDELETE, .unary = undelete},
    {.method = RPC_DELETED_LIST, .unary = deleted_list},
};
const unsigned garbage_handler_count = sizeof(garbage_handlers) / sizeof(garbage_handlers[0]);
