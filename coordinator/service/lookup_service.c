/*
 * Objects found and listed.
 */
#include "coordinator/audit/audit_reader.h"
#include "coordinator/meta/meta_list.h"
#include "coordinator/service/estimate_service.h"
#include "coordinator/service/object_service.h"
#include "coordinator/service/segment_orders.h"

/* Holders beyond k that get an order at once: as many as a reader loses before it must ask again.
 */
enum { SPARE_ORDERS = 4 };

static struct wire_version_info *info_to_wire(
    const struct meta_object_info *info, struct arena *arena)
{
    struct wire_version_info *out = arena_take(arena, sizeof(*out));
    if (out != NULL) {
        *out = service_version(info, arena);
    }
    return out;
}

/* ---- found ---- */

static enum hearth_code extents_to_wire(const struct meta_object *object, struct arena *arena,
    struct wire_lookup_reply *out, struct hearth_err *err)
{
    struct wire_extent *extents = arena_take_array(arena, object->extent_count, sizeof(*extents));
    if (extents == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu extents", object->extent_count);
    }
    for (size_t i = 0; i < object->extent_count; i++) {
        extents[i] = (struct wire_extent){
            .segment_id = meta_id_view(&object->extents[i].segment),
            .offset = object->extents[i].offset,
            .length = object->extents[i].length,
        };
    }
    out->extents = extents;
    out->extents_count = object->extent_count;
    return HEARTH_OK;
}

static enum hearth_code segments_to_wire(struct coordinator *coordinator,
    const struct meta_object *object, struct view session_id, struct arena *arena,
    struct wire_lookup_reply *out, struct hearth_err *err)
{
    struct wire_segment_info *segments =
        arena_take_array(arena, object->segment_count, sizeof(*segments));
    if (segments == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu segments", object->segment_count);
    }
    enum hearth_code code = HEARTH_OK;
    for (size_t i = 0; i < object->segment_count && code == HEARTH_OK; i++) {
        const struct meta_segment *segment = &object->segments[i];
        unsigned spare = (unsigned)(segment->n - segment->k);
        struct segment_reading reading = {
            .session_id = session_id,
            .want = segment->k + (spare < SPARE_ORDERS ? spare : SPARE_ORDERS),
        };
        code = segment_to_wire(coordinator, segment, &reading, arena, &segments[i], err);
    }
    out->segments = segments;
    out->segments_count = object->segment_count;
    return code;
}

static enum hearth_code lookup_object(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_lookup_request *in,
    struct meta_object *object, struct hearth_err *err)
{
    struct meta_bucket bucket;
    struct meta_version version;
    if (service_bucket(coordinator, context, SERVICE_READS, in->bucket, &bucket, err) !=
        HEARTH_OK) {
        return err->code;
    }
    const struct meta_lookup lookup = {
        .bucket = bucket.id,
        .key = in->key,
        .offset = in->offset,
        .length = in->length,
        .suffix = in->suffix,
        .cursor = in->cursor,
        .head_only = in->head_only,
        .version = service_wanted_version(in->version, &version),
    };
    enum hearth_code code = meta_lookup(coordinator->store, &lookup, context->arena, object, err);
    if (code == HEARTH_OK && in->session_id.size == PKI_ID_SIZE) {
        audit_reader_note(coordinator->audit, &lookup, object);
    }
    return code;
}

enum hearth_code object_lookup(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_lookup_request *in = request;
    struct wire_lookup_reply *out = response;
    struct meta_object object;
    enum hearth_code code = lookup_object(coordinator, context, in, &object, err);
    if (code != HEARTH_OK) {
        return code;
    }
    *out = (struct wire_lookup_reply){
        .info = info_to_wire(&object.info, context->arena),
        .body_id = service_copy(context->arena, object.body.bytes, sizeof(object.body.bytes)),
        .bucket_key_version = object.bucket_key_version,
        .manifest = object.manifest,
        .tags = object.tags,
        .first_extent = object.first_extent,
        .next_cursor = object.next_cursor,
    };
    code = extents_to_wire(&object, context->arena, out, err);
    if (code == HEARTH_OK) {
        code = segments_to_wire(coordinator, &object, in->session_id, context->arena, out, err);
    }
    if (code == HEARTH_OK && in->with_estimate) {
        code = estimate_service_segments(coordinator, &object, context->arena, out, err);
    }
    return code;
}

/* ---- listed ---- */

static enum hearth_code page_to_wire(const struct meta_list_page *page, struct arena *arena,
    struct wire_list_reply *out, struct hearth_err *err)
{
    struct wire_list_entry *entries = arena_take_array(arena, page->count, sizeof(*entries));
    struct view *prefixes = arena_take_array(arena, page->count, sizeof(*prefixes));
    if (entries == NULL || prefixes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "page of %zu keys", page->count);
    }
    *out = (struct wire_list_reply){
        .entries = entries, .prefixes = prefixes, .next_token = page->next_token};
    for (size_t i = 0; i < page->count; i++) {
        const struct meta_list_entry *entry = &page->entries[i];
        if (entry->is_prefix) {
            prefixes[out->prefixes_count++] = entry->key;
        } else {
            entries[out->entries_count++] = (struct wire_list_entry){
                .key = entry->key, .info = info_to_wire(&entry->info, arena)};
        }
    }
    return HEARTH_OK;
}

static enum hearth_code list(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_list_request *in = request;
    struct meta_bucket bucket;
    if (service_bucket(coordinator, context, SERVICE_READS, in->bucket, &bucket, err) !=
        HEARTH_OK) {
        return err->code;
    }
    struct meta_list list = {
        .bucket = bucket.id,
        .prefix = in->prefix,
        .delimiter = in->delimiter,
        .start_after = in->start_after,
        .token = in->token,
        .max = in->max == 0 || in->max > META_LIST_MAX ? META_LIST_MAX : in->max,
    };
    struct meta_list_page page;
    enum hearth_code code = meta_list(coordinator->store, &list, context->arena, &page, err);
    return code == HEARTH_OK ? page_to_wire(&page, context->arena, response, err) : code;
}

const struct rpc_handler lookup_handlers[] = {
    {.method = RPC_LOOKUP, .unary = object_lookup},
    {.method = RPC_LOOKUP_MANY, .unary = object_lookup_many},
    {.method = RPC_LIST, .unary = list},
};
const unsigned lookup_handler_count = sizeof(lookup_handlers) / sizeof(lookup_handlers[0]);
