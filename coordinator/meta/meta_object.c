/*
 * Objects come to be (meta_object.h): commit, put inline, copy.
 */
#include "coordinator/meta/meta_object.h"

#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- what a body may be ---- */

enum hearth_code meta_body_check(const struct meta_body *body, struct hearth_err *err)
{
    if (body->manifest.size == 0 || body->manifest.size > META_MANIFEST_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "a manifest has 1 to %d bytes", META_MANIFEST_MAX);
    }
    if (body->tags.size > META_TAGS_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "%zu bytes of tags, at most %d", body->tags.size, META_TAGS_MAX);
    }
    if (body->extent_count > META_EXTENTS_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "%zu extents, at most %d", body->extent_count, META_EXTENTS_MAX);
    }
    uint64_t size = 0;
    for (size_t i = 0; i < body->extent_count; i++) {
        if (body->extents[i].length == 0) {
            return hearth_fail(err, HEARTH_INVALID, "extent %zu is empty", i);
        }
        size += body->extents[i].length;
    }
    if (body->extent_count > 0 && size != body->size) {
        return hearth_fail(err, HEARTH_INVALID, "extents of %ju bytes for an object of %ju",
            (uintmax_t)size, (uintmax_t)body->size);
    }
    return HEARTH_OK;
}

/* Parts are joined by their extents, so bytes inside a part's manifest would be lost. */
enum hearth_code meta_inline_check(const struct meta_body *body, uint32_t profile_number,
    const struct meta_part *part, struct hearth_err *err)
{
    if (part->number > 0 && body->size > 0) {
        return hearth_fail(err, HEARTH_INVALID, "a part keeps no bytes inline");
    }
    const struct profile *profile = profile_by_number(profile_number);
    if (profile == NULL) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "no profile %u", profile_number);
    }
    if (body->size > profile->inline_max ||
        body->manifest.size > body->size + META_INLINE_OVERHEAD_MAX) {
        return hearth_fail(err, HEARTH_INVALID,
            "%ju bytes, manifest of %zu: profile %s keeps at most %u inline", (uintmax_t)body->size,
            body->manifest.size, profile->name, profile->inline_max);
    }
    return HEARTH_OK;
}

/* One reference more; *own: the bucket it was written for. False: the segment is not there, dying,
 * or has fewer than refs_min. */
static bool add_reference(
    struct meta_tx *tx, const struct meta_id *segment, unsigned refs_min, struct meta_id *own)
{
    struct sql *sql = sql_use(tx, SQL_SEGMENT_REF);
    sql_set_id(sql, ":segment", segment);
    sql_set_u64(sql, ":refs_min", refs_min);
    if (!sql_step(sql)) {
        return false;
    }
    sql_id(sql, own);
    return true;
}

static void add_share(
    struct meta_tx *tx, const struct meta_id *segment, const struct meta_id *bucket)
{
    struct sql *sql = sql_use(tx, SQL_SHARE_ADD);
    sql_set_id(sql, ":segment", segment);
    sql_set_id(sql, ":bucket", bucket);
    sql_run(sql);
}

enum hearth_code meta_refer_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_body *body, struct hearth_err *err)
{
    for (size_t i = 0; i < body->extent_count; i++) {
        struct meta_id own;
        if (!add_reference(tx, &body->extents[i].segment, 1, &own)) {
            return hearth_fail(err, HEARTH_NOT_FOUND, "segment of extent %zu is gone", i);
        }
        if (!meta_id_equal(own, *bucket)) {
            add_share(tx, &body->extents[i].segment, bucket);
        }
    }
    return HEARTH_OK;
}

/* ---- commit ---- */

struct commit_call {
    const struct meta_commit *request;
    struct meta_object_info info;
    struct meta_seal_result *sealed;
};

static enum hearth_code refer_to_own_segments(struct meta_tx *tx, const struct meta_id *intent,
    const struct meta_body *body, struct hearth_err *err)
{
    for (size_t i = 0; i < body->extent_count; i++) {
        const struct meta_extent *extent = &body->extents[i];
        struct meta_opened opened;
        struct meta_segment segment;
        struct meta_id own;
        if (!meta_opened_in(tx, &extent->segment, &opened) ||
            !meta_id_equal(opened.intent, *intent) ||
            !meta_segment_in(tx, &extent->segment, &segment)) {
            return hearth_fail(
                err, HEARTH_INVALID, "extent %zu: not a segment this upload has sealed", i);
        }
        if (extent->offset > segment.length || extent->length > segment.length - extent->offset) {
            return hearth_fail(err, HEARTH_INVALID, "extent %zu: past its segment's end", i);
        }
        if (!add_reference(tx, &extent->segment, 0, &own)) {
            return hearth_fail(err, HEARTH_INVALID, "extent %zu: the segment is gone", i);
        }
    }
    return HEARTH_OK;
}

static struct meta_target target_of_intent(const struct meta_intent_row *intent)
{
    return (struct meta_target){
        .bucket = &intent->bucket,
        .key = intent->key,
        .condition = &intent->condition,
        .token = &intent->token,
        .call = META_CALL_UPLOAD,
        .keep_ms = META_OUTCOME_UPLOAD_MS,
        .part = intent->part,
    };
}

/* Committed before: the outcome does not change (D4). */
static enum hearth_code commit_again(struct meta_tx *tx, struct commit_call *call,
    const struct meta_intent_row *intent, struct hearth_err *err)
{
    bool found;
    const struct meta_target target = target_of_intent(intent);
    enum hearth_code code = meta_target_resolve_in(tx, &target, &call->info, &found, err);
    if (code == HEARTH_OK && !found) {
        return hearth_fail(err, HEARTH_EXPIRED, "the upload is complete, its outcome forgotten");
    }
    struct meta_segment segment;
    const struct meta_seal *seal = call->request->seal;
    if (seal != NULL && meta_segment_in(tx, &seal->segment, &segment)) {
        meta_sealed_result(&segment, call->sealed);
    }
    return code;
}

static enum hearth_code commit_now(struct meta_tx *tx, struct commit_call *call,
    const struct meta_intent_row *intent, struct hearth_err *err)
{
    const struct meta_body *body = &call->request->body;
    struct meta_target target = target_of_intent(intent);
    struct meta_bucket_row bucket;
    if (meta_bucket_in(tx, &intent->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    target.bucket_row = &bucket;
    enum hearth_code code = body->extent_count == 0
        ? meta_inline_check(body, intent->profile, &intent->part, err)
        : refer_to_own_segments(tx, &intent->id, body, err);
    if (code == HEARTH_OK) { /* first, or it would count what it reserved as somebody else's */
        meta_intent_end_in(tx, intent, META_INTENT_COMMITTED);
        code = meta_publish_in(tx, &target, body, &call->info, err);
    }
    return code;
}

static enum hearth_code commit(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct commit_call *call = arg;
    const struct meta_commit *request = call->request;
    struct meta_intent_row intent;
    if (!meta_intent_in(tx, &request->intent, &intent)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such upload");
    }
    if (intent.state == META_INTENT_COMMITTED) {
        return commit_again(tx, call, &intent, err);
    }
    enum hearth_code code = meta_intent_open_in(tx, &request->intent, &intent, err);
    if (code == HEARTH_OK && request->seal != NULL) {
        code = meta_seal_in(tx, request->seal, call->sealed, err);
    }
    return code == HEARTH_OK ? commit_now(tx, call, &intent, err) : code;
}

enum hearth_code meta_commit(struct meta_store *store, const struct meta_commit *request,
    struct meta_object_info *out, struct meta_seal_result *seal_out, struct hearth_err *err)
{
    assert(request->seal == NULL ||
        (seal_out != NULL && meta_id_equal(request->seal->intent, request->intent)));
    if (seal_out != NULL) {
        *seal_out = (struct meta_seal_result){.bad_count = 0};
    }
    if (meta_body_check(&request->body, err) != HEARTH_OK) {
        return err->code;
    }
    struct commit_call call = {.request = request, .sealed = seal_out};
    enum hearth_code code = meta_run(store, commit, &call, err);
    if (code == HEARTH_OK) {
        *out = call.info;
    }
    return code;
}

/* ---- put inline ---- */

struct meta_target meta_target_of_put(const struct meta_put *put, enum meta_call call)
{
    return (struct meta_target){
        .bucket = &put->bucket,
        .key = put->key,
        .condition = &put->condition,
        .token = &put->token,
        .call = call,
        .keep_ms = META_OUTCOME_MS,
        .part = put->part,
    };
}

static enum hearth_code put_inline(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct meta_put_item *item = arg;
    const struct meta_put *request = item->request;
    struct meta_bucket_row bucket;
    struct meta_target target = meta_target_of_put(request, META_CALL_PUT_INLINE);
    bool found;
    enum hearth_code code = meta_target_resolve_in(tx, &target, &item->info, &found, err);
    if (code != HEARTH_OK || found) {
        return code;
    }
    if (meta_bucket_in(tx, &request->bucket, &bucket, err) != HEARTH_OK ||
        meta_inline_check(&request->body, bucket.profile, &request->part, err) != HEARTH_OK) {
        return err->code;
    }
    target.bucket_row = &bucket;
    return meta_publish_in(tx, &target, &request->body, &item->info, err);
}

static enum hearth_code check_put(const struct meta_put *request, struct hearth_err *err)
{
    assert(request->body.extent_count == 0);
    enum hearth_code code = meta_key_check(request->key, err);
    return code == HEARTH_OK ? meta_body_check(&request->body, err) : code;
}

void meta_put_inline_many(struct meta_store *store, struct meta_put_item *items, size_t count)
{
    struct meta_work works[META_TOGETHER_MAX];
    size_t work_count = 0;
    assert(count <= META_TOGETHER_MAX);
    for (size_t i = 0; i < count; i++) {
        items[i].code = check_put(items[i].request, items[i].err);
        if (items[i].code == HEARTH_OK) {
            works[work_count++] =
                (struct meta_work){.fn = put_inline, .arg = &items[i], .err = items[i].err};
        }
    }
    if (work_count > 0) {
        meta_run_many(store, works, work_count);
    }
    for (size_t i = 0; i < work_count; i++) {
        ((struct meta_put_item *)works[i].arg)->code = works[i].code;
    }
}

enum hearth_code meta_put_inline(struct meta_store *store, const struct meta_put *request,
    struct meta_object_info *out, struct hearth_err *err)
{
    struct meta_put_item item = {.request = request, .err = err};
    meta_put_inline_many(store, &item, 1);
    if (item.code == HEARTH_OK) {
        *out = item.info;
    }
    return item.code;
}
