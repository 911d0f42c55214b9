/*
 * Uploads in parts: made, completed, ended, listed.  Parts themselves come as objects do
 * (object_service), with a place in an upload.
 */
#include "common/failpoint.h"
#include "coordinator/meta/meta_upload.h"
#include "coordinator/service/service.h"

#include <assert.h>

/* ---- changing ---- */

static enum hearth_code create_upload(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_create_upload_request *in = request;
    struct wire_create_upload_reply *out = response;
    struct meta_bucket bucket;
    if (service_bucket_sealed_for(coordinator, context, in->bucket, in->bucket_id, &bucket, err) !=
        HEARTH_OK) {
        return err->code;
    }
    const struct meta_upload upload = {
        .id = service_id(in->upload_id),
        .bucket = bucket.id,
        .key = in->key,
        .bucket_key_version = in->bucket_key_version,
        .manifest = in->manifest,
        .tags = in->tags,
    };
    (void)FAILPOINT(COORDINATOR_UPLOAD_ASKED);
    enum hearth_code code =
        meta_upload_create(coordinator->store, &upload, &out->created_unix_ms, err);
    (void)FAILPOINT(COORDINATOR_UPLOAD_DURABLE);
    return code;
}

static enum hearth_code refs_from_wire(const struct wire_complete_upload_request *in,
    struct arena *arena, const struct meta_part_ref **out, struct hearth_err *err)
{
    struct meta_part_ref *refs = arena_take_array(arena, in->parts_count, sizeof(*refs));
    if (refs == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu parts", in->parts_count);
    }
    for (size_t i = 0; i < in->parts_count; i++) {
        refs[i] = (struct meta_part_ref){
            .number = in->parts[i].number, .body = service_id(in->parts[i].body_id)};
    }
    *out = refs;
    return HEARTH_OK;
}

static struct meta_complete complete_from_wire(const struct wire_complete_upload_request *in,
    const struct meta_bucket *bucket, const struct meta_part_ref *parts)
{
    return (struct meta_complete){
        .upload = service_id(in->upload_id),
        .bucket = bucket->id,
        .key = in->key,
        .condition = service_condition(in->precondition),
        .body =
            {
                .id = service_id(in->body_id),
                .bucket_key_version = in->bucket_key_version,
                .manifest = in->manifest,
                .size = in->size,
                .etag = service_etag(in->etag),
                .parts = (uint32_t)in->parts_count,
            },
        .parts = parts,
        .part_count = in->parts_count,
    };
}

static enum hearth_code complete_upload(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_complete_upload_request *in = request;
    struct wire_version_info *out = response;
    struct meta_bucket bucket;
    const struct meta_part_ref *parts = NULL;
    if (service_bucket_sealed_for(coordinator, context, in->bucket, in->bucket_id, &bucket, err) !=
            HEARTH_OK ||
        refs_from_wire(in, context->arena, &parts, err) != HEARTH_OK) {
        return err->code;
    }
    const struct meta_complete complete = complete_from_wire(in, &bucket, parts);
    struct meta_object_info info;
    (void)FAILPOINT(COORDINATOR_COMPLETE_ASKED);
    enum hearth_code code = meta_upload_complete(coordinator->store, &complete, &info, err);
    (void)FAILPOINT(COORDINATOR_COMPLETE_DURABLE);
    if (code == HEARTH_OK) {
        *out = service_version(&info, context->arena);
    }
    return code;
}

static enum hearth_code abort_upload(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_abort_upload_request *in = request;
    struct meta_bucket bucket;
    enum hearth_code code =
        service_bucket(coordinator, context, SERVICE_WRITES, in->bucket, &bucket, err);
    return code == HEARTH_OK
        ? meta_upload_abort(coordinator->store, service_id(in->upload_id), bucket.id, in->key, err)
        : code;
}

/* ---- listing ---- */

static unsigned page_size(uint32_t max)
{
    return max == 0 || max > META_UPLOAD_LIST_MAX ? META_UPLOAD_LIST_MAX : max;
}

static struct wire_upload_info upload_to_wire(const struct meta_upload *upload, struct arena *arena)
{
    return (struct wire_upload_info){
        .key = upload->key,
        .upload_id = service_copy(arena, upload->id.bytes, sizeof(upload->id.bytes)),
        .created_unix_ms = upload->created_ms,
        .bucket_key_version = upload->bucket_key_version,
        .manifest = upload->manifest,
        .tags = upload->tags,
    };
}

static struct wire_part_info part_to_wire(const struct meta_part_info *part, struct arena *arena)
{
    return (struct wire_part_info){
        .number = part->number,
        .size = part->size,
        .etag = service_copy(arena, part->etag.bytes, sizeof(part->etag.bytes)),
        .created_unix_ms = part->created_ms,
        .body_id = service_copy(arena, part->body.bytes, sizeof(part->body.bytes)),
        .bucket_key_version = part->bucket_key_version,
        .manifest = part->manifest,
    };
}

static enum hearth_code parts_to_wire(const struct meta_part_page *page, struct arena *arena,
    struct wire_list_parts_reply *out, struct hearth_err *err)
{
    struct wire_upload_info *upload = arena_take(arena, sizeof(*upload));
    struct wire_part_info *parts = arena_take_array(arena, page->count, sizeof(*parts));
    if (upload == NULL || parts == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "page of %zu parts", page->count);
    }
    *upload = upload_to_wire(&page->upload, arena);
    for (size_t i = 0; i < page->count; i++) {
        parts[i] = part_to_wire(&page->parts[i], arena);
    }
    *out = (struct wire_list_parts_reply){
        .upload = upload, .parts = parts, .parts_count = page->count, .more = page->more};
    return HEARTH_OK;
}

static enum hearth_code list_parts(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_list_parts_request *in = request;
    struct meta_bucket bucket;
    if (service_bucket(coordinator, context, SERVICE_READS, in->bucket, &bucket, err) !=
        HEARTH_OK) {
        return err->code;
    }
    const struct meta_part_list list = {
        .upload = service_id(in->upload_id),
        .bucket = bucket.id,
        .key = in->key,
        .after = in->after,
        .max = page_size(in->max),
        .with_manifests = in->with_manifests,
    };
    struct meta_part_page page;
    enum hearth_code code = meta_part_list(coordinator->store, &list, context->arena, &page, err);
    return code == HEARTH_OK ? parts_to_wire(&page, context->arena, response, err) : code;
}

static enum hearth_code uploads_to_wire(const struct meta_upload_page *page, struct arena *arena,
    struct wire_list_uploads_reply *out, struct hearth_err *err)
{
    struct wire_upload_info *uploads = arena_take_array(arena, page->count, sizeof(*uploads));
    if (uploads == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "page of %zu uploads", page->count);
    }
    for (size_t i = 0; i < page->count; i++) {
        uploads[i] = upload_to_wire(&page->uploads[i], arena);
    }
    *out = (struct wire_list_uploads_reply){
        .uploads = uploads, .uploads_count = page->count, .more = page->more};
    return HEARTH_OK;
}

static enum hearth_code list_uploads(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_list_uploads_request *in = request;
    struct meta_bucket bucket;
    if (service_bucket(coordinator, context, SERVICE_READS, in->bucket, &bucket, err) !=
        HEARTH_OK) {
        return err->code;
    }
    struct meta_id after;
    struct meta_upload_list list = {
        .bucket = bucket.id,
        .prefix = in->prefix,
        .after_key = in->after_key,
        .max = page_size(in->max),
    };
    if (in->after_upload_id.size > 0) {
        after = service_id(in->after_upload_id);
        list.after_upload = &after;
    }
    struct meta_upload_page page;
    enum hearth_code code = meta_upload_list(coordinator->store, &list, context->arena, &page, err);
    return code == HEARTH_OK ? uploads_to_wire(&page, context->arena, response, err) : code;
}

const struct rpc_handler upload_handlers[] = {
    {.method = RPC_CREATE_UPLOAD, .unary = create_upload},
    {.method = RPC_COMPLETE_UPLOAD, .unary = complete_upload},
    {.method = RPC_ABORT_UPLOAD, .unary = abort_upload},
    {.method = RPC_LIST_PARTS, .unary = list_parts},
    {.method = RPC_LIST_UPLOADS, .unary = list_uploads},
};
const unsigned upload_handler_count = sizeof(upload_handlers) / sizeof(upload_handlers[0]);
