#include "client/object_delete.h"

#include "client/object_manifest.h"
#include "common/failpoint.h"
#include "proto/wire_uploads.h"

static enum hearth_code ask_delete(struct session *session, const struct bucket *bucket,
    struct view key, const struct hearth_precondition *precondition, bool *out_existed,
    struct hearth_err *err)
{
    uint8_t column[OBJECT_ETAG_COLUMN_SIZE];
    struct wire_precondition condition;
    enum hearth_code code = object_precondition(precondition, bucket, column, &condition, err);
    if (code != HEARTH_OK) {
        return code;
    }
    uint8_t token[SESSION_DRAWN_ID_SIZE];
    session_draw_id(session, token);
    const struct wire_delete_request request = {
        .bucket = view_text(bucket->name),
        .key = key,
        .precondition = &condition,
        .token = view_of(token, sizeof(token)),
    };
    const struct ask ask = {
        .method = RPC_DELETE,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    struct arena arena;
    arena_init(&arena, 0);
    struct wire_delete_reply reply;
    code = session_ask(session, &ask, &arena, &reply, err);
    arena_fini(&arena);
    if (code == HEARTH_OK && FAILPOINT(CLIENT_DELETED)) {
        return hearth_fail(err, HEARTH_INTERNAL, "failpoint");
    }
    if (code == HEARTH_OK && out_existed != NULL) {
        *out_existed = reply.existed;
    }
    return code;
}

enum hearth_code object_delete(struct session *session, const char *bucket, struct view key,
    const struct hearth_precondition *precondition, bool *out_existed, struct hearth_err *err)
{
    static const struct hearth_precondition none;
    struct bucket found;
    enum hearth_code code = object_key_check(key, err);
    if (code == HEARTH_OK) {
        code = session_ready(session, err);
    }
    if (code == HEARTH_OK) {
        code = bucket_cache_find(session->buckets, bucket, &found, err);
    }
    if (code == HEARTH_OK) {
        code = ask_delete(
            session, &found, key, precondition != NULL ? precondition : &none, out_existed, err);
        crypto_wipe(&found, sizeof(found));
    }
    return code == HEARTH_OK ? code
                             : hearth_err_prefix(err, "delete %s/%.*s", bucket, VIEW_ARGS(key));
}

/* ---- many ---- */

static enum hearth_code ask_delete_many(struct session *session, const char *bucket,
    const struct view *keys, unsigned count, struct hearth_err *err)
{
    uint8_t token[SESSION_DRAWN_ID_SIZE];
    session_draw_id(session, token);
    const struct wire_delete_many_request request = {
        .bucket = view_text(bucket),
        .keys = keys,
        .keys_count = count,
        .token = view_of(token, sizeof(token)),
    };
    return session_change(session, RPC_DELETE_MANY, &request, err);
}

enum hearth_code object_delete_many(struct session *session, const char *bucket,
    const struct view *keys, unsigned count, struct hearth_err *err)
{
    enum hearth_code code = count <= HEARTH_DELETE_MAX
        ? session_ready(session, err)
        : hearth_fail(err, HEARTH_INVALID, "%u keys, at most %d", count, HEARTH_DELETE_MAX);
    for (unsigned i = 0; code == HEARTH_OK && i < count; i++) {
        code = object_key_check(keys[i], err);
    }
    if (code == HEARTH_OK) {
        code = ask_delete_many(session, bucket, keys, count, err);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "delete %u keys of %s", count, bucket);
}
