#include "coordinator/meta/meta_shipment.h"

#include "coordinator/meta/meta_inside.h"

struct bucket_call {
    uint32_t profile;
    struct meta_id bucket;
};

static struct view own_name(void)
{
    return view_text(META_SHIPMENT_BUCKET);
}

/* Its tenant has no root key: nobody ever brings one. */
static void ensure_tenant(struct meta_tx *tx, struct meta_id *tenant)
{
    struct sql *find = sql_use(tx, SQL_TENANT_BY_NAME);
    sql_set_blob(find, ":name", own_name());
    if (sql_step(find)) {
        sql_id(find, tenant);
        return;
    }
    env_random(tx->env, tenant->bytes, sizeof(tenant->bytes));
    struct sql *insert = sql_use(tx, SQL_TENANT_INSERT);
    sql_set_id(insert, ":tenant", tenant);
    sql_set_blob(insert, ":name", own_name());
    sql_set_blob(insert, ":root_key_id", view_of(NULL, 0));
    sql_set_u64(insert, ":now", tx->now_ms);
    sql_run(insert);
}

static void make_bucket(struct meta_tx *tx, struct bucket_call *call)
{
    struct meta_bucket bucket = {
        .name = own_name(), .key_version = 1, .settings = {.profile = call->profile}};
    ensure_tenant(tx, &bucket.tenant);
    env_random(tx->env, bucket.id.bytes, sizeof(bucket.id.bytes));
    meta_bucket_insert_in(tx, &bucket);
    call->bucket = bucket.id;
}

static enum hearth_code ensure_bucket(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct bucket_call *call = arg;
    struct meta_bucket known;
    if (!meta_bucket_named_in(tx, own_name(), &known)) {
        make_bucket(tx, call);
        return HEARTH_OK;
    }
    call->bucket = known.id;
    if (known.settings.profile != call->profile) {
        struct sql *set = sql_use(tx, SQL_BUCKET_SET);
        sql_set_u64(set, ":profile", call->profile);
        sql_set_u64(set, ":public_read", 0);
        sql_set_u64(set, ":quota_bytes", 0);
        sql_set_u64(set, ":quota_objects", 0);
        sql_set_id(set, ":bucket", &call->bucket);
        sql_run(set);
    }
    return HEARTH_OK;
}

enum hearth_code meta_shipment_bucket(
    struct meta_store *store, uint32_t profile, struct meta_id *bucket, struct hearth_err *err)
{
    struct bucket_call call = {.profile = profile};
    enum hearth_code code = meta_run(store, ensure_bucket, &call, err);
    if (code == HEARTH_OK) {
        *bucket = call.bucket;
    }
    return code;
}
