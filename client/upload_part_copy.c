#include "client/upload_part_copy.h"

#include "client/object_lookup.h"
#include "client/object_put.h"
#include "client/upload_calls.h"
#include "common/codec.h"

#include <inttypes.h>

/* One call of upload_part_copy(). */
struct part_copy {
    struct object_lookup source;
    const struct hearth_part_source *wanted;
    uint64_t offset; /* of the piece in the source, and its length, as they were found to be */
    uint64_t length;

    struct upload_name name;
    unsigned number;
    struct manifest manifest; /* of the part */
    uint8_t body_id[BODY_ID_SIZE];
    uint8_t etag_column[OBJECT_ETAG_COLUMN_SIZE];
    uint8_t token[SESSION_DRAWN_ID_SIZE];
};

/* ---- the piece ---- */

static enum hearth_code find_piece(struct part_copy *copy, struct hearth_err *err)
{
    uint64_t size = copy->source.manifest.size;
    copy->offset = copy->wanted->offset;
    copy->length = copy->wanted->length;
    if (copy->length == 0 && copy->offset <= size) {
        copy->length = size - copy->offset;
    }
    if (copy->offset > size || copy->length > size - copy->offset) {
        return hearth_fail(err, HEARTH_INVALID,
            "%" PRIu64 " bytes from %" PRIu64 " of an object of %" PRIu64, copy->length,
            copy->offset, size);
    }
    return copy->length <= HEARTH_PART_SIZE_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "a part of more than 5 GiB");
}

static enum hearth_code ask_caller(struct part_copy *copy, struct hearth_err *err)
{
    struct object_lookup *source = &copy->source;
    struct hearth_object object;
    if (copy->wanted->check == NULL) {
        return HEARTH_OK;
    }
    enum hearth_code code = object_manifest_read(&source->manifest, source->key, source->reply.info,
        source->tags, &source->arena, &object, err);
    return code == HEARTH_OK ? copy->wanted->check(copy->wanted->check_context, &object, err)
                             : code;
}

/* Nobody has seen the bytes: an ETag of the source's and the range; of the whole, the source's. */
static void name_piece(struct part_copy *copy)
{
    const struct manifest *source = &copy->source.manifest;
    uint8_t range[2 * sizeof(uint64_t)];
    struct writer writer = writer_of(range, sizeof(range));
    writer_u64(&writer, copy->offset);
    writer_u64(&writer, copy->length);
    memcpy(copy->manifest.md5, source->md5, sizeof(copy->manifest.md5));
    if (copy->length < source->size || source->parts > 0) {
        struct crypto_hash *md5 = crypto_hash_create(CRYPTO_MD5);
        crypto_hash_update(md5, view_of(source->md5, sizeof(source->md5)));
        crypto_hash_update(md5, view_of(range, writer.size));
        crypto_hash_final(md5, copy->manifest.md5);
        crypto_hash_destroy(md5);
    }
}

static enum hearth_code cut_extents(struct part_copy *copy, struct hearth_err *err)
{
    const struct manifest *source = &copy->source.manifest;
    struct manifest_extent *extents =
        arena_take_array(&copy->source.arena, source->extent_count + 1, sizeof(*extents));
    if (extents == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu extents", source->extent_count);
    }
    size_t count = 0;
    uint64_t end = copy->offset + copy->length;
    uint64_t at = 0;
    for (size_t i = 0; i < source->extent_count; at += source->extents[i++].length) {
        const struct manifest_extent *whole = &source->extents[i];
        uint64_t from = copy->offset > at ? copy->offset - at : 0;
        uint64_t to = end > at ? end - at : 0;
        to = to < whole->length ? to : whole->length;
        if (from < to) {
            extents[count] = *whole;
            extents[count].offset += from;
            extents[count++].length = to - from;
        }
    }
    copy->manifest.extents = extents;
    copy->manifest.extent_count = count;
    copy->manifest.size = copy->length;
    return HEARTH_OK;
}

/* ---- by extents ---- */

static enum hearth_code seal(struct part_copy *copy, struct view *out, struct hearth_err *err)
{
    struct upload_name *name = &copy->name;
    uint8_t part[MANIFEST_PART_PLACE_SIZE];
    manifest_part_place(name->id, copy->number, part);
    struct manifest_place place = {
        .bucket_key = bucket_newest_key(&name->bucket),
        .key = name->key,
        .part = view_of(part, sizeof(part)),
    };
    session_tenant_copy(name->session, place.tenant_id);
    memcpy(place.bucket_id, name->bucket.id, sizeof(place.bucket_id));
    etag_seal(&name->bucket.etag_key, copy->manifest.md5, copy->etag_column);
    session_draw_id(name->session, copy->body_id);
    return manifest_seal(&copy->manifest, &place, copy->body_id, &copy->source.arena, out, err);
}

static enum hearth_code ask_copy(
    struct part_copy *copy, struct wire_commit_reply *reply, struct hearth_err *err)
{
    struct upload_name *name = &copy->name;
    const struct wire_part_place part = {
        .upload_id = view_of(name->id, sizeof(name->id)), .number = copy->number};
    struct wire_put_inline_request put = {
        .bucket = view_text(name->bucket.name),
        .key = name->key,
        .token = view_of(copy->token, sizeof(copy->token)),
        .body_id = view_of(copy->body_id, sizeof(copy->body_id)),
        .bucket_key_version = bucket_newest_key(&name->bucket)->version,
        .size = copy->manifest.size,
        .etag = view_of(copy->etag_column, sizeof(copy->etag_column)),
        .bucket_id = view_of(name->bucket.id, sizeof(name->bucket.id)),
        .part = &part,
    };
    struct wire_copy_request request = {
        .source_bucket = view_text(copy->source.bucket_name),
        .source_key = copy->source.key,
        .source_version = copy->source.version,
        .put = &put,
        .extents_count = copy->manifest.extent_count,
    };
    struct arena *arena = &copy->source.arena;
    if (seal(copy, &put.manifest, err) != HEARTH_OK ||
        object_manifest_extents(&copy->manifest, arena, &request.extents, err) != HEARTH_OK) {
        return err->code;
    }
    session_draw_id(name->session, copy->token);
    const struct ask ask = {
        .method = RPC_COPY,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    return session_ask(name->session, &ask, arena, reply, err);
}

static enum hearth_code copy_extents(
    struct part_copy *copy, struct hearth_part *out, struct hearth_err *err)
{
    struct wire_commit_reply reply;
    name_piece(copy);
    enum hearth_code code = cut_extents(copy, err);
    if (code == HEARTH_OK) {
        code = ask_copy(copy, &reply, err);
    }
    if (code == HEARTH_OK) {
        *out = (struct hearth_part){
            .number = copy->number, .size = copy->length, .created_unix_ms = reply.created_unix_ms};
        object_etag_text(copy->manifest.md5, 0, out->etag);
    }
    return code;
}

/* ---- by bytes: of an object that lies in its manifest ---- */

static enum hearth_code read_piece(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    (void)err;
    struct view *left = context;
    size_t got = size < left->size ? size : left->size;
    if (got > 0) {
        memcpy(bytes, left->bytes, got);
    }
    *left = view_of(left->bytes + got, left->size - got);
    *out_got = got;
    return HEARTH_OK;
}

static enum hearth_code copy_bytes(
    struct part_copy *copy, struct hearth_part *out, struct hearth_err *err)
{
    struct view left =
        view_of(copy->source.manifest.inline_bytes.bytes + copy->offset, (size_t)copy->length);
    const struct hearth_source source = {.read = read_piece, .context = &left};
    const struct hearth_part_options options = {.size_expected = copy->length};
    const struct upload_name *name = &copy->name;
    return object_put_part(name->session, name->bucket_name, name->key, name->id, copy->number,
        &source, &options, out, err);
}

/* ---- from beginning to end ---- */

static enum hearth_code run(struct part_copy *copy, struct hearth_part *out, struct hearth_err *err)
{
    if (object_lookup_begin(&copy->source, err) != HEARTH_OK ||
        ask_caller(copy, err) != HEARTH_OK || find_piece(copy, err) != HEARTH_OK ||
        upload_name_find(&copy->name, err) != HEARTH_OK) {
        return err->code;
    }
    return copy->source.manifest.extent_count > 0 && copy->length > 0 ? copy_extents(copy, out, err)
                                                                      : copy_bytes(copy, out, err);
}

enum hearth_code upload_part_copy(struct session *session, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_part_source *source,
    struct hearth_part *out, struct hearth_err *err)
{
    struct part_copy copy = {
        .source =
            {
                .session = session,
                .bucket_name = source->bucket,
                .key = source->key,
                .head_only = true,
            },
        .wanted = source,
        .name = {.session = session, .bucket_name = bucket, .key = key, .text = upload},
        .number = number,
    };
    uint8_t version[OBJECT_VERSION_SIZE];
    struct hearth_part part;
    enum hearth_code code = number > 0 && number <= HEARTH_PARTS_MAX
        ? object_version_read(source->version, version, &copy.source.version, err)
        : hearth_fail(err, HEARTH_INVALID, "parts are numbered 1 to %d", HEARTH_PARTS_MAX);
    if (code == HEARTH_OK) {
        code = run(&copy, &part, err);
        object_lookup_end(&copy.source);
    }
    crypto_wipe(&copy.name.bucket, sizeof(copy.name.bucket));
    if (code == HEARTH_OK && out != NULL) {
        *out = part;
    }
    return code == HEARTH_OK ? code
                             : hearth_err_prefix(err, "part %u of %s/%.*s from %s/%.*s", number,
                                   bucket, VIEW_ARGS(key), source->bucket, VIEW_ARGS(source->key));
}
