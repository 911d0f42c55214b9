/*
 * Uploads in parts end (meta_upload.h): looked at, aborted, left alone too long, cleared away.
 */
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_upload.h"

enum { UPLOAD_OPEN = 1 };

/* ---- inside a transaction ---- */

uint32_t meta_part_read(struct meta_tx *tx, struct sql *sql, struct meta_version_row *out)
{
    *out = (struct meta_version_row){.extent_count = 0};
    env_random(tx->env, out->info.version.bytes, sizeof(out->info.version.bytes));
    uint32_t number = (uint32_t)sql_u64(sql);
    out->info.size = sql_u64(sql);
    sql_bytes(sql, out->info.etag.bytes, sizeof(out->info.etag.bytes));
    out->info.created_ms = sql_u64(sql);
    sql_id(sql, &out->body);
    out->extent_count = sql_u64(sql);
    return number;
}

enum hearth_code meta_upload_open_in(struct meta_tx *tx, const struct meta_id *upload,
    const struct meta_id *bucket, struct view key, struct hearth_err *err)
{
    struct meta_id owner = {{0}};
    struct sql *sql = sql_use(tx, SQL_UPLOAD_GET);
    sql_set_id(sql, ":upload", upload);
    if (sql_step(sql)) {
        sql_id(sql, &owner);
        bool is_of_key = view_equal(sql_blob(sql), key);
        if (is_of_key && meta_id_equal(owner, *bucket) && sql_u64(sql) == UPLOAD_OPEN) {
            return HEARTH_OK;
        }
    }
    return hearth_fail(err, HEARTH_NOT_FOUND, "no such upload is open");
}

struct view meta_upload_tags_in(
    struct meta_tx *tx, const struct meta_id *upload, uint8_t bytes[META_TAGS_MAX])
{
    struct sql *sql = sql_use(tx, SQL_UPLOAD_GET);
    sql_set_id(sql, ":upload", upload);
    if (!sql_step(sql)) {
        return view_of(NULL, 0);
    }
    sql_blob(sql); /* bucket */
    sql_blob(sql); /* key */
    sql_u64(sql);  /* state */
    sql_u64(sql);  /* bucket key version */
    sql_blob(sql); /* manifest */
    struct view tags = sql_blob(sql);
    if (tags.size > META_TAGS_MAX) {
        sql_fail_damaged(tx, "tags of an upload");
        return view_of(NULL, 0);
    }
    if (tags.size > 0) {
        memcpy(bytes, tags.bytes, tags.size);
    }
    return view_of(bytes, tags.size);
}

void meta_upload_end_in(
    struct meta_tx *tx, const struct meta_id *upload, const struct meta_id *bucket)
{
    struct sql *reserves = sql_use(tx, SQL_UPLOAD_RESERVES);
    sql_set_id(reserves, ":upload", upload);
    const struct meta_reserved reserved = {.objects = sql_value(reserves)};
    meta_quota_release_in(tx, bucket, upload, &reserved);
    struct sql *sum = sql_use(tx, SQL_PART_SUM);
    sql_set_id(sum, ":upload", upload);
    uint64_t bytes = sql_value(sum);
    if (bytes > 0) {
        meta_usage_add_in(tx, bucket, upload, 0, -(int64_t)bytes);
    }
    struct sql *sql = sql_use(tx, SQL_UPLOAD_END);
    sql_set_id(sql, ":upload", upload);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_run(sql);
}

/* ---- abort ---- */

struct abort_call {
    struct meta_id upload;
    struct meta_id bucket;
    struct view key;
};

static enum hearth_code abort_upload(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct abort_call *call = arg;
    enum hearth_code code = meta_upload_open_in(tx, &call->upload, &call->bucket, call->key, err);
    if (code == HEARTH_OK) {
        meta_upload_end_in(tx, &call->upload, &call->bucket);
    }
    return code;
}

enum hearth_code meta_upload_abort(struct meta_store *store, struct meta_id upload,
    struct meta_id bucket, struct view key, struct hearth_err *err)
{
    struct abort_call call = {.upload = upload, .bucket = bucket, .key = key};
    return meta_run(store, abort_upload, &call, err);
}

/* ---- garbage ---- */

/* The upload that is due. */
struct due_upload {
    struct meta_id id;
    uint64_t state;
    struct meta_id bucket;
    struct view key; /* in `key_bytes` */
    uint8_t key_bytes[META_KEY_MAX];
};

static bool next_due(struct meta_tx *tx, struct due_upload *out)
{
    struct sql *sql = sql_use(tx, SQL_UPLOAD_DUE);
    sql_set_u64(sql, ":now", tx->now_ms);
    if (!sql_step(sql)) {
        return false;
    }
    sql_id(sql, &out->id);
    out->state = sql_u64(sql);
    sql_id(sql, &out->bucket);
    struct view key = sql_blob(sql);
    if (key.size > sizeof(out->key_bytes)) {
        sql_fail_damaged(tx, "key of an upload");
        return false;
    }
    memcpy(out->key_bytes, key.bytes, key.size);
    out->key = view_of(out->key_bytes, key.size);
    return true;
}

struct part_batch {
    uint32_t numbers[META_GARBAGE_BATCH];
    struct meta_version_row rows[META_GARBAGE_BATCH];
    size_t count;
};

static void read_parts(struct meta_tx *tx, const struct meta_id *upload, struct part_batch *batch)
{
    batch->count = 0;
    struct sql *sql = sql_use(tx, SQL_PART_LIST);
    sql_set_id(sql, ":upload", upload);
    sql_set_u64(sql, ":after", 0);
    sql_set_u64(sql, ":max", META_GARBAGE_BATCH);
    while (batch->count < META_GARBAGE_BATCH && sql_step(sql)) {
        size_t i = batch->count++;
        batch->numbers[i] = meta_part_read(tx, sql, &batch->rows[i]);
    }
}

/* A batch of its parts, which nobody counts any more; with the last of them, itself. */
static size_t clear_upload(struct meta_tx *tx, const struct due_upload *upload)
{
    struct part_batch batch;
    read_parts(tx, &upload->id, &batch);
    for (size_t i = 0; i < batch.count; i++) {
        struct sql *sql = sql_use(tx, SQL_PART_DELETE);
        sql_set_id(sql, ":upload", &upload->id);
        sql_set_u64(sql, ":part", batch.numbers[i]);
        sql_run(sql);
        meta_doom_body_in(tx, &upload->bucket, upload->key, &batch.rows[i]);
    }
    if (batch.count < META_GARBAGE_BATCH) {
        struct sql *sql = sql_use(tx, SQL_UPLOAD_DELETE);
        sql_set_id(sql, ":upload", &upload->id);
        sql_run(sql);
    }
    return batch.count;
}

enum hearth_code meta_uploads_collect(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_garbage_report *report = arg;
    struct due_upload upload;
    report->uploads_ended = 0;
    report->parts_doomed = 0;
    while (report->uploads_ended + report->parts_doomed < META_GARBAGE_BATCH &&
        next_due(tx, &upload)) {
        if (upload.state == UPLOAD_OPEN) {
            meta_upload_end_in(tx, &upload.id, &upload.bucket);
        } else {
            report->parts_doomed += clear_upload(tx, &upload);
        }
        report->uploads_ended++;
    }
    return HEARTH_OK;
}
