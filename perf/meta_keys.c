#include "perf/meta_keys.h"

#include "coordinator/meta/meta_inside.h"

#include <inttypes.h>
#include <stdio.h>

struct batch {
    struct meta_id bucket;
    struct view manifest;
    uint64_t first;
    uint64_t end;
    uint64_t count; /* of all keys */
};

struct view meta_keys_at(uint64_t nth, uint64_t count, char text[META_KEYS_TEXT_SIZE])
{
    uint64_t folder = nth * META_KEYS_FOLDERS / count;
    int size = snprintf(text, META_KEYS_TEXT_SIZE, "%04" PRIu64 "/%09" PRIu64, folder, nth);
    return view_of(text, (size_t)size);
}

/* Ids of bodies ascend here, which random ones do not: the tree is as deep, and made faster. */
static struct meta_id body_id(uint64_t nth)
{
    struct meta_id id = {{0}};
    for (unsigned i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(nth >> (56 - 8 * i));
    }
    return id;
}

static void insert_body(struct meta_tx *tx, const struct batch *batch, const struct meta_id *body)
{
    struct sql *sql = sql_use(tx, SQL_BODY_INSERT);
    sql_set_id(sql, ":body", body);
    sql_set_u64(sql, ":bucket_key_version", 1);
    sql_set_blob(sql, ":manifest", batch->manifest);
    sql_set_blob(sql, ":extents", view_of(NULL, 0));
    sql_run(sql);
}

static void insert_key(struct meta_tx *tx, const struct batch *batch, uint64_t nth)
{
    char text[META_KEYS_TEXT_SIZE];
    const struct meta_id body = body_id(nth);
    const struct meta_etag etag = {{0}};
    insert_body(tx, batch, &body);
    struct sql *sql = sql_use(tx, SQL_VERSION_INSERT);
    sql_set_id(sql, ":bucket", &batch->bucket);
    sql_set_blob(sql, ":key", meta_keys_at(nth, batch->count, text));
    sql_set_blob(sql, ":version", meta_id_view(&body)); /* as long, and as good here */
    sql_set_u64(sql, ":size", batch->manifest.size);
    sql_set_blob(sql, ":etag", view_of(etag.bytes, sizeof(etag.bytes)));
    sql_set_u64(sql, ":parts", 0);
    sql_set_u64(sql, ":created", tx->now_ms);
    sql_set_id(sql, ":body", &body);
    sql_set_u64(sql, ":extent_count", 0);
    sql_set_blob(sql, ":tags", view_of(NULL, 0));
    sql_run(sql);
}

static enum hearth_code insert_batch(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct batch *batch = arg;
    for (uint64_t nth = batch->first; nth < batch->end; nth++) {
        insert_key(tx, batch, nth);
    }
    uint64_t made = batch->end - batch->first;
    const struct meta_id body = body_id(batch->first);
    meta_usage_add_in(
        tx, &batch->bucket, &body, (int64_t)made, (int64_t)(made * batch->manifest.size));
    return HEARTH_OK;
}

enum hearth_code meta_keys_make(struct meta_store *store, struct meta_id bucket, uint64_t count,
    struct view manifest, struct hearth_err *err)
{
    struct batch batch = {.bucket = bucket, .manifest = manifest, .count = count};
    enum hearth_code code = HEARTH_OK;
    while (batch.end < count && code == HEARTH_OK) {
        batch.first = batch.end;
        batch.end = count - batch.first < META_KEYS_BATCH ? count : batch.first + META_KEYS_BATCH;
        code = meta_run(store, insert_batch, &batch, err);
    }
    return code;
}
