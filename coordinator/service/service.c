#include "coordinator/service/service.h"

#include <assert.h>

/* What the wire lets through, the metadata has room for. */
static_assert((int)META_EXTENTS_MAX == WIRE_EXTENTS_MAX, "extents of an object");
static_assert((int)META_MANIFEST_MAX == WIRE_MANIFEST_MAX, "a sealed manifest");
static_assert((int)META_KEY_MAX == WIRE_KEY_MAX, "a key");
static_assert((int)META_TAGS_MAX == WIRE_TAGS_MAX, "tags");
static_assert((int)META_PARTS_MAX == WIRE_PARTS_MAX, "parts of an upload");
static_assert((int)META_SLOTS_MAX == WIRE_SLOTS_MAX, "slots of a segment");
static_assert((int)META_ENDPOINTS_MAX == WIRE_ENDPOINTS_MAX, "addresses of a node");

struct meta_id service_id(struct view bytes)
{
    struct meta_id id;
    assert(bytes.size == sizeof(id.bytes));
    memcpy(id.bytes, bytes.bytes, sizeof(id.bytes));
    return id;
}

struct view service_copy(struct arena *arena, const void *bytes, size_t size)
{
    return arena_copy(arena, view_of(bytes, size));
}

struct wire_version_info service_version(const struct meta_object_info *info, struct arena *arena)
{
    return (struct wire_version_info){
        .version = service_copy(arena, info->version.bytes, sizeof(info->version.bytes)),
        .size = info->size,
        .etag = service_copy(arena, info->etag.bytes, sizeof(info->etag.bytes)),
        .parts = info->parts,
        .created_unix_ms = info->created_ms,
    };
}

struct meta_etag service_etag(struct view bytes)
{
    struct meta_etag etag;
    assert(bytes.size == sizeof(etag.bytes));
    memcpy(etag.bytes, bytes.bytes, sizeof(etag.bytes));
    return etag;
}

const struct meta_version *service_wanted_version(struct view bytes, struct meta_version *room)
{
    if (bytes.size != sizeof(room->bytes)) {
        return NULL;
    }
    memcpy(room->bytes, bytes.bytes, sizeof(room->bytes));
    return room;
}

enum hearth_code service_part(
    const struct wire_part_place *part, struct meta_part *out, struct hearth_err *err)
{
    *out = (struct meta_part){.number = 0};
    if (part == NULL) {
        return HEARTH_OK;
    }
    if (part->number == 0) {
        return hearth_fail(err, HEARTH_INVALID, "parts are numbered from 1");
    }
    *out = (struct meta_part){.upload = service_id(part->upload_id), .number = part->number};
    return HEARTH_OK;
}

enum hearth_code service_tenant(struct coordinator *coordinator, const struct rpc_context *context,
    enum service_right right, struct meta_id *tenant, struct hearth_err *err)
{
    struct meta_principal principal;
    memcpy(principal.bytes, context->peer.id, sizeof(principal.bytes));
    struct meta_grant grant;
    enum hearth_code code = access_cache_grant(coordinator->access, principal, &grant, err);
    if (code == HEARTH_NOT_FOUND) {
        return hearth_fail(err, HEARTH_DENIED, "%s %s acts for no tenant",
            peer_class_text(context->peer.class), context->peer.id_text);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    if ((grant.rights & right) == 0 || meta_id_is_zero(grant.tenant)) {
        return hearth_fail(err, HEARTH_DENIED, "%s %s may not do this",
            peer_class_text(context->peer.class), context->peer.id_text);
    }
    *tenant = grant.tenant;
    return HEARTH_OK;
}

enum hearth_code service_bucket(struct coordinator *coordinator, const struct rpc_context *context,
    enum service_right right, struct view name, struct meta_bucket *out, struct hearth_err *err)
{
    struct meta_id tenant;
    enum hearth_code code = service_tenant(coordinator, context, right, &tenant, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct meta_bucket bucket;
    code = access_cache_bucket(coordinator->access, name, context->arena, &bucket, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (!meta_id_equal(bucket.tenant, tenant)) {
        return hearth_fail(
            err, HEARTH_DENIED, "bucket %.*s belongs to somebody else", VIEW_ARGS(name));
    }
    *out = bucket;
    return HEARTH_OK;
}

enum hearth_code service_bucket_sealed_for(struct coordinator *coordinator,
    const struct rpc_context *context, struct view name, struct view bucket_id,
    struct meta_bucket *out, struct hearth_err *err)
{
    struct meta_bucket bucket;
    enum hearth_code code =
        service_bucket(coordinator, context, SERVICE_WRITES, name, &bucket, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (bucket_id.size > 0 && !meta_id_equal(service_id(bucket_id), bucket.id)) {
        return hearth_fail(
            err, HEARTH_CONFLICT, "bucket %.*s is another one than before", VIEW_ARGS(name));
    }
    *out = bucket;
    return HEARTH_OK;
}

enum hearth_code service_intent(struct coordinator *coordinator, const struct rpc_context *context,
    struct view id, struct meta_intent *out, struct hearth_err *err)
{
    struct meta_id tenant;
    struct meta_intent intent;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_WRITES, &tenant, err);
    if (code == HEARTH_OK) {
        code = meta_intent_get(coordinator->store, service_id(id), &intent, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    if (!meta_id_equal(intent.tenant, tenant)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such upload");
    }
    *out = intent;
    return HEARTH_OK;
}

enum hearth_code service_check_session(struct view session_id, struct hearth_err *err)
{
    if (session_id.size != PKI_ID_SIZE) {
        return hearth_fail(err, HEARTH_INVALID, "no session to make orders for");
    }
    return HEARTH_OK;
}

enum hearth_code service_seal(struct coordinator *coordinator,
    const struct wire_seal_segment_request *in, const struct meta_intent *intent,
    struct arena *arena, struct segment_receipts *receipts, struct meta_seal *seal,
    struct hearth_err *err)
{
    const struct profile *profile = profile_by_number(intent->profile);
    assert(profile != NULL);
    struct segment_shown shown = {
        .segment = service_id(in->segment_id),
        .length = in->length,
        .k = profile->k,
        .receipts = in->receipts,
        .count = in->receipts_count,
    };
    enum hearth_code code = segment_receipts_check(coordinator, &shown, arena, receipts, err);
    if (code == HEARTH_OK) {
        *seal = (struct meta_seal){
            .intent = service_id(in->intent_id),
            .segment = shown.segment,
            .length = (uint32_t)in->length,
            .shard_length = receipts->shard_length,
            .receipts = receipts->good,
            .receipt_count = receipts->good_count,
        };
    }
    return code;
}

struct meta_condition service_condition(const struct wire_precondition *precondition)
{
    struct meta_condition condition = {.kind = META_CONDITION_NONE};
    if (precondition == NULL) {
        return condition;
    }
    if (precondition->must_not_exist) {
        condition.kind = META_CONDITION_ABSENT;
    } else if (precondition->must_have_etag.size == sizeof(condition.etag.bytes)) {
        condition.kind = META_CONDITION_ETAG;
        condition.parts = precondition->must_have_parts;
        memcpy(
            condition.etag.bytes, precondition->must_have_etag.bytes, sizeof(condition.etag.bytes));
    } else if (precondition->must_exist) {
        condition.kind = META_CONDITION_EXISTS;
    }
    return condition;
}

enum hearth_code service_fleet_carries(struct coordinator *coordinator,
    const struct profile *profile, unsigned nodes, struct arena *arena, struct hearth_err *err)
{
    struct place_fleet fleet;
    struct place_choice choice = {.count = 0};
    const struct place_query query = {
        .want = nodes, .least = 1, .allow_colocation = coordinator->settings->allow_colocation};
    struct hearth_err none;
    if (profile == coordinator->profile) {
        return HEARTH_OK;
    }
    if (node_table_fleet(coordinator->nodes, arena, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    if (place_choose(&fleet, &query, coordinator->env, &choice, &none) != HEARTH_OK) {
        choice.count = 0; /* not even one */
    }
    return choice.count >= nodes
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_FLEET_TOO_SMALL,
              "profile %s needs %u nodes that take shards, of as many owners and networks: there"
              " are %u, %u more are missing",
              profile->name, nodes, choice.count, nodes - choice.count);
}
