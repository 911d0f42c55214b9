#include "perf/meta_segments.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_sql.h"

struct batch {
    const struct profile *profile;
    uint64_t first;
    uint64_t end;
    uint64_t count; /* of all segments */
};

static struct meta_id segment_id(uint64_t nth, uint64_t count)
{
    struct meta_id id = {{0}};
    uint64_t at = UINT64_MAX / count * nth + 1;
    for (unsigned i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(at >> (56 - 8 * i));
    }
    return id;
}

static size_t encode_holders(uint64_t nth, uint16_t n, uint8_t bytes[META_HOLDERS_SIZE_MAX])
{
    struct meta_holder holders[META_SLOTS_MAX];
    for (unsigned slot = 0; slot < n; slot++) {
        holders[slot] = (struct meta_holder){
            .node = (uint32_t)((nth * 7 + slot) % META_SEGMENTS_NODES) + 1, .p = 1};
    }
    return meta_holders_encode(holders, n, bytes);
}

static void insert_segment(struct meta_tx *tx, const struct batch *batch, uint64_t nth)
{
    const struct meta_id id = segment_id(nth, batch->count);
    const struct meta_id bucket = {{(uint8_t)(nth % META_SEGMENTS_BUCKETS)}};
    const uint8_t vk[META_VK_SIZE] = {1};
    uint8_t holders[META_HOLDERS_SIZE_MAX];
    struct sql *sql = sql_use(tx, SQL_SEGMENT_INSERT);
    sql_set_id(sql, ":segment", &id);
    sql_set_id(sql, ":bucket", &bucket);
    sql_set_u64(sql, ":profile", batch->profile->number);
    sql_set_u64(sql, ":codec", META_CODEC_RS_CAUCHY);
    sql_set_u64(sql, ":k", batch->profile->k);
    sql_set_u64(sql, ":n", batch->profile->n);
    sql_set_u64(sql, ":length", META_SEGMENT_SIZE_MAX);
    sql_set_blob(sql, ":vk", view_of(vk, sizeof(vk)));
    sql_set_u64(sql, ":last_p", 1);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_blob(
        sql, ":holders", view_of(holders, encode_holders(nth, batch->profile->n, holders)));
    sql_set_blob(sql, ":none", view_of(NULL, 0));
    sql_run(sql);
}

static enum hearth_code insert_batch(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct batch *batch = arg;
    for (uint64_t nth = batch->first; nth < batch->end; nth++) {
        insert_segment(tx, batch, nth);
    }
    return HEARTH_OK;
}

enum hearth_code meta_segments_make(
    struct meta_store *store, const struct profile *profile, uint64_t count, struct hearth_err *err)
{
    struct batch batch = {.profile = profile, .count = count};
    enum hearth_code code = HEARTH_OK;
    while (batch.end < count && code == HEARTH_OK) {
        uint64_t left = count - batch.end;
        batch.first = batch.end;
        batch.end = left < META_SEGMENTS_BATCH ? count : batch.first + META_SEGMENTS_BATCH;
        code = meta_run(store, insert_batch, &batch, err);
    }
    return code;
}
