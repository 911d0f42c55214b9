/*
 * Intents: begun, looked at, ended (meta_object.h).
 */
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- inside a transaction ---- */

static bool read_intent(struct meta_tx *tx, struct sql *sql, struct meta_intent_row *out)
{
    if (!sql_step(sql)) {
        return false;
    }
    sql_id(sql, &out->id);
    sql_id(sql, &out->token);
    sql_id(sql, &out->tenant);
    sql_id(sql, &out->bucket);
    struct view key = sql_blob(sql);
    if (key.size > sizeof(out->key_bytes)) {
        sql_fail_damaged(tx, "intent key");
        return false;
    }
    memcpy(out->key_bytes, key.bytes, key.size);
    out->key = view_of(out->key_bytes, key.size);
    out->condition.kind = (enum meta_condition_kind)sql_u64(sql);
    sql_bytes(sql, out->condition.etag.bytes, sizeof(out->condition.etag.bytes));
    out->condition.parts = (uint32_t)sql_u64(sql);
    out->profile = (uint32_t)sql_u64(sql);
    out->state = (enum meta_intent_state)sql_u64(sql);
    out->expires_ms = sql_u64(sql);
    out->part = (struct meta_part){.number = (uint32_t)sql_u64(sql)};
    if (out->part.number > 0) {
        sql_id(sql, &out->part.upload);
    } else {
        sql_blob(sql);
    }
    out->reserved.bytes = sql_u64(sql);
    out->reserved.objects = sql_u64(sql);
    out->sealed_bytes = sql_u64(sql);
    return true;
}

bool meta_intent_in(struct meta_tx *tx, const struct meta_id *intent, struct meta_intent_row *out)
{
    struct sql *sql = sql_use(tx, SQL_INTENT_GET);
    sql_set_id(sql, ":intent", intent);
    return read_intent(tx, sql, out);
}

enum hearth_code meta_intent_open_in(struct meta_tx *tx, const struct meta_id *intent,
    struct meta_intent_row *out, struct hearth_err *err)
{
    if (!meta_intent_in(tx, intent, out)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such upload");
    }
    if (out->state == META_INTENT_COMMITTED) {
        return hearth_fail(err, HEARTH_EXPIRED, "the upload is complete");
    }
    if (out->state == META_INTENT_ABORTED) {
        return hearth_fail(err, HEARTH_EXPIRED, "the upload was aborted");
    }
    if (tx->now_ms >= out->expires_ms) {
        return hearth_fail(err, HEARTH_EXPIRED, "the upload took too long and has expired");
    }
    return HEARTH_OK;
}

void meta_intent_end_in(
    struct meta_tx *tx, const struct meta_intent_row *intent, enum meta_intent_state state)
{
    assert(state != META_INTENT_OPEN);
    struct sql *sql = sql_use(tx, SQL_INTENT_END);
    sql_set_id(sql, ":intent", &intent->id);
    sql_set_u64(sql, ":state", state);
    sql_set_u64(sql, ":now", tx->now_ms);
    if (sql_run(sql) == 1) {
        meta_quota_release_in(tx, &intent->bucket, &intent->token, &intent->reserved);
    }
}

/* ---- grown ---- */

static struct meta_growth growth_of(struct meta_tx *tx, const struct meta_intent_row *intent)
{
    struct meta_version_row newest;
    struct meta_growth growth = {.adds = intent->sealed_bytes};
    if (intent->part.number > 0) {
        return meta_part_growth_in(tx, &intent->part, intent->sealed_bytes);
    }
    bool found = meta_newest_in(tx, &intent->bucket, intent->key, &newest);
    meta_growth_replaces(&growth, found ? &newest : NULL);
    return growth;
}

enum hearth_code meta_intent_grow_in(
    struct meta_tx *tx, const struct meta_id *intent, uint64_t length, struct hearth_err *err)
{
    struct meta_intent_row row;
    struct meta_bucket_row bucket;
    if (meta_intent_open_in(tx, intent, &row, err) != HEARTH_OK ||
        meta_bucket_in(tx, &row.bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    if (bucket.quota_bytes == 0) {
        return HEARTH_OK;
    }
    row.sealed_bytes += length;
    const struct meta_growth growth = growth_of(tx, &row);
    if (meta_quota_extend_in(tx, &row.bucket, &bucket, &growth, &row.token, &row.reserved, err) !=
        HEARTH_OK) {
        return err->code;
    }
    struct sql *sql = sql_use(tx, SQL_INTENT_GROW);
    sql_set_id(sql, ":intent", intent);
    sql_set_u64(sql, ":sealed", row.sealed_bytes);
    sql_set_u64(sql, ":reserved", row.reserved.bytes);
    sql_run(sql);
    return HEARTH_OK;
}

/* ---- begin ---- */

static struct meta_intent intent_of(const struct meta_intent_row *row)
{
    return (struct meta_intent){.id = row->id,
        .bucket = row->bucket,
        .tenant = row->tenant,
        .profile = row->profile,
        .expires_ms = row->expires_ms};
}

/* In the order of time: intents come and go together, and lie together in their tree. */
static struct meta_id draw_id(struct meta_tx *tx)
{
    enum { TIME_SIZE = 6 };
    struct meta_id id;
    for (unsigned i = 0; i < TIME_SIZE; i++) {
        id.bytes[i] = (uint8_t)(tx->now_ms >> 8 * (TIME_SIZE - 1 - i));
    }
    env_random(tx->env, id.bytes + TIME_SIZE, sizeof(id.bytes) - TIME_SIZE);
    return id;
}

static void insert_intent(struct meta_tx *tx, const struct meta_begin *request,
    const struct meta_intent *intent, const struct meta_reserved *reserved)
{
    struct sql *sql = sql_use(tx, SQL_INTENT_INSERT);
    sql_set_id(sql, ":intent", &intent->id);
    sql_set_id(sql, ":token", &request->token);
    sql_set_id(sql, ":tenant", &intent->tenant);
    sql_set_id(sql, ":bucket", &request->bucket);
    sql_set_blob(sql, ":key", request->key);
    sql_set_u64(sql, ":condition_kind", request->condition.kind);
    sql_set_blob(sql, ":condition_etag",
        view_of(request->condition.etag.bytes, sizeof(request->condition.etag.bytes)));
    sql_set_u64(sql, ":condition_parts", request->condition.parts);
    sql_set_u64(sql, ":profile", intent->profile);
    sql_set_u64(sql, ":expires", intent->expires_ms);
    sql_set_u64(sql, ":part", request->part.number);
    sql_set_id(sql, ":upload", &request->part.upload);
    sql_set_u64(sql, ":reserved_bytes", reserved->bytes);
    sql_set_u64(sql, ":reserved_objects", reserved->objects);
    sql_run(sql);
}

struct begin_call {
    const struct meta_begin *request;
    struct meta_intent intent;
};

/* The same token again: the same intent. */
static enum hearth_code begin_again(const struct meta_begin *request,
    const struct meta_intent_row *row, struct meta_intent *out, struct hearth_err *err)
{
    if (!meta_id_equal(row->bucket, request->bucket) || !view_equal(row->key, request->key) ||
        row->part.number != request->part.number) {
        return hearth_fail(err, HEARTH_CONFLICT, "the token was used for another upload");
    }
    *out = intent_of(row);
    return HEARTH_OK;
}

/* Better now than after the bytes. */
static enum hearth_code check_target(struct meta_tx *tx, const struct meta_begin *request,
    struct meta_growth *growth, struct hearth_err *err)
{
    if (request->part.number > 0) {
        *growth = meta_part_growth_in(tx, &request->part, request->size_expected);
        return meta_upload_open_in(tx, &request->part.upload, &request->bucket, request->key, err);
    }
    struct meta_version_row row;
    const struct meta_version_row *newest =
        meta_newest_in(tx, &request->bucket, request->key, &row) ? &row : NULL;
    *growth = (struct meta_growth){.adds = request->size_expected};
    meta_growth_replaces(growth, newest);
    return meta_condition_check(&request->condition, newest, err);
}

static enum hearth_code begin(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct begin_call *call = arg;
    const struct meta_begin *request = call->request;
    struct meta_intent_row row;
    struct sql *find = sql_use(tx, SQL_INTENT_BY_TOKEN);
    sql_set_id(find, ":token", &request->token);
    if (read_intent(tx, find, &row)) {
        return begin_again(request, &row, &call->intent, err);
    }
    struct meta_bucket_row bucket;
    if (meta_bucket_in(tx, &request->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_growth growth;
    struct meta_reserved reserved;
    if (check_target(tx, request, &growth, err) != HEARTH_OK ||
        meta_quota_reserve_in(
            tx, &request->bucket, &bucket, &growth, &request->token, &reserved, err) != HEARTH_OK) {
        return err->code;
    }
    call->intent = (struct meta_intent){.bucket = request->bucket,
        .tenant = bucket.tenant,
        .profile = bucket.profile,
        .expires_ms = tx->now_ms + META_INTENT_MS};
    call->intent.id = draw_id(tx);
    insert_intent(tx, request, &call->intent, &reserved);
    return HEARTH_OK;
}

enum hearth_code meta_begin(struct meta_store *store, const struct meta_begin *request,
    struct meta_intent *out, struct hearth_err *err)
{
    if (meta_key_check(request->key, err) != HEARTH_OK) {
        return err->code;
    }
    struct begin_call call = {.request = request};
    enum hearth_code code = meta_run(store, begin, &call, err);
    if (code == HEARTH_OK) {
        *out = call.intent;
    }
    return code;
}

enum hearth_code meta_key_check(struct view key, struct hearth_err *err)
{
    if (key.size == 0 || key.size > META_KEY_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "a key has 1 to %d bytes", META_KEY_MAX);
    }
    return HEARTH_OK;
}

/* ---- get, abort ---- */

struct intent_call {
    struct meta_id id;
    struct meta_intent intent;
};

static enum hearth_code intent_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct intent_call *call = arg;
    struct meta_intent_row row;
    if (!meta_intent_in(tx, &call->id, &row)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such upload");
    }
    call->intent = intent_of(&row);
    return HEARTH_OK;
}

enum hearth_code meta_intent_get(struct meta_store *store, struct meta_id intent,
    struct meta_intent *out, struct hearth_err *err)
{
    struct intent_call call = {.id = intent};
    enum hearth_code code = meta_read(store, intent_get, &call, err);
    if (code == HEARTH_OK) {
        *out = call.intent;
    }
    return code;
}

static enum hearth_code abort_intent(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct meta_id *intent = arg;
    struct meta_intent_row row;
    if (!meta_intent_in(tx, intent, &row)) {
        return HEARTH_OK;
    }
    if (row.state == META_INTENT_COMMITTED) {
        return hearth_fail(err, HEARTH_CONFLICT, "abort: the upload is complete");
    }
    meta_intent_end_in(tx, &row, META_INTENT_ABORTED);
    return HEARTH_OK;
}

enum hearth_code meta_abort(struct meta_store *store, struct meta_id intent, struct hearth_err *err)
{
    return meta_run(store, abort_intent, &intent, err);
}
