/*
 * Buckets as they are (meta_bucket.h): one with its keys, a name, all of a tenant's.
 */
#include "coordinator/meta/meta_bucket.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"

struct get_call {
    struct view name;
    struct arena *arena;
    struct meta_bucket bucket;
};

/* Rotation rewraps and does not add; a bucket has few keys. */
enum { BUCKET_KEYS_MAX = 64 };

static void read_keys(struct meta_tx *tx, struct arena *arena, struct meta_bucket *out)
{
    struct meta_bucket_key *keys = meta_take(tx, arena, BUCKET_KEYS_MAX, sizeof(*keys));
    out->keys = keys;
    out->key_count = 0;
    struct sql *sql = sql_use(tx, SQL_BUCKET_KEY_LIST);
    sql_set_id(sql, ":bucket", &out->id);
    while (keys != NULL && sql_step(sql)) {
        if (out->key_count == BUCKET_KEYS_MAX) {
            sql_fail_damaged(tx, "number of bucket keys");
            return;
        }
        keys[out->key_count].version = (uint32_t)sql_u64(sql);
        keys[out->key_count].wrapped = meta_keep(tx, arena, sql_blob(sql));
        out->key_count++;
    }
}

static enum hearth_code get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct get_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_BUCKET_BY_NAME);
    sql_set_blob(sql, ":name", call->name);
    if (!sql_step(sql)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket");
    }
    meta_bucket_read_in(tx, call->arena, sql, &call->bucket);
    read_keys(tx, call->arena, &call->bucket);
    return HEARTH_OK;
}

enum hearth_code meta_bucket_get(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_bucket *out, struct hearth_err *err)
{
    struct get_call call = {.name = name, .arena = arena};
    enum hearth_code code = meta_read(store, get, &call, err);
    if (code == HEARTH_OK) {
        *out = call.bucket;
    }
    return code;
}

struct name_call {
    struct meta_id bucket;
    struct arena *arena;
    struct view name;
};

static enum hearth_code find_name(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct name_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_BUCKET_NAME);
    sql_set_id(sql, ":bucket", &call->bucket);
    if (!sql_step(sql)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket");
    }
    call->name = meta_keep(tx, call->arena, sql_blob(sql));
    return HEARTH_OK;
}

enum hearth_code meta_bucket_name(struct meta_store *store, struct meta_id bucket,
    struct arena *arena, struct view *out, struct hearth_err *err)
{
    struct name_call call = {.bucket = bucket, .arena = arena};
    enum hearth_code code = meta_read(store, find_name, &call, err);
    if (code == HEARTH_OK) {
        *out = call.name;
    }
    return code;
}

struct list_call {
    struct meta_id tenant;
    struct arena *arena;
    struct meta_bucket *buckets;
    size_t count;
};

static enum hearth_code list(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct list_call *call = arg;
    struct sql *count = sql_use(tx, SQL_BUCKET_COUNT);
    sql_set_id(count, ":tenant", &call->tenant);
    uint64_t capacity = sql_value(count);
    call->buckets = meta_take(tx, call->arena, capacity, sizeof(*call->buckets));
    call->count = 0;
    struct sql *sql = sql_use(tx, SQL_BUCKET_LIST_OF);
    sql_set_id(sql, ":tenant", &call->tenant);
    sql_set_blob(sql, ":after", (struct view){0});
    sql_set_u64(sql, ":max", capacity);
    while (call->buckets != NULL && sql_step(sql)) {
        meta_bucket_read_in(tx, call->arena, sql, &call->buckets[call->count++]);
    }
    return HEARTH_OK;
}

enum hearth_code meta_bucket_list(struct meta_store *store, struct meta_id tenant,
    struct arena *arena, struct meta_bucket_list *out, struct hearth_err *err)
{
    struct list_call call = {.tenant = tenant, .arena = arena};
    enum hearth_code code = meta_read(store, list, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_bucket_list){.buckets = call.buckets, .count = call.count};
    }
    return code;
}
