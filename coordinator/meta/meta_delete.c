/*
 * Objects go (meta_object.h): one key, or many at once.
 */
#include "coordinator/meta/meta_object.h"

#include "coordinator/meta/meta_inside.h"

#include "common/codec.h"

/* ---- one ---- */

enum { DELETED_FORMAT = 1, DELETED_SIZE = 2 };

struct delete_call {
    const struct meta_delete *request;
    bool existed;
};

static void decode_deleted(struct meta_tx *tx, struct view result, bool *existed)
{
    struct reader reader = reader_of(result);
    uint8_t format = reader_u8(&reader);
    *existed = reader_u8(&reader) != 0;
    if (format != DELETED_FORMAT || !reader_at_end(&reader)) {
        sql_fail_damaged(tx, "recorded outcome");
    }
}

static enum hearth_code delete_now(
    struct meta_tx *tx, struct delete_call *call, struct hearth_err *err)
{
    const struct meta_delete *request = call->request;
    struct meta_bucket_row bucket;
    struct meta_version_row newest;
    if (meta_bucket_in(tx, &request->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    call->existed = meta_newest_in(tx, &request->bucket, request->key, &newest);
    enum hearth_code code =
        meta_condition_check(&request->condition, call->existed ? &newest : NULL, err);
    if (code == HEARTH_OK && call->existed) {
        meta_doom_in(tx, &request->bucket, request->key, &newest);
    }
    return code;
}

static enum hearth_code delete_object(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct delete_call *call = arg;
    const struct meta_delete *request = call->request;
    const struct meta_subject subject = {
        META_CALL_DELETE, meta_id_view(&request->bucket), request->key};
    struct view result;
    bool found;
    enum hearth_code code =
        meta_outcome_find_in(tx, &request->token, &subject, &result, &found, err);
    if (code == HEARTH_OK && found) {
        decode_deleted(tx, result, &call->existed);
        return HEARTH_OK;
    }
    if (code != HEARTH_OK || delete_now(tx, call, err) != HEARTH_OK) {
        return err->code;
    }
    const uint8_t bytes[DELETED_SIZE] = {DELETED_FORMAT, call->existed};
    meta_outcome_record_in(
        tx, &request->token, &subject, view_of(bytes, sizeof(bytes)), META_OUTCOME_MS);
    return HEARTH_OK;
}

enum hearth_code meta_delete(struct meta_store *store, const struct meta_delete *request,
    bool *existed, struct hearth_err *err)
{
    if (meta_key_check(request->key, err) != HEARTH_OK) {
        return err->code;
    }
    struct delete_call call = {.request = request};
    enum hearth_code code = meta_run(store, delete_object, &call, err);
    if (code == HEARTH_OK) {
        *existed = call.existed;
    }
    return code;
}

/* ---- many ---- */

struct delete_many_call {
    struct meta_id bucket;
    const struct view *keys;
    size_t count;
    struct meta_id token;
};

static enum hearth_code delete_many(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct delete_many_call *call = arg;
    const struct meta_subject subject = {
        META_CALL_DELETE_MANY, meta_id_view(&call->bucket), view_of(NULL, 0)};
    struct meta_bucket_row bucket;
    struct view result;
    bool found;
    enum hearth_code code = meta_outcome_find_in(tx, &call->token, &subject, &result, &found, err);
    if (code != HEARTH_OK || found) {
        return code;
    }
    if (meta_bucket_in(tx, &call->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < call->count; i++) {
        struct meta_version_row newest;
        if (meta_newest_in(tx, &call->bucket, call->keys[i], &newest)) {
            meta_doom_in(tx, &call->bucket, call->keys[i], &newest);
        }
    }
    meta_outcome_record_in(tx, &call->token, &subject, view_of(NULL, 0), META_OUTCOME_MS);
    return HEARTH_OK;
}

enum hearth_code meta_delete_many(struct meta_store *store, struct meta_id bucket,
    const struct view *keys, size_t count, struct meta_id token, struct hearth_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (meta_key_check(keys[i], err) != HEARTH_OK) {
            return err->code;
        }
    }
    struct delete_many_call call = {.bucket = bucket, .keys = keys, .count = count, .token = token};
    return meta_run(store, delete_many, &call, err);
}
