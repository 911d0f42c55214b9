/*
 * What buckets hold, what uploads under way have reserved, and what more may come (meta_inside.h).
 */
#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>
#include <inttypes.h>

enum { USAGE_LANES = 16 };

/* ---- what is there ---- */

static void use_lane(struct sql *sql, const struct meta_id *bucket, const struct meta_id *of)
{
    sql_set_id(sql, ":bucket", bucket);
    sql_set_u64(sql, ":lane", of->bytes[0] % USAGE_LANES);
}

void meta_usage_add_in(struct meta_tx *tx, const struct meta_id *bucket, const struct meta_id *body,
    int64_t objects, int64_t bytes)
{
    struct sql *sql = sql_use(tx, SQL_USAGE_ADD);
    use_lane(sql, bucket, body);
    sql_set_i64(sql, ":objects", objects);
    sql_set_i64(sql, ":bytes", bytes);
    sql_run(sql);
}

void meta_usage_get_in(struct meta_tx *tx, const struct meta_id *bucket, struct meta_usage *out)
{
    *out = (struct meta_usage){0};
    struct sql *sql = sql_use(tx, SQL_USAGE_GET);
    sql_set_id(sql, ":bucket", bucket);
    if (sql_step(sql)) {
        out->bytes = sql_u64(sql);
        out->objects = sql_u64(sql);
        out->reserved_bytes = sql_u64(sql);
        out->reserved_objects = sql_u64(sql);
    }
}

struct usage_call {
    struct meta_id bucket;
    struct meta_usage usage;
};

static enum hearth_code usage(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct usage_call *call = arg;
    meta_usage_get_in(tx, &call->bucket, &call->usage);
    return HEARTH_OK;
}

enum hearth_code meta_bucket_usage(
    struct meta_store *store, struct meta_id bucket, struct meta_usage *out, struct hearth_err *err)
{
    struct usage_call call = {.bucket = bucket};
    enum hearth_code code = meta_read(store, usage, &call, err);
    if (code == HEARTH_OK) {
        *out = call.usage;
    }
    return code;
}

/* ---- what would come ---- */

void meta_growth_replaces(struct meta_growth *growth, const struct meta_version_row *newest)
{
    growth->replaces = newest != NULL ? newest->info.size : 0;
    growth->adds_object = newest == NULL;
}

static uint64_t growth_bytes(const struct meta_growth *growth)
{
    return growth->adds > growth->replaces ? growth->adds - growth->replaces : 0;
}

static enum hearth_code check_bytes(
    const struct meta_usage *now, uint64_t quota, uint64_t more, struct hearth_err *err)
{
    uint64_t taken = now->bytes + now->reserved_bytes;
    uint64_t left = quota > taken ? quota - taken : 0;
    return more <= left
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_QUOTA,
              "%" PRIu64 " bytes more than the %" PRIu64 " there are and the %" PRIu64
              " of uploads under way would pass the bucket's quota of %" PRIu64,
              more, now->bytes, now->reserved_bytes, quota);
}

static enum hearth_code check_objects(
    const struct meta_usage *now, uint64_t quota, struct hearth_err *err)
{
    return now->objects + now->reserved_objects < quota
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_QUOTA,
              "the bucket's quota is %" PRIu64 " objects: %" PRIu64 " are there, %" PRIu64
              " under way",
              quota, now->objects, now->reserved_objects);
}

enum hearth_code meta_quota_check_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_bucket_row *row, const struct meta_growth *growth, struct hearth_err *err)
{
    if (row->quota_bytes == 0 && row->quota_objects == 0) {
        return HEARTH_OK;
    }
    struct meta_usage now;
    meta_usage_get_in(tx, bucket, &now);
    enum hearth_code code = HEARTH_OK;
    if (row->quota_bytes > 0) {
        code = check_bytes(&now, row->quota_bytes, growth_bytes(growth), err);
    }
    if (code == HEARTH_OK && row->quota_objects > 0 && growth->adds_object) {
        code = check_objects(&now, row->quota_objects, err);
    }
    return code;
}

/* ---- reserved ---- */

/* Of what is limited only: what a later quota limits, uploads of before have not reserved. */
static struct meta_reserved share_of(
    const struct meta_bucket_row *row, const struct meta_growth *growth)
{
    return (struct meta_reserved){
        .bytes = row->quota_bytes > 0 ? growth_bytes(growth) : 0,
        .objects = row->quota_objects > 0 && growth->adds_object,
    };
}

static void change_reserved(struct meta_tx *tx, enum statement change, const struct meta_id *bucket,
    const struct meta_id *by, const struct meta_reserved *share)
{
    if (share->bytes > 0 || share->objects > 0) {
        struct sql *sql = sql_use(tx, change);
        use_lane(sql, bucket, by);
        sql_set_u64(sql, ":objects", share->objects);
        sql_set_u64(sql, ":bytes", share->bytes);
        sql_run(sql);
    }
}

enum hearth_code meta_quota_reserve_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_bucket_row *row, const struct meta_growth *growth, const struct meta_id *by,
    struct meta_reserved *out, struct hearth_err *err)
{
    if (meta_quota_check_in(tx, bucket, row, growth, err) != HEARTH_OK) {
        return err->code;
    }
    *out = share_of(row, growth);
    change_reserved(tx, SQL_USAGE_RESERVE, bucket, by, out);
    return HEARTH_OK;
}

enum hearth_code meta_quota_extend_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_bucket_row *row, const struct meta_growth *growth, const struct meta_id *by,
    struct meta_reserved *reserved, struct hearth_err *err)
{
    struct meta_usage now;
    const uint64_t wanted = growth_bytes(growth);
    if (wanted <= reserved->bytes) {
        return HEARTH_OK;
    }
    const struct meta_reserved more = {.bytes = wanted - reserved->bytes};
    meta_usage_get_in(tx, bucket, &now);
    if (check_bytes(&now, row->quota_bytes, more.bytes, err) != HEARTH_OK) {
        return err->code;
    }
    change_reserved(tx, SQL_USAGE_RESERVE, bucket, by, &more);
    reserved->bytes = wanted;
    return HEARTH_OK;
}

void meta_quota_release_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_id *by, const struct meta_reserved *share)
{
    change_reserved(tx, SQL_USAGE_RELEASE, bucket, by, share);
}
