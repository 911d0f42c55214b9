/*
 * S3 access keys in the metadata (meta_account.h).
 */
#include "coordinator/meta/meta_account.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- one ---- */

static enum hearth_code insert(
    struct meta_tx *tx, const struct meta_access_key *key, struct hearth_err *err)
{
    struct sql *count = sql_use(tx, SQL_ACCESS_KEY_COUNT);
    sql_set_id(count, ":tenant", &key->tenant);
    if (sql_value(count) >= META_ACCESS_KEYS_MAX) {
        return hearth_fail(
            err, HEARTH_BUSY, "a tenant has at most %d access keys", META_ACCESS_KEYS_MAX);
    }
    struct sql *sql = sql_use(tx, SQL_ACCESS_KEY_INSERT);
    sql_set_blob(sql, ":access_key", key->id);
    sql_set_id(sql, ":tenant", &key->tenant);
    sql_set_blob(sql, ":secret_sealed", key->secret_sealed);
    sql_set_u64(sql, ":rights", key->rights);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_run(sql);
    return HEARTH_OK;
}

static enum hearth_code get_in(struct meta_tx *tx, struct view id, struct arena *arena,
    struct meta_access_key *out, struct hearth_err *err)
{
    struct sql *sql = sql_use(tx, SQL_ACCESS_KEY_GET);
    sql_set_blob(sql, ":access_key", id);
    if (!sql_step(sql)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such access key");
    }
    out->id = meta_keep(tx, arena, id);
    sql_id(sql, &out->tenant);
    out->secret_sealed = meta_keep(tx, arena, sql_blob(sql));
    out->rights = sql_u64(sql);
    out->created_ms = sql_u64(sql);
    return HEARTH_OK;
}

struct key_call {
    const struct meta_access_key *request; /* to be made, under this token */
    struct meta_id token;
    struct view id; /* to be looked at */
    struct arena *arena;
    struct meta_access_key key;
};

/* The outcome is the key's id. */
static enum hearth_code create(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct key_call *call = arg;
    const uint8_t rights[] = {(uint8_t)call->request->rights};
    const struct meta_subject subject = {META_CALL_KEY_CREATE, meta_id_view(&call->request->tenant),
        view_of(rights, sizeof(rights))};
    struct view made = call->request->id;
    bool found;
    if (meta_outcome_find_in(tx, &call->token, &subject, &made, &found, err) != HEARTH_OK) {
        return err->code;
    }
    if (!found) {
        if (insert(tx, call->request, err) != HEARTH_OK) {
            return err->code;
        }
        meta_outcome_record_in(tx, &call->token, &subject, made, META_OUTCOME_MS);
    }
    return get_in(tx, made, call->arena, &call->key, err);
}

enum hearth_code meta_access_key_create(struct meta_store *store, const struct meta_access_key *key,
    struct meta_id token, struct arena *arena, struct meta_access_key *out, struct hearth_err *err)
{
    assert(key->id.size > 0 && key->rights > 0 && key->rights <= UINT8_MAX);
    struct key_call call = {.request = key, .token = token, .arena = arena};
    enum hearth_code code = meta_run(store, create, &call, err);
    if (code == HEARTH_OK) {
        *out = call.key;
    }
    return code;
}

static enum hearth_code get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct key_call *call = arg;
    return get_in(tx, call->id, call->arena, &call->key, err);
}

enum hearth_code meta_access_key_get(struct meta_store *store, struct view id, struct arena *arena,
    struct meta_access_key *out, struct hearth_err *err)
{
    struct key_call call = {.id = id, .arena = arena};
    enum hearth_code code = meta_read(store, get, &call, err);
    if (code == HEARTH_OK) {
        *out = call.key;
    }
    return code;
}

static enum hearth_code delete_key(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct view *id = arg;
    struct sql *sql = sql_use(tx, SQL_ACCESS_KEY_DELETE);
    sql_set_blob(sql, ":access_key", *id);
    return sql_run(sql) > 0 ? HEARTH_OK : hearth_fail(err, HEARTH_NOT_FOUND, "no such access key");
}

enum hearth_code meta_access_key_delete(
    struct meta_store *store, struct view id, struct hearth_err *err)
{
    return meta_run(store, delete_key, &id, err);
}

/* ---- all ---- */

struct list_call {
    const struct meta_page_of *page;
    struct arena *arena;
    struct meta_access_key *keys;
    size_t count;
};

static enum hearth_code list(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct list_call *call = arg;
    call->count = 0;
    call->keys = meta_take(tx, call->arena, META_PAGE_MAX, sizeof(*call->keys));
    struct sql *sql = meta_page_use_in(tx, call->page, SQL_ACCESS_KEY_LIST, SQL_ACCESS_KEY_LIST_OF);
    while (call->keys != NULL && call->count < META_PAGE_MAX && sql_step(sql)) {
        struct meta_access_key *key = &call->keys[call->count++];
        key->id = meta_keep(tx, call->arena, sql_blob(sql));
        key->tenant_name = meta_keep(tx, call->arena, sql_blob(sql));
        key->rights = sql_u64(sql);
        key->created_ms = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_access_key_list(struct meta_store *store, const struct meta_page_of *page,
    struct arena *arena, struct meta_access_key_list *out, struct hearth_err *err)
{
    struct list_call call = {.page = page, .arena = arena};
    enum hearth_code code = meta_read(store, list, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_access_key_list){.keys = call.keys, .count = call.count};
    }
    return code;
}
