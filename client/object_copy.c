#include "client/object_copy.h"

#include "client/object_lookup.h"
#include "client/object_tags.h"

/* One call of object_copy(). */
struct copy {
    struct object_lookup source;
    const struct hearth_copy_options *options;
    struct view key;
    struct bucket bucket; /* the destination's */
    struct manifest manifest;
    uint8_t body_id[BODY_ID_SIZE];
    uint8_t etag_column[OBJECT_ETAG_COLUMN_SIZE];
    uint8_t precondition_column[OBJECT_ETAG_COLUMN_SIZE];
    uint8_t token[16];
};

/* The source's manifest, as it will stand at the destination. */
static enum hearth_code seal_for_destination(
    struct copy *copy, struct view *out, struct hearth_err *err)
{
    struct object_lookup *source = &copy->source;
    const struct hearth_copy_options *options = copy->options;
    copy->manifest = source->manifest;
    if (options->replace_attributes) {
        enum hearth_code code =
            object_manifest_describe(&copy->manifest, &options->attributes, &source->arena, err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    etag_seal(&copy->bucket.etag_key, copy->manifest.md5, copy->etag_column);
    struct manifest_place place = {
        .bucket_key = bucket_newest_key(&copy->bucket),
        .key = copy->key,
    };
    session_tenant_copy(source->session, place.tenant_id);
    memcpy(place.bucket_id, copy->bucket.id, sizeof(place.bucket_id));
    session_draw_id(source->session, copy->body_id);
    return manifest_seal(&copy->manifest, &place, copy->body_id, &source->arena, out, err);
}

static enum hearth_code take_tags(struct copy *copy, struct view *out, struct hearth_err *err)
{
    const struct hearth_copy_options *options = copy->options;
    if (!options->replace_tags) {
        *out = copy->source.tags;
        return HEARTH_OK;
    }
    return object_tags_encode(
        options->attributes.tags, options->attributes.tag_count, &copy->source.arena, out, err);
}

/* The destination, as a put of something small names it. */
static enum hearth_code make_put(struct copy *copy, struct wire_precondition *precondition,
    struct wire_put_inline_request *out, struct hearth_err *err)
{
    const struct manifest *manifest = &copy->source.manifest;
    session_draw_id(copy->source.session, copy->token);
    *out = (struct wire_put_inline_request){
        .bucket = view_text(copy->bucket.name),
        .key = copy->key,
        .precondition = precondition,
        .token = view_of(copy->token, sizeof(copy->token)),
        .body_id = view_of(copy->body_id, sizeof(copy->body_id)),
        .bucket_key_version = bucket_newest_key(&copy->bucket)->version,
        .size = manifest->size,
        .etag = view_of(copy->etag_column, sizeof(copy->etag_column)),
        .parts = manifest->parts,
        .bucket_id = view_of(copy->bucket.id, sizeof(copy->bucket.id)),
    };
    enum hearth_code code = object_precondition(
        &copy->options->precondition, &copy->bucket, copy->precondition_column, precondition, err);
    if (code == HEARTH_OK) {
        code = seal_for_destination(copy, &out->manifest, err);
    }
    return code == HEARTH_OK ? take_tags(copy, &out->tags, err) : code;
}

static enum hearth_code ask_copy(
    struct copy *copy, struct wire_commit_reply *reply, struct hearth_err *err)
{
    struct object_lookup *source = &copy->source;
    struct wire_precondition precondition;
    struct wire_put_inline_request put;
    struct wire_copy_request request = {
        .source_bucket = view_text(source->bucket_name),
        .source_key = source->key,
        .source_version = source->version,
        .put = &put,
        .extents_count = source->manifest.extent_count,
    };
    enum hearth_code code = make_put(copy, &precondition, &put, err);
    if (code == HEARTH_OK) {
        code = object_manifest_extents(&copy->manifest, &source->arena, &request.extents, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    const struct ask ask = {
        .method = RPC_COPY,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    return session_ask(source->session, &ask, &source->arena, reply, err);
}

static enum hearth_code run(
    struct copy *copy, const char *bucket, struct hearth_put_result *out, struct hearth_err *err)
{
    struct wire_commit_reply reply;
    enum hearth_code code = object_key_check(copy->key, err);
    if (code == HEARTH_OK) {
        code = bucket_cache_find(copy->source.session->buckets, bucket, &copy->bucket, err);
    }
    if (code == HEARTH_OK) {
        code = ask_copy(copy, &reply, err);
    }
    if (code == HEARTH_CONFLICT &&
        bucket_cache_refresh(copy->source.session->buckets, &copy->bucket)) {
        code = ask_copy(copy, &reply, err); /* deleted and made again; nothing was done yet */
    }
    if (code == HEARTH_OK && out != NULL) {
        object_put_result(
            &reply, copy->manifest.size, copy->manifest.md5, copy->manifest.parts, out);
    }
    return code;
}

enum hearth_code object_copy(struct session *session, const char *source_bucket,
    struct view source_key, const char *bucket, struct view key,
    const struct hearth_copy_options *options, struct hearth_put_result *out,
    struct hearth_err *err)
{
    static const struct hearth_copy_options nothing_special;
    struct copy copy = {
        .source =
            {
                .session = session,
                .bucket_name = source_bucket,
                .key = source_key,
                .head_only = true,
            },
        .options = options != NULL ? options : &nothing_special,
        .key = key,
    };
    uint8_t version[OBJECT_VERSION_SIZE];
    enum hearth_code code =
        object_version_read(copy.options->source_version, version, &copy.source.version, err);
    if (code == HEARTH_OK) {
        code = object_lookup_begin(&copy.source, err);
        if (code == HEARTH_OK) {
            code = run(&copy, bucket, out, err);
        }
        object_lookup_end(&copy.source);
    }
    crypto_wipe(&copy.bucket, sizeof(copy.bucket));
    return code == HEARTH_OK ? code
                             : hearth_err_prefix(err, "copy %s/%.*s to %s/%.*s", source_bucket,
                                   VIEW_ARGS(source_key), bucket, VIEW_ARGS(key));
}
