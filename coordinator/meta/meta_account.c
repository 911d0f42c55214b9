/*
 * Tenants, and what an operator decides about buckets.
 */
#include "coordinator/meta/meta_account.h"

#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

struct sql *meta_page_use_in(struct meta_tx *tx, const struct meta_page_of *page,
    enum statement everybody, enum statement of_one)
{
    struct sql *sql = sql_use(tx, page->tenant == NULL ? everybody : of_one);
    if (page->tenant != NULL) {
        sql_set_id(sql, ":tenant", page->tenant);
    }
    sql_set_blob(sql, ":after", page->after);
    sql_set_u64(sql, ":max", META_PAGE_MAX);
    return sql;
}

/* ---- tenants ---- */

struct tenants_call {
    const struct meta_page_of *page;
    struct arena *arena;
    struct meta_tenant_usage *tenants;
    size_t count;
};

static enum hearth_code list_tenants(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct tenants_call *call = arg;
    call->count = 0;
    call->tenants = meta_take(tx, call->arena, META_PAGE_MAX, sizeof(*call->tenants));
    struct sql *sql = sql_use(tx, SQL_TENANT_LIST);
    sql_set_blob(sql, ":after", call->page->after);
    sql_set_u64(sql, ":max", META_PAGE_MAX);
    while (call->tenants != NULL && call->count < META_PAGE_MAX && sql_step(sql)) {
        struct meta_tenant_usage *tenant = &call->tenants[call->count++];
        sql_id(sql, &tenant->id);
        tenant->name = meta_keep(tx, call->arena, sql_blob(sql));
        tenant->created_ms = sql_u64(sql);
        tenant->buckets = sql_u64(sql);
        tenant->access_keys = sql_u64(sql);
        tenant->usage.objects = sql_u64(sql);
        tenant->usage.bytes = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_tenant_list(struct meta_store *store, const struct meta_page_of *page,
    struct arena *arena, struct meta_tenant_list *out, struct hearth_err *err)
{
    assert(page->tenant == NULL);
    struct tenants_call call = {.page = page, .arena = arena};
    enum hearth_code code = meta_read(store, list_tenants, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_tenant_list){.tenants = call.tenants, .count = call.count};
    }
    return code;
}

/* ---- buckets: reserved, changed ---- */

struct settings_call {
    struct view name;
    struct meta_id tenant;
    const struct meta_bucket_settings *settings;
    unsigned changes;
};

static enum hearth_code check_settings(
    const struct meta_bucket_settings *settings, struct hearth_err *err)
{
    if (settings->quota_bytes > INT64_MAX || settings->quota_objects > INT64_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "a quota is less than 8 EiB, or objects");
    }
    return HEARTH_OK;
}

static enum hearth_code reserve(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct settings_call *call = arg;
    struct meta_bucket known;
    if (meta_bucket_named_in(tx, call->name, &known)) {
        return meta_id_equal(known.tenant, call->tenant)
            ? hearth_fail(err, HEARTH_EXISTS, "the tenant has it already")
            : hearth_fail(err, HEARTH_EXISTS, "the bucket name is another tenant's");
    }
    if (meta_bucket_room_in(tx, &call->tenant, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_bucket bucket = {
        .name = call->name, .tenant = call->tenant, .settings = *call->settings};
    env_random(tx->env, bucket.id.bytes, sizeof(bucket.id.bytes));
    meta_bucket_insert_in(tx, &bucket);
    return HEARTH_OK;
}

enum hearth_code meta_bucket_reserve(struct meta_store *store, struct view name,
    struct meta_id tenant, const struct meta_bucket_settings *settings, struct hearth_err *err)
{
    assert(profile_by_number(settings->profile) != NULL);
    struct settings_call call = {.name = name, .tenant = tenant, .settings = settings};
    if (meta_bucket_name_check(name, err) != HEARTH_OK ||
        check_settings(settings, err) != HEARTH_OK) {
        return err->code;
    }
    return meta_run(store, reserve, &call, err);
}

static void apply(const struct settings_call *call, struct meta_bucket_settings *settings)
{
    if (call->changes & META_SET_PROFILE) {
        settings->profile = call->settings->profile;
    }
    if (call->changes & META_SET_PUBLIC_READ) {
        settings->public_read = call->settings->public_read;
    }
    if (call->changes & META_SET_QUOTA_BYTES) {
        settings->quota_bytes = call->settings->quota_bytes;
    }
    if (call->changes & META_SET_QUOTA_OBJECTS) {
        settings->quota_objects = call->settings->quota_objects;
    }
}

static enum hearth_code set(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct settings_call *call = arg;
    struct meta_bucket bucket;
    if (!meta_bucket_named_in(tx, call->name, &bucket)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket");
    }
    if (!meta_id_is_zero(call->tenant) && !meta_id_equal(call->tenant, bucket.tenant)) {
        return hearth_fail(err, HEARTH_DENIED, "the bucket is another tenant's");
    }
    apply(call, &bucket.settings);
    tx->changes_access = true;
    struct sql *sql = sql_use(tx, SQL_BUCKET_SET);
    sql_set_id(sql, ":bucket", &bucket.id);
    sql_set_u64(sql, ":profile", bucket.settings.profile);
    sql_set_u64(sql, ":public_read", bucket.settings.public_read);
    sql_set_u64(sql, ":quota_bytes", bucket.settings.quota_bytes);
    sql_set_u64(sql, ":quota_objects", bucket.settings.quota_objects);
    sql_run(sql);
    return HEARTH_OK;
}

enum hearth_code meta_bucket_set(struct meta_store *store, struct view name,
    const struct meta_bucket_settings *settings, unsigned changes, struct hearth_err *err)
{
    assert(!(changes & META_SET_PROFILE) || profile_by_number(settings->profile) != NULL);
    struct settings_call call = {.name = name, .settings = settings, .changes = changes};
    if (check_settings(settings, err) != HEARTH_OK) {
        return err->code;
    }
    return meta_run(store, set, &call, err);
}

enum hearth_code meta_bucket_set_public(struct meta_store *store, struct view name,
    struct meta_id tenant, bool public_read, struct hearth_err *err)
{
    assert(!meta_id_is_zero(tenant));
    const struct meta_bucket_settings settings = {.public_read = public_read};
    struct settings_call call = {
        .name = name, .tenant = tenant, .settings = &settings, .changes = META_SET_PUBLIC_READ};
    return meta_run(store, set, &call, err);
}

/* ---- buckets: listed with what they hold ---- */

struct usages_call {
    struct view name; /* of the one that is wanted */
    const struct meta_page_of *page;
    struct arena *arena;
    struct meta_bucket_usage *buckets;
    size_t count;
};

static enum hearth_code get_usage(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct usages_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_BUCKET_BY_NAME);
    sql_set_blob(sql, ":name", call->name);
    if (!sql_step(sql)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket");
    }
    struct meta_bucket_usage *out = call->buckets;
    meta_bucket_read_in(tx, call->arena, sql, &out->bucket);
    meta_usage_get_in(tx, &out->bucket.id, &out->usage);
    struct sql *tenant = sql_use(tx, SQL_TENANT_BY_ID);
    sql_set_id(tenant, ":tenant", &out->bucket.tenant);
    if (sql_step(tenant)) {
        sql_blob(tenant); /* id */
        out->tenant_name = meta_keep(tx, call->arena, sql_blob(tenant));
    }
    return HEARTH_OK;
}

enum hearth_code meta_bucket_usage_get(struct meta_store *store, struct view name,
    struct arena *arena, struct meta_bucket_usage *out, struct hearth_err *err)
{
    struct meta_bucket_usage found = {0};
    struct usages_call call = {.name = name, .arena = arena, .buckets = &found};
    enum hearth_code code = meta_read(store, get_usage, &call, err);
    if (code == HEARTH_OK) {
        *out = found;
    }
    return code;
}

static enum hearth_code list_usages(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct usages_call *call = arg;
    call->count = 0;
    call->buckets = meta_take(tx, call->arena, META_PAGE_MAX, sizeof(*call->buckets));
    struct sql *sql = meta_page_use_in(tx, call->page, SQL_BUCKET_LIST, SQL_BUCKET_LIST_OF);
    while (call->buckets != NULL && call->count < META_PAGE_MAX && sql_step(sql)) {
        struct meta_bucket_usage *bucket = &call->buckets[call->count++];
        meta_bucket_read_in(tx, call->arena, sql, &bucket->bucket);
        bucket->tenant_name = meta_keep(tx, call->arena, sql_blob(sql));
        meta_usage_get_in(tx, &bucket->bucket.id, &bucket->usage);
    }
    return HEARTH_OK;
}

enum hearth_code meta_bucket_usages(struct meta_store *store, const struct meta_page_of *page,
    struct arena *arena, struct meta_bucket_usages *out, struct hearth_err *err)
{
    struct usages_call call = {.page = page, .arena = arena};
    enum hearth_code code = meta_read(store, list_usages, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_bucket_usages){.buckets = call.buckets, .count = call.count};
    }
    return code;
}
