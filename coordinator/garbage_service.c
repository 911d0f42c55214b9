/*
 * The operator's hand on what was deleted.
 */
#include "common/log.h"
#include "coordinator/admin_service.h"
#include "coordinator/meta_undelete.h"
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

const struct rpc_handler garbage_handlers[] = {
    {.method = RPC_UNDELETE, .unary = undelete},
    {.method = RPC_DELETED_LIST, .unary = deleted_list},
};
const unsigned garbage_handler_count = sizeof(garbage_handlers) / sizeof(garbage_handlers[0]);
