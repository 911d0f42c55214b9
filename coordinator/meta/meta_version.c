/*
 * Versions of a key: found, made visible, unlinked (meta_inside.h).
 */
#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

#include "common/cleanup.h"

#include <assert.h>

/* ---- finding ---- */

bool meta_version_read_in(struct sql *sql, struct meta_version_row *out)
{
    if (!sql_step(sql)) {
        return false;
    }
    sql_bytes(sql, out->info.version.bytes, sizeof(out->info.version.bytes));
    out->info.size = sql_u64(sql);
    sql_bytes(sql, out->info.etag.bytes, sizeof(out->info.etag.bytes));
    out->info.parts = (uint32_t)sql_u64(sql);
    out->info.created_ms = sql_u64(sql);
    sql_id(sql, &out->body);
    out->extent_count = sql_u64(sql);
    return true;
}

bool meta_newest_in(
    struct meta_tx *tx, const struct meta_id *bucket, struct view key, struct meta_version_row *out)
{
    struct sql *sql = sql_use(tx, SQL_VERSION_NEWEST);
    sql_set_id(sql, ":bucket", bucket);
    sql_set_blob(sql, ":key", key);
    return meta_version_read_in(sql, out);
}

bool meta_version_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version *version, bool also_doomed, struct meta_version_row *out)
{
    static const enum statement statements[] = {SQL_VERSION_GET, SQL_VERSION_GET_DOOMED};
    bool found = false;
    for (size_t i = 0; i < (also_doomed ? 2 : 1) && !found; i++) {
        struct sql *sql = sql_use(tx, statements[i]);
        sql_set_id(sql, ":bucket", bucket);
        sql_set_blob(sql, ":key", key);
        sql_set_blob(sql, ":version", view_of(version->bytes, sizeof(version->bytes)));
        if (i == 1) {
            const uint64_t grace_ms = meta_read_grace_ms(tx);
            sql_set_u64(sql, ":since", tx->now_ms > grace_ms ? tx->now_ms - grace_ms : 0);
        }
        found = meta_version_read_in(sql, out);
    }
    return found;
}

enum hearth_code meta_condition_check(const struct meta_condition *condition,
    const struct meta_version_row *newest, struct hearth_err *err)
{
    bool needs_one =
        condition->kind == META_CONDITION_EXISTS || condition->kind == META_CONDITION_ETAG;
    if (needs_one && newest == NULL) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such key, and it was to exist");
    }
    if (condition->kind == META_CONDITION_ABSENT && newest != NULL) {
        return hearth_fail(err, HEARTH_PRECONDITION, "the key exists");
    }
    if (condition->kind == META_CONDITION_ETAG &&
        (memcmp(&condition->etag, &newest->info.etag, sizeof(condition->etag)) != 0 ||
            condition->parts != newest->info.parts)) {
        return hearth_fail(err, HEARTH_PRECONDITION, "the key has another ETag");
    }
    return HEARTH_OK;
}

/* ---- making ---- */

static uint64_t read_big_endian(const uint8_t bytes[8])
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void write_big_endian(uint64_t value, uint8_t bytes[8])
{
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

/* Microseconds, counted down so that ascending is newest first; always newer than `newest`. */
static struct meta_version next_version(struct meta_tx *tx, const struct meta_version_row *newest)
{
    struct meta_version version;
    uint64_t countdown = UINT64_MAX - tx->now_ms * 1000;
    if (newest != NULL) {
        uint64_t before = read_big_endian(newest->info.version.bytes);
        countdown = countdown < before ? countdown : before - 1;
    }
    write_big_endian(countdown, version.bytes);
    env_random(tx->env, version.bytes + 8, sizeof(version.bytes) - 8);
    return version;
}

enum hearth_code meta_body_insert_in(
    struct meta_tx *tx, const struct meta_body *body, struct hearth_err *err)
{
    FREES uint8_t *extents = malloc(meta_extents_size(body->extent_count));
    if (extents == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu extents", body->extent_count);
    }
    meta_extents_encode(body->extents, body->extent_count, extents);
    struct sql *sql = sql_use(tx, SQL_BODY_INSERT);
    sql_set_id(sql, ":body", &body->id);
    sql_set_u64(sql, ":bucket_key_version", body->bucket_key_version);
    sql_set_blob(sql, ":manifest", body->manifest);
    sql_set_blob(sql, ":extents", view_of(extents, meta_extents_size(body->extent_count)));
    return sql_run(sql) == 1 ? HEARTH_OK
                             : hearth_fail(err, HEARTH_CONFLICT, "the body id is in use");
}

static void insert_version(struct meta_tx *tx, const struct meta_target *target,
    const struct meta_body *body, const struct meta_object_info *info)
{
    struct sql *sql = sql_use(tx, SQL_VERSION_INSERT);
    sql_set_id(sql, ":bucket", target->bucket);
    sql_set_blob(sql, ":key", target->key);
    sql_set_blob(sql, ":version", view_of(info->version.bytes, sizeof(info->version.bytes)));
    sql_set_u64(sql, ":size", info->size);
    sql_set_blob(sql, ":etag", view_of(info->etag.bytes, sizeof(info->etag.bytes)));
    sql_set_u64(sql, ":parts", info->parts);
    sql_set_u64(sql, ":created", info->created_ms);
    sql_set_id(sql, ":body", &body->id);
    sql_set_u64(sql, ":extent_count", body->extent_count);
    sql_set_blob(sql, ":tags", body->tags);
    sql_run(sql);
}

static struct meta_subject subject_of(const struct meta_target *target)
{
    return (struct meta_subject){target->call, meta_id_view(target->bucket), target->key};
}

enum hearth_code meta_target_resolve_in(struct meta_tx *tx, const struct meta_target *target,
    struct meta_object_info *out, bool *found, struct hearth_err *err)
{
    struct view result;
    const struct meta_subject subject = subject_of(target);
    enum hearth_code code = meta_outcome_find_in(tx, target->token, &subject, &result, found, err);
    if (code == HEARTH_OK && *found) {
        meta_info_decode(tx, result, out);
    }
    return code;
}

void meta_target_record_in(
    struct meta_tx *tx, const struct meta_target *target, const struct meta_object_info *info)
{
    uint8_t result[META_INFO_SIZE];
    const struct meta_subject subject = subject_of(target);
    meta_info_encode(info, result);
    meta_outcome_record_in(
        tx, target->token, &subject, view_of(result, sizeof(result)), target->keep_ms);
}

enum hearth_code meta_key_version_check(
    const struct meta_bucket_row *bucket, uint32_t version, struct hearth_err *err)
{
    return version > 0 && version <= bucket->key_version
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_WRONG_KEY, "the bucket has no key version %u", version);
}

enum hearth_code meta_publish_in(struct meta_tx *tx, const struct meta_target *target,
    const struct meta_body *body, struct meta_object_info *out, struct hearth_err *err)
{
    if (target->part.number > 0) {
        return meta_part_publish_in(tx, target, body, out, err);
    }
    struct meta_version_row row;
    const struct meta_version_row *newest =
        meta_newest_in(tx, target->bucket, target->key, &row) ? &row : NULL;
    /* Bytes of an upload in parts are counted since its parts came: it adds none, also where the
     * quota has become smaller than what is there. */
    struct meta_growth growth = {.adds = target->call == META_CALL_COMPLETE ? 0 : body->size};
    meta_growth_replaces(&growth, newest);
    if (meta_key_version_check(target->bucket_row, body->bucket_key_version, err) != HEARTH_OK ||
        meta_condition_check(target->condition, newest, err) != HEARTH_OK ||
        meta_quota_check_in(tx, target->bucket, target->bucket_row, &growth, err) != HEARTH_OK ||
        meta_body_insert_in(tx, body, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_object_info info = {
        .version = next_version(tx, newest),
        .size = body->size,
        .etag = body->etag,
        .parts = body->parts,
        .created_ms = tx->now_ms,
    };
    if (newest != NULL) {
        meta_doom_in(tx, target->bucket, target->key, newest);
    }
    insert_version(tx, target, body, &info);
    meta_usage_add_in(tx, target->bucket, &body->id, 1, (int64_t)body->size);
    meta_target_record_in(tx, target, &info);
    *out = info;
    return HEARTH_OK;
}

/* ---- unlinking ---- */

static void delete_version(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version *version)
{
    struct sql *sql = sql_use(tx, SQL_VERSION_DELETE);
    sql_set_id(sql, ":bucket", bucket);
    sql_set_blob(sql, ":key", key);
    sql_set_blob(sql, ":version", view_of(version->bytes, sizeof(version->bytes)));
    sql_run(sql);
}

/* How long it stays, and whether it can be undeleted meanwhile. */
struct doom {
    uint64_t due_ms;
    bool is_kept;
    struct view tags;
};

static void insert_doomed(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *row, const struct doom *doom)
{
    const struct meta_object_info *info = &row->info;
    struct sql *sql = sql_use(tx, SQL_DOOMED_INSERT);
    sql_set_id(sql, ":body", &row->body);
    sql_set_id(sql, ":bucket", bucket);
    sql_set_blob(sql, ":key", key);
    sql_set_blob(sql, ":version", view_of(info->version.bytes, sizeof(info->version.bytes)));
    sql_set_u64(sql, ":size", info->size);
    sql_set_blob(sql, ":etag", view_of(info->etag.bytes, sizeof(info->etag.bytes)));
    sql_set_u64(sql, ":parts", info->parts);
    sql_set_u64(sql, ":created", info->created_ms);
    sql_set_u64(sql, ":extent_count", row->extent_count);
    sql_set_u64(sql, ":due", doom->due_ms);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":is_kept", doom->is_kept);
    sql_set_blob(sql, ":tags", doom->tags);
    sql_run(sql);
}

/* Each segment that it names, by a statement about one segment. */
static void change_segments(
    struct meta_tx *tx, const struct meta_version_row *row, enum statement change)
{
    size_t count = 0;
    struct view extents = {0};
    struct sql *body = sql_use(tx, SQL_BODY_EXTENTS);
    sql_set_id(body, ":body", &row->body);
    if (sql_step(body)) {
        sql_u64(body); /* bucket key version */
        extents = sql_blob(body);
    }
    if (!meta_extents_count(extents, &count)) {
        sql_fail_damaged(tx, "extents");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct meta_extent extent = meta_extents_at(extents, i);
        struct sql *sql = sql_use(tx, change);
        sql_set_id(sql, ":segment", &extent.segment);
        sql_run(sql);
    }
}

/* Its segments are not repaired any more, unless others name them, too. */
static void doom_body(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *row, const struct doom *doom)
{
    if (meta_dooms_segments(row->extent_count)) {
        change_segments(tx, row, SQL_SEGMENT_DOOM);
    }
    if (row->extent_count > 0 || doom->is_kept) {
        insert_doomed(tx, bucket, key, row, doom);
    } else { /* inline: whoever has read it has all of it */
        struct sql *sql = sql_use(tx, SQL_BODY_DELETE);
        sql_set_id(sql, ":body", &row->body);
        sql_run(sql);
    }
}

void meta_doom_body_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *row)
{
    doom_body(tx, bucket, key, row, &(struct doom){.due_ms = tx->now_ms + meta_read_grace_ms(tx)});
}

/* Borrowed until they are asked for again. */
static struct view read_tags(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version *version)
{
    struct sql *sql = sql_use(tx, SQL_VERSION_TAGS);
    sql_set_id(sql, ":bucket", bucket);
    sql_set_blob(sql, ":key", key);
    sql_set_blob(sql, ":version", view_of(version->bytes, sizeof(version->bytes)));
    return sql_step(sql) ? sql_blob(sql) : view_of(NULL, 0);
}

void meta_doom_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *row)
{
    const uint64_t keep_ms = tx->keep_deleted_ms, grace_ms = meta_read_grace_ms(tx);
    const struct doom doom = {
        .due_ms = tx->now_ms + (keep_ms > grace_ms ? keep_ms : grace_ms),
        .is_kept = keep_ms > 0,
        .tags = read_tags(tx, bucket, key, &row->info.version),
    };
    doom_body(tx, bucket, key, row, &doom);
    delete_version(tx, bucket, key, &row->info.version);
    meta_usage_add_in(tx, bucket, &row->body, -1, -(int64_t)row->info.size);
}

/* ---- brought back ---- */

void meta_revive_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *newest, const struct meta_version_row *row, struct view tags,
    struct meta_object_info *out)
{
    *out = row->info;
    out->version = next_version(tx, newest);
    if (newest != NULL) {
        meta_doom_in(tx, bucket, key, newest);
    }
    if (meta_dooms_segments(row->extent_count)) {
        change_segments(tx, row, SQL_SEGMENT_SPARE);
    }
    const struct meta_target target = {.bucket = bucket, .key = key};
    const struct meta_body body = {
        .id = row->body, .extent_count = row->extent_count, .tags = tags};
    insert_version(tx, &target, &body, out);
    meta_usage_add_in(tx, bucket, &row->body, 1, (int64_t)row->info.size);
    struct sql *sql = sql_use(tx, SQL_DOOMED_DELETE);
    sql_set_id(sql, ":body", &row->body);
    sql_run(sql);
}
