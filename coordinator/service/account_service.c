/*
 * The operator's hand on accounts: tenants, access keys, what he decides about buckets.
 */
#include "common/log.h"
#include "coordinator/meta/meta_account.h"
#include "coordinator/service/access_key.h"
#include "coordinator/service/admin_service.h"
#include "proto/wire_accounts.h"

#include <inttypes.h>

/* ---- tenants ---- */

static enum hearth_code tenant_create(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_tenant_request *in = request;
    struct wire_tenant_info *out = response;
    struct meta_tenant tenant;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        meta_tenant_create(coordinator->store, in->tenant, context->arena, &tenant, err) !=
            HEARTH_OK) {
        return err->code;
    }
    *out = (struct wire_tenant_info){
        .name = tenant.name,
        .tenant_id = service_copy(context->arena, tenant.id.bytes, sizeof(tenant.id.bytes)),
        .created_unix_ms = tenant.created_ms,
    };
    log_write(LOG_TENANT_MADE, "by=%s", context->peer.id_text);
    return HEARTH_OK;
}

/* The tenant a list is of; none named is everybody. */
static enum hearth_code find_page(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_account_list_request *in,
    struct meta_tenant *tenant, struct meta_page_of *page, struct hearth_err *err)
{
    *page = (struct meta_page_of){.after = in->after};
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    if (code == HEARTH_OK && in->tenant.size > 0) {
        code = meta_tenant_named(coordinator->store, in->tenant, context->arena, tenant, err);
        page->tenant = &tenant->id;
    }
    return code;
}

static enum hearth_code tenant_list(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_account_list_request *in = request;
    struct wire_tenant_list_reply *out = response;
    const struct meta_page_of page = {.after = in->after};
    struct meta_tenant_list list;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        meta_tenant_list(coordinator->store, &page, context->arena, &list, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_tenant_info *tenants =
        arena_take_array(context->arena, list.count, sizeof(*tenants));
    if (tenants == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu tenants", list.count);
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct meta_tenant_usage *tenant = &list.tenants[i];
        tenants[i] = (struct wire_tenant_info){
            .name = tenant->name,
            .tenant_id = meta_id_view(&tenant->id),
            .created_unix_ms = tenant->created_ms,
            .buckets = tenant->buckets,
            .access_keys = tenant->access_keys,
            .objects = tenant->usage.objects,
            .bytes = tenant->usage.bytes,
        };
    }
    out->tenants = tenants;
    out->tenants_count = list.count;
    return HEARTH_OK;
}

/* ---- access keys ---- */

/* What is drawn here, or what the token has made before. */
static enum hearth_code make_key(struct coordinator *coordinator, const struct meta_tenant *tenant,
    const struct wire_key_create_request *in, struct arena *arena, struct meta_access_key *out,
    struct hearth_err *err)
{
    struct access_key key;
    uint8_t sealed[ACCESS_KEY_SEALED_SIZE];
    access_key_draw(coordinator->env, &key);
    access_key_seal(&key, coordinator->cluster->master, meta_id_view(&tenant->id), sealed);
    const struct meta_access_key row = {
        .id = view_text(key.id),
        .tenant = tenant->id,
        .secret_sealed = view_of(sealed, sizeof(sealed)),
        .rights = in->rights,
    };
    enum hearth_code code =
        meta_access_key_create(coordinator->store, &row, service_id(in->token), arena, out, err);
    crypto_wipe(&key, sizeof(key));
    return code;
}

static enum hearth_code key_create(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_key_create_request *in = request;
    struct wire_key_create_reply *out = response;
    struct meta_tenant tenant;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        meta_tenant_named(coordinator->store, in->tenant, context->arena, &tenant, err) !=
            HEARTH_OK) {
        return err->code;
    }
    if (in->rights == 0 || (in->rights & ~(uint64_t)SERVICE_ALL) != 0) {
        return hearth_fail(
            err, HEARTH_INVALID, "rights %" PRIu64 ": of the bits 1, 2 and 4, some", in->rights);
    }
    struct meta_access_key key;
    uint8_t secret[ACCESS_KEY_SECRET_SIZE];
    if (make_key(coordinator, &tenant, in, context->arena, &key, err) != HEARTH_OK ||
        access_key_open(key.id, key.secret_sealed, coordinator->cluster->master,
            meta_id_view(&tenant.id), secret, err) != HEARTH_OK) {
        return err->code;
    }
    out->access_key = key.id;
    out->secret = service_copy(context->arena, secret, sizeof(secret));
    crypto_wipe(secret, sizeof(secret));
    log_write(LOG_ACCESS_KEY_MADE, "by=%s", context->peer.id_text);
    return HEARTH_OK;
}

static enum hearth_code key_list(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    struct wire_key_list_reply *out = response;
    struct meta_tenant tenant;
    struct meta_page_of page;
    struct meta_access_key_list list;
    if (find_page(coordinator, context, request, &tenant, &page, err) != HEARTH_OK ||
        meta_access_key_list(coordinator->store, &page, context->arena, &list, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_key_info *keys = arena_take_array(context->arena, list.count, sizeof(*keys));
    if (keys == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu access keys", list.count);
    }
    for (size_t i = 0; i < list.count; i++) {
        keys[i] = (struct wire_key_info){
            .access_key = list.keys[i].id,
            .tenant = list.keys[i].tenant_name,
            .rights = list.keys[i].rights,
            .created_unix_ms = list.keys[i].created_ms,
        };
    }
    out->keys = keys;
    out->keys_count = list.count;
    return HEARTH_OK;
}

static enum hearth_code key_revoke(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)response;
    struct coordinator *coordinator = service;
    const struct wire_key_revoke_request *in = request;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        meta_access_key_delete(coordinator->store, in->access_key, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_ACCESS_KEY_REVOKED, "by=%s", context->peer.id_text);
    return HEARTH_OK;
}

/* ---- buckets ---- */

static enum hearth_code usage_to_wire(const struct meta_bucket_usage *usage, struct arena *arena,
    struct wire_bucket_usage *out, struct hearth_err *err)
{
    const struct meta_bucket_settings *settings = &usage->bucket.settings;
    struct wire_bucket_settings *wire = arena_take(arena, sizeof(*wire));
    if (wire == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "describe bucket");
    }
    *wire = (struct wire_bucket_settings){
        .profile = view_text(profile_by_number(settings->profile)->name),
        .public_read = settings->public_read,
        .quota_bytes = settings->quota_bytes,
        .quota_objects = settings->quota_objects,
    };
    *out = (struct wire_bucket_usage){
        .bucket = usage->bucket.name,
        .tenant = usage->tenant_name,
        .created_unix_ms = usage->bucket.created_ms,
        .settings = wire,
        .objects = usage->usage.objects,
        .bytes = usage->usage.bytes,
        .is_reserved = usage->bucket.key_version == 0,
    };
    return HEARTH_OK;
}

static enum hearth_code answer_with(struct coordinator *coordinator,
    const struct rpc_context *context, struct view name, struct wire_bucket_usage *out,
    struct hearth_err *err)
{
    struct meta_bucket_usage usage;
    log_write(LOG_BUCKET_DECIDED, "by=%s", context->peer.id_text);
    enum hearth_code code =
        meta_bucket_usage_get(coordinator->store, name, context->arena, &usage, err);
    return code == HEARTH_OK ? usage_to_wire(&usage, context->arena, out, err) : code;
}

/* An operator may know that his fleet grows, but with fewer than n nodes nothing is ever whole. */
static enum hearth_code check_named(struct coordinator *coordinator,
    const struct wire_bucket_settings *in, struct arena *arena, struct hearth_err *err)
{
    const struct profile *profile = profile_by_name(in->profile);
    return in->profile.size == 0 || profile == NULL
        ? HEARTH_OK
        : service_fleet_carries(coordinator, profile, profile->n, arena, err);
}

/* No profile named: `otherwise`, the cluster's. */
static enum hearth_code settings_from_wire(const struct wire_bucket_settings *in,
    const struct profile *otherwise, struct meta_bucket_settings *out, struct hearth_err *err)
{
    const struct profile *profile =
        in->profile.size == 0 ? otherwise : profile_by_name(in->profile);
    if (profile == NULL) {
        return hearth_fail(
            err, HEARTH_NOT_FOUND, "no profile is called \"%.*s\"", VIEW_ARGS(in->profile));
    }
    *out = (struct meta_bucket_settings){
        .profile = profile->number,
        .public_read = in->public_read,
        .quota_bytes = in->quota_bytes,
        .quota_objects = in->quota_objects,
    };
    return HEARTH_OK;
}

static enum hearth_code bucket_reserve(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_bucket_reserve_request *in = request;
    struct meta_tenant tenant;
    struct meta_bucket_settings settings;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        meta_tenant_named(coordinator->store, in->tenant, context->arena, &tenant, err) !=
            HEARTH_OK ||
        settings_from_wire(in->settings, coordinator->profile, &settings, err) != HEARTH_OK ||
        check_named(coordinator, in->settings, context->arena, err) != HEARTH_OK ||
        meta_bucket_reserve(coordinator->store, in->bucket, tenant.id, &settings, err) !=
            HEARTH_OK) {
        return err->code;
    }
    return answer_with(coordinator, context, in->bucket, response, err);
}

static enum hearth_code bucket_set(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    static_assert((int)META_SET_PROFILE == (int)WIRE_SET_PROFILE &&
            (int)META_SET_PUBLIC_READ == (int)WIRE_SET_PUBLIC_READ &&
            (int)META_SET_QUOTA_BYTES == (int)WIRE_SET_QUOTA_BYTES &&
            (int)META_SET_QUOTA_OBJECTS == (int)WIRE_SET_QUOTA_OBJECTS,
        "the same bits on the wire");
    struct coordinator *coordinator = service;
    const struct wire_bucket_set_request *in = request;
    struct meta_bucket_settings settings;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        settings_from_wire(in->settings, coordinator->profile, &settings, err) != HEARTH_OK ||
        ((in->changes & WIRE_SET_PROFILE) != 0 &&
            check_named(coordinator, in->settings, context->arena, err) != HEARTH_OK) ||
        meta_bucket_set(coordinator->store, in->bucket, &settings, in->changes, err) != HEARTH_OK) {
        return err->code;
    }
    return answer_with(coordinator, context, in->bucket, response, err);
}

static enum hearth_code bucket_usages(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    struct wire_bucket_usages_reply *out = response;
    struct meta_tenant tenant;
    struct meta_page_of page;
    struct meta_bucket_usages list;
    if (find_page(coordinator, context, request, &tenant, &page, err) != HEARTH_OK ||
        meta_bucket_usages(coordinator->store, &page, context->arena, &list, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_bucket_usage *buckets =
        arena_take_array(context->arena, list.count, sizeof(*buckets));
    if (buckets == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu buckets", list.count);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (usage_to_wire(&list.buckets[i], context->arena, &buckets[i], err) != HEARTH_OK) {
            return err->code;
        }
    }
    out->buckets = buckets;
    out->buckets_count = list.count;
    return HEARTH_OK;
}

const struct rpc_handler account_handlers[] = {
    {.method = RPC_TENANT_CREATE, .unary = tenant_create},
    {.method = RPC_TENANT_LIST, .unary = tenant_list},
    {.method = RPC_KEY_CREATE, .unary = key_create},
    {.method = RPC_KEY_LIST, .unary = key_list},
    {.method = RPC_KEY_REVOKE, .unary = key_revoke},
    {.method = RPC_BUCKET_RESERVE, .unary = bucket_reserve},
    {.method = RPC_BUCKET_USAGES, .unary = bucket_usages},
    {.method = RPC_BUCKET_SET, .unary = bucket_set},
};
const unsigned account_handler_count = sizeof(account_handlers) / sizeof(account_handlers[0]);
