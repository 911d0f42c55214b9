#include "client/bucket_calls.h"

#include "client/bucket_cache.h"

enum { TOKEN_SIZE = 16 };

/* ---- making and deleting ---- */

enum hearth_code bucket_ask_create(struct session *session, const char *bucket, const char *profile,
    struct arena *arena, struct wire_bucket_info *reply, struct hearth_err *err)
{
    uint8_t bucket_id[BUCKET_ID_SIZE];
    uint8_t token[TOKEN_SIZE];
    uint8_t root_key_name[ROOT_KEY_ID_SIZE];
    uint8_t wrapped[BUCKET_KEY_WRAPPED_SIZE];
    env_random(session->env, bucket_id, sizeof(bucket_id));
    env_random(session->env, token, sizeof(token));
    root_key_id(&session->root_key, root_key_name);
    struct bucket_key key;
    bucket_key_draw(session->env, 1, &key);
    bucket_key_wrap(&key, session->env, &session->root_key, bucket_id, wrapped);
    crypto_wipe(&key, sizeof(key));

    const struct wire_bucket_key wire_key = {1, view_of(wrapped, sizeof(wrapped))};
    const struct wire_create_bucket_request request = {
        .name = view_text(bucket),
        .bucket_id = view_of(bucket_id, sizeof(bucket_id)),
        .profile = profile != NULL ? view_text(profile) : (struct view){0},
        .key = &wire_key,
        .root_key_id = view_of(root_key_name, sizeof(root_key_name)),
        .token = view_of(token, sizeof(token)),
    };
    const struct ask ask = {
        .method = RPC_CREATE_BUCKET,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    return session_ask(session, &ask, arena, reply, err);
}

static enum hearth_code ask_delete(
    struct session *session, const char *bucket, struct arena *arena, struct hearth_err *err)
{
    uint8_t token[TOKEN_SIZE];
    env_random(session->env, token, sizeof(token));
    const struct wire_delete_bucket_request request = {
        .name = view_text(bucket), .token = view_of(token, sizeof(token))};
    const struct ask ask = {
        .method = RPC_DELETE_BUCKET,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    struct wire_empty reply;
    return session_ask(session, &ask, arena, &reply, err);
}

static enum hearth_code ready_for(
    struct session *session, const char *bucket, struct hearth_err *err)
{
    enum hearth_code code = bucket_name_check(bucket, err);
    return code == HEARTH_OK ? session_ready(session, err) : code;
}

enum hearth_code bucket_create(
    struct session *session, const char *bucket, const char *profile, struct hearth_err *err)
{
    struct wire_bucket_info reply;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = ready_for(session, bucket, err);
    if (code == HEARTH_OK) {
        code = bucket_ask_create(session, bucket, profile, &arena, &reply, err);
        bucket_cache_forget(session->buckets, bucket);
    }
    arena_fini(&arena);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "create bucket %s", bucket);
}

enum hearth_code bucket_delete(struct session *session, const char *bucket, struct hearth_err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = ready_for(session, bucket, err);
    if (code == HEARTH_OK) {
        code = ask_delete(session, bucket, &arena, err);
        bucket_cache_forget(session->buckets, bucket);
    }
    arena_fini(&arena);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "delete bucket %s", bucket);
}

enum hearth_code bucket_set_public(
    struct session *session, const char *bucket, bool public_read, struct hearth_err *err)
{
    const struct wire_set_bucket_access_request request = {
        .name = view_text(bucket), .public_read = public_read};
    enum hearth_code code = ready_for(session, bucket, err);
    if (code == HEARTH_OK) {
        code = session_change(session, RPC_SET_BUCKET_ACCESS, &request, err);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "who may read bucket %s", bucket);
}

/* ---- looking ---- */

/* The struct handed out is the first thing in its own memory. */
struct owned_buckets {
    struct hearth_buckets buckets;
    struct arena arena;
};

static struct owned_buckets *owned_create(struct hearth_err *err)
{
    struct owned_buckets *owned = calloc(1, sizeof(*owned));
    if (owned == NULL) {
        hearth_fail(err, HEARTH_NO_MEMORY, "buckets");
        return NULL;
    }
    arena_init(&owned->arena, 0);
    return owned;
}

void hearth_buckets_destroy(struct hearth_buckets *buckets)
{
    if (buckets != NULL) {
        struct owned_buckets *owned = (struct owned_buckets *)buckets;
        arena_fini(&owned->arena);
        free(owned);
    }
}

static enum hearth_code fill(struct owned_buckets *owned, const struct wire_bucket_info *infos,
    size_t count, struct hearth_err *err)
{
    struct hearth_bucket *items = arena_take_array(&owned->arena, count + 1, sizeof(*items));
    if (items == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu buckets", count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct wire_profile *profile = infos[i].profile;
        items[i].name = arena_text(&owned->arena, infos[i].name);
        items[i].profile =
            arena_text(&owned->arena, profile != NULL ? profile->name : (struct view){0});
        if (items[i].name == NULL || items[i].profile == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "%zu buckets", count);
        }
        items[i].created_unix_ms = infos[i].created_unix_ms;
        items[i].public_read = infos[i].public_read;
        items[i].quota_bytes = infos[i].quota_bytes;
        items[i].quota_objects = infos[i].quota_objects;
        if (profile != NULL) {
            items[i].k = profile->k;
            items[i].n = profile->n;
            items[i].w = profile->w;
        }
    }
    owned->buckets = (struct hearth_buckets){(unsigned)count, items};
    return HEARTH_OK;
}

static enum hearth_code ask_head(struct session *session, const char *bucket,
    struct owned_buckets *owned, struct hearth_err *err)
{
    const struct wire_head_bucket_request request = {.name = view_text(bucket)};
    const struct ask ask = {
        .method = RPC_HEAD_BUCKET, .request = &request, .patience_ms = ASK_PATIENCE_MS};
    struct wire_bucket_info reply;
    enum hearth_code code = ready_for(session, bucket, err);
    if (code == HEARTH_OK) {
        code = session_ask(session, &ask, &owned->arena, &reply, err);
    }
    return code == HEARTH_OK ? fill(owned, &reply, 1, err) : code;
}

enum hearth_code bucket_head(struct session *session, const char *bucket,
    struct hearth_buckets **out, struct hearth_err *err)
{
    struct owned_buckets *owned = owned_create(err);
    if (owned == NULL) {
        return err->code;
    }
    enum hearth_code code = ask_head(session, bucket, owned, err);
    if (code != HEARTH_OK) {
        hearth_buckets_destroy(&owned->buckets);
        return hearth_err_prefix(err, "bucket %s", bucket);
    }
    *out = &owned->buckets;
    return HEARTH_OK;
}

static enum hearth_code ask_list(
    struct session *session, struct owned_buckets *owned, struct hearth_err *err)
{
    const struct wire_empty request = {0};
    const struct ask ask = {
        .method = RPC_LIST_BUCKETS, .request = &request, .patience_ms = ASK_PATIENCE_MS};
    struct wire_list_buckets_reply reply;
    enum hearth_code code = session_ready(session, err);
    if (code == HEARTH_OK) {
        code = session_ask(session, &ask, &owned->arena, &reply, err);
    }
    return code == HEARTH_OK ? fill(owned, reply.buckets, reply.buckets_count, err) : code;
}

enum hearth_code bucket_list(
    struct session *session, struct hearth_buckets **out, struct hearth_err *err)
{
    struct owned_buckets *owned = owned_create(err);
    if (owned == NULL) {
        return err->code;
    }
    enum hearth_code code = ask_list(session, owned, err);
    if (code != HEARTH_OK) {
        hearth_buckets_destroy(&owned->buckets);
        return hearth_err_prefix(err, "list buckets");
    }
    *out = &owned->buckets;
    return HEARTH_OK;
}
