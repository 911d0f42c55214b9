/*
 * Uploads in parts (meta_upload.h): made, added to, made one object.
 */
#include "coordinator/meta/meta_upload.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

#include "common/cleanup.h"

#include <assert.h>

/* ---- create ---- */

struct create_call {
    const struct meta_upload *request;
    uint64_t created_ms;
};

static void insert_upload(
    struct meta_tx *tx, const struct meta_upload *upload, const struct meta_reserved *reserved)
{
    struct sql *sql = sql_use(tx, SQL_UPLOAD_INSERT);
    sql_set_id(sql, ":upload", &upload->id);
    sql_set_id(sql, ":bucket", &upload->bucket);
    sql_set_blob(sql, ":key", upload->key);
    sql_set_u64(sql, ":bucket_key_version", upload->bucket_key_version);
    sql_set_blob(sql, ":manifest", upload->manifest);
    sql_set_blob(sql, ":tags", upload->tags);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":due", tx->now_ms + META_UPLOAD_IDLE_MS);
    sql_set_u64(sql, ":reserved_objects", reserved->objects);
    sql_run(sql);
}

/* Found again: not once more. */
static enum hearth_code reserve_and_insert(
    struct meta_tx *tx, const struct meta_upload *upload, struct hearth_err *err)
{
    struct meta_bucket_row bucket;
    struct meta_version_row newest;
    struct meta_reserved reserved;
    if (meta_bucket_in(tx, &upload->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    struct sql *sql = sql_use(tx, SQL_UPLOAD_GET);
    sql_set_id(sql, ":upload", &upload->id);
    if (sql_step(sql)) {
        return HEARTH_OK;
    }
    const struct meta_growth growth = {
        .adds_object = !meta_newest_in(tx, &upload->bucket, upload->key, &newest)};
    if (meta_quota_reserve_in(tx, &upload->bucket, &bucket, &growth, &upload->id, &reserved, err) !=
        HEARTH_OK) {
        return err->code;
    }
    insert_upload(tx, upload, &reserved);
    return HEARTH_OK;
}

static enum hearth_code create(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct create_call *call = arg;
    const struct meta_upload *request = call->request;
    if (reserve_and_insert(tx, request, err) != HEARTH_OK) {
        return err->code;
    }
    struct sql *sql = sql_use(tx, SQL_UPLOAD_GET);
    sql_set_id(sql, ":upload", &request->id);
    struct meta_id owner = {{0}};
    if (sql_step(sql)) {
        sql_id(sql, &owner);
    }
    if (!meta_id_equal(owner, request->bucket) || !view_equal(sql_blob(sql), request->key)) {
        return hearth_fail(err, HEARTH_CONFLICT, "the upload id was used for another key");
    }
    sql_u64(sql);  /* state */
    sql_u64(sql);  /* bucket key version */
    sql_blob(sql); /* manifest */
    sql_blob(sql); /* tags */
    call->created_ms = sql_u64(sql);
    return HEARTH_OK;
}

enum hearth_code meta_upload_create(struct meta_store *store, const struct meta_upload *request,
    uint64_t *created_ms, struct hearth_err *err)
{
    if (meta_key_check(request->key, err) != HEARTH_OK) {
        return err->code;
    }
    if (request->manifest.size == 0 || request->tags.size > META_TAGS_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "an upload has a manifest, and %d bytes of tags", META_TAGS_MAX);
    }
    struct create_call call = {.request = request};
    enum hearth_code code = meta_run(store, create, &call, err);
    if (code == HEARTH_OK) {
        *created_ms = call.created_ms;
    }
    return code;
}

/* ---- parts ---- */

/* The upload is open, and has something new: it is not abandoned. */
static enum hearth_code touch(
    struct meta_tx *tx, const struct meta_target *target, struct hearth_err *err)
{
    struct sql *sql = sql_use(tx, SQL_UPLOAD_TOUCH);
    sql_set_id(sql, ":upload", &target->part.upload);
    sql_set_id(sql, ":bucket", target->bucket);
    sql_set_blob(sql, ":key", target->key);
    sql_set_u64(sql, ":due", tx->now_ms + META_UPLOAD_IDLE_MS);
    return sql_run(sql) == 1 ? HEARTH_OK
                             : hearth_fail(err, HEARTH_NOT_FOUND, "no such upload is open");
}

/* False: there is none of that number. */
static bool part_in(struct meta_tx *tx, const struct meta_part *part, struct meta_version_row *out)
{
    struct sql *sql = sql_use(tx, SQL_PART_GET);
    sql_set_id(sql, ":upload", &part->upload);
    sql_set_u64(sql, ":part", part->number);
    if (!sql_step(sql)) {
        return false;
    }
    (void)meta_part_read(tx, sql, out);
    return true;
}

struct meta_growth meta_part_growth_in(
    struct meta_tx *tx, const struct meta_part *part, uint64_t size)
{
    struct meta_version_row old;
    return (struct meta_growth){
        .adds = size, .replaces = part_in(tx, part, &old) ? old.info.size : 0};
}

/* Dooms the part of that number, if there is one. */
static void replace_part(struct meta_tx *tx, const struct meta_target *target)
{
    struct meta_version_row old;
    if (!part_in(tx, &target->part, &old)) {
        return;
    }
    struct sql *delete = sql_use(tx, SQL_PART_DELETE);
    sql_set_id(delete, ":upload", &target->part.upload);
    sql_set_u64(delete, ":part", target->part.number);
    sql_run(delete);
    meta_doom_body_in(tx, target->bucket, target->key, &old);
    meta_usage_add_in(tx, target->bucket, &old.body, 0, -(int64_t)old.info.size);
}

static void insert_part(
    struct meta_tx *tx, const struct meta_target *target, const struct meta_body *body)
{
    struct sql *sql = sql_use(tx, SQL_PART_INSERT);
    sql_set_id(sql, ":upload", &target->part.upload);
    sql_set_u64(sql, ":part", target->part.number);
    sql_set_u64(sql, ":size", body->size);
    sql_set_blob(sql, ":etag", view_of(body->etag.bytes, sizeof(body->etag.bytes)));
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_id(sql, ":body", &body->id);
    sql_set_u64(sql, ":extent_count", body->extent_count);
    sql_run(sql);
}

static enum hearth_code check_part(
    const struct meta_target *target, const struct meta_body *body, struct hearth_err *err)
{
    if (target->part.number > META_PARTS_MAX || body->size > META_PART_SIZE_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "part %u of %ju bytes: at most %d, and 5 GiB",
            target->part.number, (uintmax_t)body->size, META_PARTS_MAX);
    }
    return HEARTH_OK;
}

enum hearth_code meta_part_publish_in(struct meta_tx *tx, const struct meta_target *target,
    const struct meta_body *body, struct meta_object_info *out, struct hearth_err *err)
{
    const struct meta_growth growth = meta_part_growth_in(tx, &target->part, body->size);
    if (check_part(target, body, err) != HEARTH_OK ||
        meta_quota_check_in(tx, target->bucket, target->bucket_row, &growth, err) != HEARTH_OK ||
        meta_key_version_check(target->bucket_row, body->bucket_key_version, err) != HEARTH_OK ||
        touch(tx, target, err) != HEARTH_OK || meta_body_insert_in(tx, body, err) != HEARTH_OK) {
        return err->code;
    }
    replace_part(tx, target);
    insert_part(tx, target, body);
    meta_usage_add_in(tx, target->bucket, &body->id, 0, (int64_t)body->size);
    struct meta_object_info info = {
        .size = body->size, .etag = body->etag, .created_ms = tx->now_ms};
    meta_target_record_in(tx, target, &info);
    *out = info;
    return HEARTH_OK;
}

/* ---- complete ---- */

struct complete_call {
    const struct meta_complete *request;
    struct meta_object_info info;
};

/* The wanted parts' extents, one after the other. */
struct joined {
    struct meta_extent *extents; /* META_EXTENTS_MAX */
    size_t count;
    size_t parts;  /* of the request, found so far */
    uint64_t size; /* of these */
};

static enum hearth_code join_extents(
    struct joined *joined, struct view extents, size_t count, struct hearth_err *err)
{
    if (count > META_EXTENTS_MAX - joined->count) {
        return hearth_fail(
            err, HEARTH_INVALID, "an object has at most %d extents", META_EXTENTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        joined->extents[joined->count++] = meta_extents_at(extents, i);
    }
    return HEARTH_OK;
}

/* One row of the upload's parts: whether it is the next that is wanted. */
static enum hearth_code join_part(struct meta_tx *tx, struct sql *sql,
    const struct meta_complete *request, struct joined *joined, struct hearth_err *err)
{
    struct meta_id body;
    uint64_t number = sql_u64(sql);
    uint64_t size = sql_u64(sql);
    sql_id(sql, &body);
    struct view extents = sql_blob(sql);
    size_t count;
    if (!meta_extents_count(extents, &count)) {
        sql_fail_damaged(tx, "extents");
        return HEARTH_OK;
    }
    if (joined->parts == request->part_count || number < request->parts[joined->parts].number) {
        return HEARTH_OK; /* left out */
    }
    const struct meta_part_ref *wanted = &request->parts[joined->parts];
    if (number > wanted->number || !meta_id_equal(body, wanted->body)) {
        return hearth_fail(err, HEARTH_CONFLICT, "part %u is not the one it was", wanted->number);
    }
    joined->parts++;
    joined->size += size;
    return join_extents(joined, extents, count, err);
}

static enum hearth_code join_parts(struct meta_tx *tx, const struct meta_complete *request,
    struct joined *joined, struct hearth_err *err)
{
    struct sql *sql = sql_use(tx, SQL_PART_BODIES);
    sql_set_id(sql, ":upload", &request->upload);
    while (sql_step(sql)) {
        if (join_part(tx, sql, request, joined, err) != HEARTH_OK) {
            return err->code;
        }
    }
    if (joined->parts < request->part_count) {
        return hearth_fail(
            err, HEARTH_CONFLICT, "part %u is not there", request->parts[joined->parts].number);
    }
    if (joined->size != request->body.size) {
        return hearth_fail(err, HEARTH_INVALID, "parts of %ju bytes for an object of %ju",
            (uintmax_t)joined->size, (uintmax_t)request->body.size);
    }
    return HEARTH_OK;
}

static enum hearth_code publish_joined(struct meta_tx *tx, const struct meta_target *target,
    struct complete_call *call, const struct joined *joined, struct hearth_err *err)
{
    FREES uint8_t *tags = malloc(META_TAGS_MAX);
    struct meta_body body = call->request->body;
    body.extents = joined->extents;
    body.extent_count = joined->count;
    if (tags == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "tags");
    }
    if (meta_body_check(&body, err) != HEARTH_OK ||
        meta_refer_in(tx, target->bucket, &body, err) != HEARTH_OK) {
        return err->code;
    }
    body.tags = meta_upload_tags_in(tx, &call->request->upload, tags);
    return meta_publish_in(tx, target, &body, &call->info, err);
}

static enum hearth_code check_refs(const struct meta_complete *request, struct hearth_err *err)
{
    if (request->part_count == 0 || request->part_count > META_PARTS_MAX ||
        request->body.size > META_OBJECT_SIZE_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "1 to %d parts, and 5 TiB", META_PARTS_MAX);
    }
    for (size_t i = 1; i < request->part_count; i++) {
        if (request->parts[i].number <= request->parts[i - 1].number) {
            return hearth_fail(err, HEARTH_INVALID, "part numbers do not ascend");
        }
    }
    return HEARTH_OK;
}

static enum hearth_code complete_open(struct meta_tx *tx, struct meta_target *target,
    struct complete_call *call, struct hearth_err *err)
{
    const struct meta_complete *request = call->request;
    struct meta_bucket_row bucket;
    FREES struct meta_extent *extents = malloc(META_EXTENTS_MAX * sizeof(*extents));
    struct joined joined = {.extents = extents};
    if (extents == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%d extents", META_EXTENTS_MAX);
    }
    target->bucket_row = &bucket;
    if (meta_bucket_in(tx, &request->bucket, &bucket, err) != HEARTH_OK ||
        meta_upload_open_in(tx, &request->upload, &request->bucket, request->key, err) !=
            HEARTH_OK ||
        check_refs(request, err) != HEARTH_OK ||
        join_parts(tx, request, &joined, err) != HEARTH_OK) {
        return err->code;
    }
    meta_upload_end_in(tx, &request->upload, &request->bucket);
    return publish_joined(tx, target, call, &joined, err);
}

static enum hearth_code complete(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct complete_call *call = arg;
    const struct meta_complete *request = call->request;
    struct meta_target target = {
        .bucket = &request->bucket,
        .key = request->key,
        .condition = &request->condition,
        .token = &request->upload,
        .call = META_CALL_COMPLETE,
        .keep_ms = META_OUTCOME_COMPLETE_MS,
    };
    bool found;
    enum hearth_code code = meta_target_resolve_in(tx, &target, &call->info, &found, err);
    return code != HEARTH_OK || found ? code : complete_open(tx, &target, call, err);
}

enum hearth_code meta_upload_complete(struct meta_store *store, const struct meta_complete *request,
    struct meta_object_info *out, struct hearth_err *err)
{
    if (meta_key_check(request->key, err) != HEARTH_OK) {
        return err->code;
    }
    struct complete_call call = {.request = request};
    enum hearth_code code = meta_run(store, complete, &call, err);
    if (code == HEARTH_OK) {
        *out = call.info;
    }
    return code;
}
