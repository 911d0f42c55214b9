#include "client/object_put.h"

#include "client/object_manifest.h"
#include "client/object_tags.h"
#include "client/put_segments.h"
#include "common/failpoint.h"
#include "proto/wire_uploads.h"

enum { TOKEN_SIZE = 16 };

/* One call of object_put(). */
struct put {
    /* Set once. */
    struct session *session;
    struct view key;
    const struct hearth_put_options *options;
    struct arena arena;
    struct bucket bucket;
    struct wire_precondition precondition;
    uint8_t precondition_column[OBJECT_ETAG_COLUMN_SIZE];
    uint8_t token[TOKEN_SIZE];
    struct view tags;

    /* Of a part; else number 0 and NULL. */
    struct wire_part_place part;
    uint8_t part_place[MANIFEST_PART_PLACE_SIZE];

    struct source_reader reader;
    uint8_t intent_id[PUT_INTENT_ID_SIZE];
    struct upload_key upload_key;
    uint64_t resumed_bytes;
    uint8_t body_id[BODY_ID_SIZE];
    uint8_t etag_column[OBJECT_ETAG_COLUMN_SIZE];
    struct manifest manifest;
};

static struct view token_of(const struct put *put)
{
    return view_of(put->token, sizeof(put->token));
}

/* ---- the bucket ---- */

/* A precondition's ETag is sealed for the bucket, and each attempt that may differ has a token. */
static enum hearth_code adopt_bucket(struct put *put, struct hearth_err *err)
{
    session_draw_id(put->session, put->token);
    return object_precondition(&put->options->precondition, &put->bucket, put->precondition_column,
        &put->precondition, err);
}

/* The coordinator says that the bucket was deleted and made again; nothing was done yet. */
static bool is_for_another_bucket(struct put *put, enum hearth_code code)
{
    struct hearth_err err;
    return code == HEARTH_CONFLICT && bucket_cache_refresh(put->session->buckets, &put->bucket) &&
        adopt_bucket(put, &err) == HEARTH_OK;
}

/* ---- the manifest ---- */

static bool is_part(const struct put *put)
{
    return put->part.number > 0;
}

/* What the reader has seen is the whole object. */
static enum hearth_code describe_content(struct put *put, struct hearth_err *err)
{
    put->manifest.size = put->reader.size;
    if (source_reader_finish(&put->reader, put->manifest.md5, err) != HEARTH_OK) {
        return err->code;
    }
    const uint8_t *md5 = put->options->md5;
    if (md5 != NULL && !crypto_equal(md5, put->manifest.md5, CRYPTO_MD5_SIZE)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the source has another MD5 than was said");
    }
    if (is_part(put) && put->manifest.size > HEARTH_PART_SIZE_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "a part of more than 5 GiB");
    }
    return object_manifest_set_checksums(&put->manifest, put->options->checksums, &put->arena, err);
}

static enum hearth_code seal_manifest(struct put *put, struct view *out, struct hearth_err *err)
{
    etag_seal(&put->bucket.etag_key, put->manifest.md5, put->etag_column);
    struct manifest_place place = {
        .bucket_key = bucket_newest_key(&put->bucket),
        .key = put->key,
    };
    if (is_part(put)) {
        place.part = view_of(put->part_place, sizeof(put->part_place));
    }
    session_tenant_copy(put->session, place.tenant_id);
    memcpy(place.bucket_id, put->bucket.id, sizeof(place.bucket_id));
    session_draw_id(put->session, put->body_id);
    return manifest_seal(&put->manifest, &place, put->body_id, &put->arena, out, err);
}

/* ---- small: one question ---- */

static enum hearth_code ask_put_inline(
    struct put *put, struct wire_commit_reply *reply, struct hearth_err *err)
{
    struct view sealed;
    enum hearth_code code = seal_manifest(put, &sealed, err);
    if (code != HEARTH_OK) {
        return code;
    }
    const struct wire_put_inline_request request = {
        .bucket = view_text(put->bucket.name),
        .key = put->key,
        .precondition = &put->precondition,
        .token = token_of(put),
        .body_id = view_of(put->body_id, sizeof(put->body_id)),
        .bucket_key_version = bucket_newest_key(&put->bucket)->version,
        .manifest = sealed,
        .size = put->manifest.size,
        .etag = view_of(put->etag_column, sizeof(put->etag_column)),
        .bucket_id = view_of(put->bucket.id, sizeof(put->bucket.id)),
        .part = is_part(put) ? &put->part : NULL,
        .tags = put->tags,
    };
    const struct ask ask = {
        .method = RPC_PUT_INLINE,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    return session_ask(put->session, &ask, &put->arena, reply, err);
}

static enum hearth_code put_inline(
    struct put *put, size_t size, struct wire_commit_reply *reply, struct hearth_err *err)
{
    uint8_t *bytes = arena_take(&put->arena, size + 1); /* an empty object has an address too */
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu bytes", size);
    }
    size_t got = 0;
    enum hearth_code code = source_reader_read(&put->reader, bytes, size, &got, err);
    if (code != HEARTH_OK) {
        return code;
    }
    assert(got == size); /* they were waiting */
    put->manifest.inline_bytes = view_of(bytes, size);
    code = describe_content(put, err);
    if (code != HEARTH_OK) {
        return code;
    }
    code = ask_put_inline(put, reply, err);
    return is_for_another_bucket(put, code) ? ask_put_inline(put, reply, err) : code;
}

/* ---- large: begin, segments, commit ---- */

static enum hearth_code ask_begin(struct put *put, struct hearth_err *err)
{
    const struct wire_begin_request request = {
        .bucket = view_text(put->bucket.name),
        .key = put->key,
        .precondition = &put->precondition,
        .token = token_of(put),
        .bucket_id = view_of(put->bucket.id, sizeof(put->bucket.id)),
        .part = is_part(put) ? &put->part : NULL,
        .size_expected = put->options->size_expected,
    };
    const struct ask ask = {
        .method = RPC_BEGIN,
        .request = &request,
        .patience_ms = ASK_PATIENCE_MS,
        .cancel = put->options->control.cancel,
    };
    struct wire_begin_reply reply;
    enum hearth_code code = session_ask(put->session, &ask, &put->arena, &reply, err);
    if (code == HEARTH_OK) {
        memcpy(put->intent_id, reply.intent_id.bytes, sizeof(put->intent_id));
    }
    return code;
}

static enum hearth_code begin(struct put *put, struct hearth_err *err)
{
    enum hearth_code code = ask_begin(put, err);
    if (is_for_another_bucket(put, code)) {
        code = ask_begin(put, err);
    }
    if (code == HEARTH_OK && FAILPOINT(CLIENT_PUT_BEGUN)) {
        return hearth_fail(err, HEARTH_INTERNAL, "failpoint");
    }
    return code;
}

/* A hint: without it the intent ends when it expires. */
static void ask_abort(struct put *put)
{
    const struct wire_abort_request request = {
        .intent_id = view_of(put->intent_id, sizeof(put->intent_id))};
    const struct ask ask = {.method = RPC_ABORT, .request = &request};
    struct wire_empty reply;
    struct hearth_err err;
    (void)session_ask(put->session, &ask, &put->arena, &reply, &err);
}

static enum hearth_code ask_commit(struct put *put, const struct put_segments *segments,
    struct wire_commit_reply *reply, struct hearth_err *err)
{
    struct wire_commit_request request = {
        .intent_id = view_of(put->intent_id, sizeof(put->intent_id)),
        .body_id = view_of(put->body_id, sizeof(put->body_id)),
        .bucket_key_version = bucket_newest_key(&put->bucket)->version,
        .etag = view_of(put->etag_column, sizeof(put->etag_column)),
        .extents_count = segments->extent_count,
        .tags = put->tags,
    };
    struct wire_seal_segment_request seal;
    put->manifest.extents = segments->extents;
    put->manifest.extent_count = segments->extent_count;
    enum hearth_code code = describe_content(put, err);
    if (code == HEARTH_OK) {
        code = object_manifest_extents(&put->manifest, &put->arena, &request.extents, err);
    }
    if (code == HEARTH_OK) {
        code = seal_manifest(put, &request.manifest, err);
    }
    if (code == HEARTH_OK) {
        code = segment_put_make_seal(segments->current, &put->arena, &seal, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    request.size = put->manifest.size;
    request.seal = &seal;
    const struct ask ask = {
        .method = RPC_COMMIT,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    return session_ask(put->session, &ask, &put->arena, reply, err);
}

static enum hearth_code put_and_commit(struct put *put, struct put_segments *segments,
    struct wire_commit_reply *reply, struct hearth_err *err)
{
    enum hearth_code code = put_segments_run(segments, err);
    if (code == HEARTH_OK) {
        code = ask_commit(put, segments, reply, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    if (FAILPOINT(CLIENT_PUT_COMMITTED)) {
        return hearth_fail(err, HEARTH_INTERNAL, "failpoint");
    }
    if (reply->sealed != NULL) {
        segment_put_note_sealed(segments->current, reply->sealed);
    }
    put_segments_linger(segments);
    return HEARTH_OK;
}

/* ---- going on later ---- */

static bool can_go_on_later(const struct put *put)
{
    return put->options->checkpoint != NULL && put->options->size_expected > 0;
}

static struct put_state_place state_place(struct put *put)
{
    struct put_state_place place = {.bucket = &put->bucket, .key = put->key};
    session_tenant_copy(put->session, place.tenant_id);
    return place;
}

/* A new intent and key, or those of an earlier put, whose segments are in *earlier. */
static enum hearth_code begin_or_go_on(
    struct put *put, struct put_state *earlier, struct hearth_err *err)
{
    *earlier = (struct put_state){0};
    if (put->options->resume.size > 0 && !can_go_on_later(put)) {
        return hearth_fail(err, HEARTH_INVALID, "resume without checkpoint or size_expected");
    }
    if (put->options->resume.size == 0) {
        upload_key_draw(put->session->env, &put->upload_key);
        return begin(put, err);
    }
    const struct put_state_place place = state_place(put);
    if (put_state_open(put->options->resume, &place, &put->arena, earlier, err) != HEARTH_OK) {
        return err->code;
    }
    if (earlier->size != put->options->size_expected) {
        return hearth_fail(err, HEARTH_CONFLICT, "the source has another size than before");
    }
    memcpy(put->intent_id, earlier->intent_id, sizeof(put->intent_id));
    put->upload_key = earlier->upload_key;
    return HEARTH_OK;
}

/* Whether the same may work in a while: then what is sealed is worth keeping. */
static bool may_pass(enum hearth_code code)
{
    enum hearth_reaction reaction = hearth_code_reaction(code);
    return code == HEARTH_CANCELLED || reaction == HEARTH_REACT_RETRY ||
        reaction == HEARTH_REACT_ELSEWHERE || reaction == HEARTH_REACT_RESOLVE;
}

/* Takes over what is there, if anything; sends the rest. */
static enum hearth_code put_rest(struct put *put, struct put_segments *segments,
    const struct put_state *earlier, struct wire_commit_reply *reply, struct hearth_err *err)
{
    if (earlier->count > 0 && put_segments_take_over(segments, earlier, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "go on where an earlier put ended");
    }
    put->resumed_bytes = put->reader.size;
    return put_and_commit(put, segments, reply, err);
}

/* ---- large, from beginning to end ---- */

static enum hearth_code put_with_intent(struct put *put, struct transfer *transfer,
    const struct put_state *earlier, struct wire_commit_reply *reply, struct hearth_err *err)
{
    struct put_resume resume = {
        .env = put->session->env,
        .place = state_place(put),
        .checkpoint = put->options->checkpoint,
        .context = put->options->checkpoint_context,
        .state = {.upload_key = put->upload_key, .size = put->options->size_expected},
    };
    struct put_segments segments = {
        .transfer = transfer,
        .reader = &put->reader,
        .intent_id = view_of(put->intent_id, sizeof(put->intent_id)),
        .upload_key = &put->upload_key,
        .bucket = &put->bucket,
        .resume = can_go_on_later(put) ? &resume : NULL,
    };
    memcpy(resume.state.intent_id, put->intent_id, sizeof(resume.state.intent_id));
    if (segments.resume != NULL) { /* else nothing of it is made: most puts are small */
        put_resume_init(&resume);
    }
    put_segments_init(&segments);
    enum hearth_code code = put_rest(put, &segments, earlier, reply, err);
    put_segments_fini(&segments);
    bool is_kept = (earlier->count > 0 || resume.sealed > 0) && may_pass(code);
    put_resume_fini(&resume);
    if (code != HEARTH_OK && code != HEARTH_UNKNOWN && !is_kept) {
        ask_abort(put);
    }
    return code;
}

static enum hearth_code put_in_transfer(struct put *put, struct transfer *transfer,
    struct wire_commit_reply *reply, struct hearth_err *err)
{
    struct put_state earlier;
    enum hearth_code code = begin_or_go_on(put, &earlier, err);
    if (code == HEARTH_OK) {
        code = put_with_intent(put, transfer, &earlier, reply, err);
    }
    crypto_wipe(&put->upload_key, sizeof(put->upload_key));
    crypto_wipe(&earlier, sizeof(earlier));
    return code;
}

static enum hearth_code put_segmented(
    struct put *put, struct wire_commit_reply *reply, struct hearth_err *err)
{
    struct transfer transfer;
    enum hearth_code code = transfer_open(&transfer, put->session, &put->options->control, err);
    if (code == HEARTH_OK) {
        code = transfer_take_memory(&transfer, PUT_OUTSIDE_MEMORY, PUT_OUTSIDE_MEMORY, err);
        code = code == HEARTH_OK ? put_in_transfer(put, &transfer, reply, err) : code;
        transfer_close(&transfer);
    }
    return code;
}

/* ---- both ---- */

/* Bytes that are kept in the manifest; of a part none, for parts are joined by their segments. */
static size_t inline_max(const struct put *put)
{
    size_t max = is_part(put) ? 0 : put->bucket.inline_max;
    return max < SOURCE_AHEAD_MAX ? max : SOURCE_AHEAD_MAX - 1;
}

/* What is said to be large is begun before its first byte is taken: it may be refused. */
static enum hearth_code put_either_way(
    struct put *put, struct wire_commit_reply *reply, struct hearth_err *err)
{
    size_t waiting = 0;
    if (put->options->size_expected > inline_max(put)) {
        return put_segmented(put, reply, err);
    }
    enum hearth_code code = source_reader_peek(&put->reader, inline_max(put) + 1, &waiting, err);
    if (code != HEARTH_OK) {
        return code;
    }
    return waiting <= inline_max(put) ? put_inline(put, waiting, reply, err)
                                      : put_segmented(put, reply, err);
}

static enum hearth_code prepare(struct put *put, const char *bucket, struct hearth_err *err)
{
    const struct hearth_attributes *attributes = &put->options->attributes;
    if (object_key_check(put->key, err) != HEARTH_OK ||
        object_manifest_describe(&put->manifest, attributes, &put->arena, err) != HEARTH_OK ||
        object_tags_encode(attributes->tags, attributes->tag_count, &put->arena, &put->tags, err) !=
            HEARTH_OK ||
        session_ready(put->session, err) != HEARTH_OK ||
        bucket_cache_find(put->session->buckets, bucket, &put->bucket, err) != HEARTH_OK) {
        return err->code;
    }
    return adopt_bucket(put, err);
}

/* The reader's md5 and size are in the manifest afterwards. */
static enum hearth_code run(struct put *put, const char *bucket, const struct hearth_source *source,
    struct wire_commit_reply *reply, struct hearth_err *err)
{
    enum hearth_code code = prepare(put, bucket, err);
    if (code == HEARTH_OK) {
        code = source_reader_init(
            &put->reader, source, put->options->size_expected, &put->session->md5s, err);
    }
    if (code == HEARTH_OK) {
        code = put_either_way(put, reply, err);
    }
    source_reader_fini(&put->reader);
    crypto_wipe(&put->bucket, sizeof(put->bucket));
    return code;
}

enum hearth_code object_put(struct session *session, const char *bucket, struct view key,
    const struct hearth_source *source, const struct hearth_put_options *options,
    struct hearth_put_result *out, struct hearth_err *err)
{
    static const struct hearth_put_options nothing_special;
    struct put put = {
        .session = session,
        .key = key,
        .options = options != NULL ? options : &nothing_special,
    };
    arena_init(&put.arena, 0);
    struct wire_commit_reply reply;
    enum hearth_code code = run(&put, bucket, source, &reply, err);
    if (code == HEARTH_OK && out != NULL) {
        object_put_result(&reply, put.manifest.size, put.manifest.md5, 0, out);
        out->resumed_bytes = put.resumed_bytes;
    }
    arena_fini(&put.arena);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "put %s/%.*s", bucket, VIEW_ARGS(key));
}

enum hearth_code object_put_part(struct session *session, const char *bucket, struct view key,
    const uint8_t upload_id[UPLOAD_ID_SIZE], unsigned number, const struct hearth_source *source,
    const struct hearth_part_options *options, struct hearth_part *out, struct hearth_err *err)
{
    const struct hearth_put_options put_options = {
        .size_expected = options->size_expected,
        .checksums = options->checksums,
        .md5 = options->md5,
        .control = options->control,
    };
    struct put put = {
        .session = session,
        .key = key,
        .options = &put_options,
        .part = {.upload_id = view_of(upload_id, UPLOAD_ID_SIZE), .number = number},
    };
    assert(number > 0 && number <= HEARTH_PARTS_MAX);
    manifest_part_place(upload_id, number, put.part_place);
    arena_init(&put.arena, 0);
    struct wire_commit_reply reply;
    enum hearth_code code = run(&put, bucket, source, &reply, err);
    if (code == HEARTH_OK && out != NULL) {
        *out = (struct hearth_part){
            .number = number, .size = put.manifest.size, .created_unix_ms = reply.created_unix_ms};
        object_etag_text(put.manifest.md5, 0, out->etag);
    }
    arena_fini(&put.arena);
    return code;
}
