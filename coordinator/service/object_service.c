/*
 * Objects: begun, committed, copied, deleted.
 */
#include "coordinator/service/object_service.h"

#include "common/failpoint.h"
#include "coordinator/service/service.h"

#include <assert.h>

/* HEARTH_INVALID: an extent larger than any segment. */
static enum hearth_code extents_from_wire(const struct wire_extent *in, size_t count,
    struct arena *arena, const struct meta_extent **out, struct hearth_err *err)
{
    struct meta_extent *extents = arena_take_array(arena, count, sizeof(*extents));
    if (extents == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu extents", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (in[i].offset > META_SEGMENT_SIZE_MAX || in[i].length > META_SEGMENT_SIZE_MAX) {
            return hearth_fail(err, HEARTH_INVALID, "extent %zu is larger than a segment", i);
        }
        extents[i] = (struct meta_extent){
            .segment = service_id(in[i].segment_id),
            .offset = (uint32_t)in[i].offset,
            .length = (uint32_t)in[i].length,
        };
    }
    *out = extents;
    return HEARTH_OK;
}

static enum hearth_code begin(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_begin_request *in = request;
    struct wire_begin_reply *out = response;
    struct meta_bucket bucket;
    struct meta_part part;
    if (service_bucket_sealed_for(coordinator, context, in->bucket, in->bucket_id, &bucket, err) !=
            HEARTH_OK ||
        service_part(in->part, &part, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_begin begin = {
        .bucket = bucket.id,
        .key = in->key,
        .condition = service_condition(in->precondition),
        .token = service_id(in->token),
        .part = part,
        .size_expected = in->size_expected,
    };
    struct meta_intent intent;
    (void)FAILPOINT(COORDINATOR_BEGIN_ASKED);
    enum hearth_code code = meta_begin(coordinator->store, &begin, &intent, err);
    (void)FAILPOINT(COORDINATOR_BEGIN_DURABLE);
    if (code == HEARTH_OK) {
        out->intent_id = service_copy(context->arena, intent.id.bytes, sizeof(intent.id.bytes));
        out->expires_unix_ms = intent.expires_ms;
    }
    return code;
}

void object_commit_to_wire(
    const struct meta_object_info *info, struct arena *arena, struct wire_commit_reply *out)
{
    out->version = service_copy(arena, info->version.bytes, sizeof(info->version.bytes));
    out->created_unix_ms = info->created_ms;
}

static enum hearth_code commit_prepare(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_commit_request *in,
    struct segment_receipts *receipts, struct meta_seal *seal, struct meta_commit *out,
    struct hearth_err *err)
{
    struct meta_intent intent;
    *out = (struct meta_commit){
        .intent = service_id(in->intent_id),
        .body =
            {
                .id = service_id(in->body_id),
                .bucket_key_version = in->bucket_key_version,
                .manifest = in->manifest,
                .size = in->size,
                .etag = service_etag(in->etag),
                .parts = in->parts,
                .extent_count = in->extents_count,
                .tags = in->tags,
            },
    };
    if (in->seal != NULL && !view_equal(in->seal->intent_id, in->intent_id)) {
        return hearth_fail(err, HEARTH_INVALID, "commit seals a segment of another upload");
    }
    enum hearth_code code = service_intent(coordinator, context, in->intent_id, &intent, err);
    if (code == HEARTH_OK) {
        code = extents_from_wire(
            in->extents, in->extents_count, context->arena, &out->body.extents, err);
    }
    if (code == HEARTH_OK && in->seal != NULL) {
        code = service_seal(coordinator, in->seal, &intent, context->arena, receipts, seal, err);
        out->seal = seal;
    }
    return code;
}

static enum hearth_code commit(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_commit_request *in = request;
    struct wire_commit_reply *out = response;
    struct segment_receipts receipts;
    struct meta_seal seal;
    struct meta_commit commit;
    struct meta_object_info info;
    struct meta_seal_result result;
    enum hearth_code code =
        commit_prepare(coordinator, context, in, &receipts, &seal, &commit, err);
    if (code == HEARTH_OK) {
        (void)FAILPOINT(COORDINATOR_COMMIT_ASKED);
        code = meta_commit(coordinator->store, &commit, &info, &result, err);
        (void)FAILPOINT(COORDINATOR_COMMIT_DURABLE);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    object_commit_to_wire(&info, context->arena, out);
    if (in->seal != NULL) {
        struct wire_seal_segment_reply *sealed = arena_take(context->arena, sizeof(*sealed));
        if (sealed != NULL) { /* the commit stands; without memory the bad slots stay untold */
            segment_receipts_reply(&receipts, &result, sealed);
        }
        out->sealed = sealed;
    }
    return HEARTH_OK;
}

static enum hearth_code abort_upload(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_abort_request *in = request;
    struct meta_intent intent;
    enum hearth_code code = service_intent(coordinator, context, in->intent_id, &intent, err);
    return code == HEARTH_OK ? meta_abort(coordinator->store, intent.id, err) : code;
}

static enum hearth_code put_from_wire(const struct wire_put_inline_request *in,
    const struct meta_bucket *bucket, struct meta_put *out, struct hearth_err *err)
{
    *out = (struct meta_put){
        .bucket = bucket->id,
        .key = in->key,
        .condition = service_condition(in->precondition),
        .token = service_id(in->token),
        .body =
            {
                .id = service_id(in->body_id),
                .bucket_key_version = in->bucket_key_version,
                .manifest = in->manifest,
                .size = in->size,
                .etag = service_etag(in->etag),
                .parts = in->parts,
                .tags = in->tags,
            },
    };
    return service_part(in->part, &out->part, err);
}

enum hearth_code object_put_prepare(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_put_inline_request *in,
    struct meta_put *out, struct hearth_err *err)
{
    struct meta_bucket bucket;
    enum hearth_code code =
        service_bucket_sealed_for(coordinator, context, in->bucket, in->bucket_id, &bucket, err);
    return code == HEARTH_OK ? put_from_wire(in, &bucket, out, err) : code;
}

void object_put_run(struct coordinator *coordinator, struct meta_put_item *items, size_t count)
{
    (void)FAILPOINT(COORDINATOR_INLINE_ASKED);
    meta_put_inline_many(coordinator->store, items, count);
    (void)FAILPOINT(COORDINATOR_INLINE_DURABLE);
}

static enum hearth_code put_inline(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct meta_put put;
    struct meta_put_item item = {.request = &put, .err = err};
    if (object_put_prepare(service, context, request, &put, err) != HEARTH_OK) {
        return err->code;
    }
    object_put_run(service, &item, 1);
    if (item.code == HEARTH_OK) {
        object_commit_to_wire(&item.info, context->arena, response);
    }
    return item.code;
}

/* Who asks may read the one and write the other. */
static enum hearth_code copy_from_wire(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_copy_request *in, struct meta_copy *out,
    struct hearth_err *err)
{
    struct meta_bucket source;
    if (in->put == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "a copy without a destination");
    }
    if (service_bucket(coordinator, context, SERVICE_READS, in->source_bucket, &source, err) !=
            HEARTH_OK ||
        object_put_prepare(coordinator, context, in->put, &out->put, err) != HEARTH_OK) {
        return err->code;
    }
    out->source_bucket = source.id;
    out->source_key = in->source_key;
    assert(in->source_version.size == sizeof(out->source_version.bytes));
    memcpy(out->source_version.bytes, in->source_version.bytes, in->source_version.size);
    out->put.body.extent_count = in->extents_count;
    return extents_from_wire(
        in->extents, in->extents_count, context->arena, &out->put.body.extents, err);
}

static enum hearth_code copy(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    struct meta_copy copy;
    struct meta_object_info info;
    if (copy_from_wire(coordinator, context, request, &copy, err) != HEARTH_OK ||
        meta_copy(coordinator->store, &copy, &info, err) != HEARTH_OK) {
        return err->code;
    }
    object_commit_to_wire(&info, context->arena, response);
    return HEARTH_OK;
}

static enum hearth_code delete_object(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_delete_request *in = request;
    struct wire_delete_reply *out = response;
    struct meta_bucket bucket;
    if (service_bucket(coordinator, context, SERVICE_WRITES, in->bucket, &bucket, err) !=
        HEARTH_OK) {
        return err->code;
    }
    struct meta_delete delete = {
        .bucket = bucket.id,
        .key = in->key,
        .condition = service_condition(in->precondition),
        .token = service_id(in->token),
    };
    (void)FAILPOINT(COORDINATOR_DELETE_ASKED);
    enum hearth_code code = meta_delete(coordinator->store, &delete, &out->existed, err);
    (void)FAILPOINT(COORDINATOR_DELETE_DURABLE);
    return code;
}

static enum hearth_code delete_many(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_delete_many_request *in = request;
    struct meta_bucket bucket;
    enum hearth_code code =
        service_bucket(coordinator, context, SERVICE_WRITES, in->bucket, &bucket, err);
    if (code == HEARTH_OK) {
        code = meta_delete_many(
            coordinator->store, bucket.id, in->keys, in->keys_count, service_id(in->token), err);
    }
    return code;
}

static enum hearth_code set_tags(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_set_tags_request *in = request;
    struct meta_bucket bucket;
    struct meta_version version;
    const struct meta_version *wanted = service_wanted_version(in->version, &version);
    enum hearth_code code =
        service_bucket(coordinator, context, SERVICE_WRITES, in->bucket, &bucket, err);
    return code == HEARTH_OK
        ? meta_tags_set(coordinator->store, bucket.id, in->key, wanted, in->tags, err)
        : code;
}

const struct rpc_handler object_handlers[] = {
    {.method = RPC_BEGIN, .unary = begin},
    {.method = RPC_COMMIT, .unary = commit},
    {.method = RPC_ABORT, .unary = abort_upload},
    {.method = RPC_PUT_INLINE, .unary = put_inline},
    {.method = RPC_PUT_INLINE_MANY, .unary = object_put_many},
    {.method = RPC_COPY, .unary = copy},
    {.method = RPC_DELETE, .unary = delete_object},
    {.method = RPC_DELETE_MANY, .unary = delete_many},
    {.method = RPC_SET_TAGS, .unary = set_tags},
};
const unsigned object_handler_count = sizeof(object_handlers) / sizeof(object_handlers[0]);
