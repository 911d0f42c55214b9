/*
 * Outcomes of calls, by token (D4), see meta_inside.h.
 */
#include "coordinator/meta/meta_inside.h"

#include "common/codec.h"
#include "common/crypto.h"

#include <assert.h>

enum { SUBJECT_SIZE = 16, INFO_FORMAT = 1 };

/* Fixed-size digest of (call, where, what); `where` has one size per call, so nothing runs over. */
static void digest_of(const struct meta_subject *subject, uint8_t digest[CRYPTO_SHA256_SIZE])
{
    const uint8_t call = (uint8_t)subject->call;
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    crypto_hash_update(hash, view_of(&call, 1));
    crypto_hash_update(hash, subject->where);
    crypto_hash_update(hash, subject->what);
    crypto_hash_final(hash, digest);
    crypto_hash_destroy(hash);
}

enum hearth_code meta_outcome_find_in(struct meta_tx *tx, const struct meta_id *token,
    const struct meta_subject *subject, struct view *result, bool *found, struct hearth_err *err)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    struct sql *sql = sql_use(tx, SQL_OUTCOME_GET);
    sql_set_id(sql, ":token", token);
    *found = sql_step(sql);
    if (!*found) {
        return HEARTH_OK;
    }
    digest_of(subject, digest);
    if (!view_equal(sql_blob(sql), view_of(digest, SUBJECT_SIZE))) {
        return hearth_fail(err, HEARTH_CONFLICT, "the token was used for another call");
    }
    *result = sql_blob(sql);
    return HEARTH_OK;
}

void meta_outcome_record_in(struct meta_tx *tx, const struct meta_id *token,
    const struct meta_subject *subject, struct view result, uint64_t keep_ms)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    digest_of(subject, digest);
    struct sql *sql = sql_use(tx, SQL_OUTCOME_INSERT);
    sql_set_id(sql, ":token", token);
    sql_set_blob(sql, ":subject", view_of(digest, SUBJECT_SIZE));
    sql_set_blob(sql, ":result", result);
    sql_set_u64(sql, ":expires", tx->now_ms + keep_ms);
    sql_run(sql);
}

void meta_info_encode(const struct meta_object_info *info, uint8_t bytes[META_INFO_SIZE])
{
    struct writer writer = writer_of(bytes, META_INFO_SIZE);
    writer_u8(&writer, INFO_FORMAT);
    writer_bytes(&writer, info->version.bytes, sizeof(info->version.bytes));
    writer_u64(&writer, info->size);
    writer_bytes(&writer, info->etag.bytes, sizeof(info->etag.bytes));
    writer_u32(&writer, info->parts);
    writer_u64(&writer, info->created_ms);
    assert(!writer.failed && writer.size == META_INFO_SIZE);
}

void meta_info_decode(struct meta_tx *tx, struct view bytes, struct meta_object_info *out)
{
    struct reader reader = reader_of(bytes);
    uint8_t format = reader_u8(&reader);
    reader_bytes(&reader, out->version.bytes, sizeof(out->version.bytes));
    out->size = reader_u64(&reader);
    reader_bytes(&reader, out->etag.bytes, sizeof(out->etag.bytes));
    out->parts = reader_u32(&reader);
    out->created_ms = reader_u64(&reader);
    if (format != INFO_FORMAT || !reader_at_end(&reader)) {
        sql_fail_damaged(tx, "recorded outcome");
    }
}
