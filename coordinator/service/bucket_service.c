#include "common/log.h"
#include "coordinator/meta/meta_account.h"
#include "coordinator/service/service.h"

#include <assert.h>

static const struct wire_profile *profile_to_wire(
    const struct profile *profile, struct arena *arena)
{
    struct wire_profile *out = arena_take(arena, sizeof(*out));
    if (out != NULL) {
        *out = (struct wire_profile){
            .name = view_text(profile->name),
            .k = profile->k,
            .n = profile->n,
            .w = profile->w,
            .r = profile->r,
            .fill = profile->fill,
            .inline_max = profile->inline_max,
        };
    }
    return out;
}

static enum hearth_code bucket_to_wire(const struct meta_bucket *bucket, struct arena *arena,
    struct wire_bucket_info *out, struct hearth_err *err)
{
    const struct profile *profile = profile_by_number(bucket->settings.profile);
    assert(profile != NULL); /* the metadata takes known ones only */
    struct wire_bucket_key *keys = arena_take_array(arena, bucket->key_count, sizeof(*keys));
    *out = (struct wire_bucket_info){
        .name = bucket->name,
        .bucket_id = service_copy(arena, bucket->id.bytes, sizeof(bucket->id.bytes)),
        .created_unix_ms = bucket->created_ms,
        .profile = profile_to_wire(profile, arena),
        .keys = keys,
        .keys_count = bucket->key_count,
        .public_read = bucket->settings.public_read,
        .quota_bytes = bucket->settings.quota_bytes,
        .quota_objects = bucket->settings.quota_objects,
    };
    if (keys == NULL || out->bucket_id.bytes == NULL || out->profile == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "describe bucket");
    }
    for (size_t i = 0; i < bucket->key_count; i++) {
        keys[i] = (struct wire_bucket_key){
            .version = bucket->keys[i].version, .wrapped = bucket->keys[i].wrapped};
    }
    return HEARTH_OK;
}

static const struct profile *find_profile(struct coordinator *coordinator, struct view name)
{
    return name.size == 0 ? coordinator->profile : profile_by_name(name);
}

static enum hearth_code create(struct coordinator *coordinator, const struct rpc_context *context,
    const struct wire_create_bucket_request *in, struct hearth_err *err)
{
    struct meta_bucket_create request = {
        .id = service_id(in->bucket_id),
        .name = in->name,
        .key = {.version = in->key->version, .wrapped = in->key->wrapped},
        .token = service_id(in->token),
    };
    enum hearth_code code =
        service_tenant(coordinator, context, SERVICE_OWNS, &request.tenant, err);
    if (code != HEARTH_OK) {
        return code;
    }
    const struct profile *profile = find_profile(coordinator, in->profile);
    if (profile == NULL) {
        return hearth_fail(
            err, HEARTH_NOT_FOUND, "no profile is called \"%.*s\"", VIEW_ARGS(in->profile));
    }
    if (in->profile.size > 0 &&
        service_fleet_carries(coordinator, profile, profile->nodes_min, context->arena, err) !=
            HEARTH_OK) {
        return err->code;
    }
    request.profile = profile->number;
    assert(in->root_key_id.size == sizeof(request.root_key_id));
    memcpy(request.root_key_id, in->root_key_id.bytes, sizeof(request.root_key_id));
    return meta_bucket_create(coordinator->store, &request, err);
}

static enum hearth_code create_bucket(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    const struct wire_create_bucket_request *in = request;
    struct meta_bucket bucket;
    enum hearth_code code = create(service, context, in, err);
    if (code == HEARTH_OK) {
        code = service_bucket(service, context, SERVICE_OWNS, in->name, &bucket, err);
    }
    if (code == HEARTH_OK) {
        code = bucket_to_wire(&bucket, context->arena, response, err);
    }
    return code;
}

static enum hearth_code delete_bucket(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_delete_bucket_request *in = request;
    struct meta_id tenant;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_OWNS, &tenant, err);
    if (code != HEARTH_OK) {
        return code;
    }
    return meta_bucket_delete(coordinator->store, in->name, tenant, service_id(in->token), err);
}

static enum hearth_code set_access(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_set_bucket_access_request *in = request;
    struct meta_id tenant;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_OWNS, &tenant, err);
    if (code == HEARTH_OK) {
        code = meta_bucket_set_public(coordinator->store, in->name, tenant, in->public_read, err);
    }
    if (code == HEARTH_OK) {
        log_write(LOG_BUCKET_DECIDED, "by=%s", context->peer.id_text);
    }
    return code;
}

static enum hearth_code head_bucket(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    const struct wire_head_bucket_request *in = request;
    struct meta_bucket bucket;
    enum hearth_code code = service_bucket(service, context, SERVICE_READS, in->name, &bucket, err);
    return code == HEARTH_OK ? bucket_to_wire(&bucket, context->arena, response, err) : code;
}

static enum hearth_code list_buckets(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    struct wire_list_buckets_reply *out = response;
    struct meta_id tenant;
    struct meta_bucket_list list;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_READS, &tenant, err);
    if (code == HEARTH_OK) {
        code = meta_bucket_list(coordinator->store, tenant, context->arena, &list, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct wire_bucket_info *buckets =
        arena_take_array(context->arena, list.count, sizeof(*buckets));
    if (buckets == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu buckets", list.count);
    }
    for (size_t i = 0; i < list.count && code == HEARTH_OK; i++) {
        code = bucket_to_wire(&list.buckets[i], context->arena, &buckets[i], err);
    }
    out->buckets = buckets;
    out->buckets_count = list.count;
    return code;
}

const struct rpc_handler bucket_handlers[] = {
    {.method = RPC_CREATE_BUCKET, .unary = create_bucket},
    {.method = RPC_DELETE_BUCKET, .unary = delete_bucket},
    {.method = RPC_HEAD_BUCKET, .unary = head_bucket},
    {.method = RPC_LIST_BUCKETS, .unary = list_buckets},
    {.method = RPC_SET_BUCKET_ACCESS, .unary = set_access},
};
const unsigned bucket_handler_count = sizeof(bucket_handlers) / sizeof(bucket_handlers[0]);
