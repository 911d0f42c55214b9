/*
 * Uploads in parts are listed, and their parts (upload_calls.h).
 */
#include "client/upload_calls.h"

#include "client/object_manifest.h"
#include "client/object_tags.h"
#include "common/codec.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- parts ---- */

enum hearth_code upload_ask_parts(const struct upload_name *name, unsigned after, unsigned max,
    struct arena *arena, struct wire_list_parts_reply *reply, struct hearth_err *err)
{
    const struct wire_list_parts_request request = {
        .bucket = view_text(name->bucket_name),
        .key = name->key,
        .upload_id = view_of(name->id, sizeof(name->id)),
        .after = after,
        .max = max,
        .with_manifests = true,
    };
    const struct ask ask = {
        .method = RPC_LIST_PARTS, .request = &request, .patience_ms = ASK_PATIENCE_MS};
    return session_ask(name->session, &ask, arena, reply, err);
}

/* What the coordinator says in clear must be what was sealed (D2). */
static enum hearth_code compare_clear(const struct upload_name *name,
    const struct wire_part_info *info, const struct manifest *manifest, struct hearth_err *err)
{
    uint8_t column[OBJECT_ETAG_COLUMN_SIZE];
    etag_seal(&name->bucket.etag_key, manifest->md5, column);
    return info->size == manifest->size && view_equal(info->etag, view_of(column, sizeof(column)))
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CHECKSUM,
              "the coordinator's size or ETag of part %" PRIu32 " is not the sealed one",
              info->number);
}

enum hearth_code upload_part_open(const struct upload_name *name, const struct wire_part_info *info,
    struct arena *arena, struct manifest *manifest, struct hearth_part *out, struct hearth_err *err)
{
    struct hearth_part part = {
        .number = info->number,
        .size = info->size,
        .created_unix_ms = info->created_unix_ms,
    };
    if (upload_manifest_open(name, info->number, info->manifest, info->bucket_key_version,
            info->body_id, arena, manifest, err) != HEARTH_OK ||
        compare_clear(name, info, manifest, err) != HEARTH_OK ||
        object_manifest_checksums(manifest, arena, &part.checksums, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "part %" PRIu32, info->number);
    }
    object_etag_text(manifest->md5, 0, part.etag);
    *out = part;
    return HEARTH_OK;
}

/* The struct handed out is the first thing in its own memory. */
struct owned_parts {
    struct hearth_parts parts;
    struct arena arena;
};

void hearth_parts_destroy(struct hearth_parts *parts)
{
    if (parts != NULL) {
        struct owned_parts *owned = (struct owned_parts *)parts;
        arena_fini(&owned->arena);
        free(owned);
    }
}

static enum hearth_code fill_upload(const struct upload_name *name,
    const struct wire_upload_info *info, struct owned_parts *owned, struct hearth_err *err)
{
    struct hearth_parts *out = &owned->parts;
    struct hearth_attributes *attributes = &out->attributes;
    struct manifest manifest;
    if (info == NULL) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's answer lacks the upload");
    }
    if (upload_manifest_open(name, 0, info->manifest, info->bucket_key_version,
            view_of(name->id, sizeof(name->id)), &owned->arena, &manifest, err) != HEARTH_OK ||
        object_manifest_attributes(&manifest, &owned->arena, attributes, err) != HEARTH_OK ||
        object_tags_decode(info->tags, &owned->arena, &attributes->tags, &attributes->tag_count,
            err) != HEARTH_OK) {
        return err->code;
    }
    out->created_unix_ms = info->created_unix_ms;
    if (manifest.checksum_count > 0) {
        unsigned kind = manifest.checksums[0].kind;
        out->checksum_kind = (enum hearth_checksum_kind)(kind & ~(unsigned)MANIFEST_COMPOSITE);
        out->checksum_is_composite = (kind & MANIFEST_COMPOSITE) != 0;
    }
    return HEARTH_OK;
}

static enum hearth_code fill_parts(const struct upload_name *name,
    const struct wire_list_parts_reply *reply, struct owned_parts *owned, struct hearth_err *err)
{
    struct hearth_part *items =
        arena_take_array(&owned->arena, reply->parts_count + 1, sizeof(*items));
    if (items == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu parts", reply->parts_count);
    }
    for (size_t i = 0; i < reply->parts_count; i++) {
        struct manifest manifest;
        enum hearth_code code =
            upload_part_open(name, &reply->parts[i], &owned->arena, &manifest, &items[i], err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    owned->parts.items = items;
    owned->parts.count = (unsigned)reply->parts_count;
    owned->parts.more = reply->more;
    return fill_upload(name, reply->upload, owned, err);
}

enum hearth_code upload_parts(struct session *session, const char *bucket, struct view key,
    const char *upload, unsigned after, unsigned max, struct hearth_parts **out,
    struct hearth_err *err)
{
    struct upload_name name = {
        .session = session, .bucket_name = bucket, .key = key, .text = upload};
    struct owned_parts *owned = calloc(1, sizeof(*owned));
    if (owned == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "parts of %s", bucket);
    }
    arena_init(&owned->arena, 0);
    struct wire_list_parts_reply reply;
    enum hearth_code code = upload_name_find(&name, err);
    if (code == HEARTH_OK) {
        code = upload_ask_parts(&name, after, max, &owned->arena, &reply, err);
    }
    if (code == HEARTH_OK) {
        code = fill_parts(&name, &reply, owned, err);
    }
    crypto_wipe(&name.bucket, sizeof(name.bucket));
    if (code != HEARTH_OK) {
        hearth_parts_destroy(&owned->parts);
        return hearth_err_prefix(err, "parts of %s/%.*s", bucket, VIEW_ARGS(key));
    }
    *out = &owned->parts;
    return HEARTH_OK;
}

/* ---- uploads ---- */

struct owned_uploads {
    struct hearth_uploads uploads;
    struct arena arena;
};

void hearth_uploads_destroy(struct hearth_uploads *uploads)
{
    if (uploads != NULL) {
        struct owned_uploads *owned = (struct owned_uploads *)uploads;
        arena_fini(&owned->arena);
        free(owned);
    }
}

static enum hearth_code fill_uploads(const struct wire_list_uploads_reply *reply,
    struct owned_uploads *owned, struct hearth_err *err)
{
    struct hearth_upload *items =
        arena_take_array(&owned->arena, reply->uploads_count + 1, sizeof(*items));
    if (items == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu uploads", reply->uploads_count);
    }
    for (size_t i = 0; i < reply->uploads_count; i++) {
        const struct wire_upload_info *info = &reply->uploads[i];
        items[i] =
            (struct hearth_upload){.key = info->key, .created_unix_ms = info->created_unix_ms};
        hex_encode(info->upload_id.bytes, info->upload_id.size, items[i].upload);
    }
    owned->uploads = (struct hearth_uploads){
        .count = (unsigned)reply->uploads_count, .items = items, .more = reply->more};
    return HEARTH_OK;
}

static enum hearth_code ask_uploads(struct session *session,
    const struct hearth_upload_list_options *options, struct owned_uploads *owned,
    struct hearth_err *err)
{
    uint8_t after[UPLOAD_ID_SIZE];
    struct wire_list_uploads_request request = {
        .bucket = view_text(options->bucket),
        .prefix = options->prefix,
        .after_key = options->after_key,
        .max = options->max,
    };
    if (options->after_upload != NULL) {
        if (!hex_decode(view_text(options->after_upload), after, sizeof(after))) {
            return hearth_fail(err, HEARTH_INVALID, "'%.64s' is no upload", options->after_upload);
        }
        request.after_upload_id = view_of(after, sizeof(after));
    }
    const struct ask ask = {
        .method = RPC_LIST_UPLOADS, .request = &request, .patience_ms = ASK_PATIENCE_MS};
    struct wire_list_uploads_reply reply;
    enum hearth_code code = session_ready(session, err);
    if (code == HEARTH_OK) {
        code = session_ask(session, &ask, &owned->arena, &reply, err);
    }
    return code == HEARTH_OK ? fill_uploads(&reply, owned, err) : code;
}

enum hearth_code upload_list(struct session *session,
    const struct hearth_upload_list_options *options, struct hearth_uploads **out,
    struct hearth_err *err)
{
    struct owned_uploads *owned = calloc(1, sizeof(*owned));
    if (owned == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "uploads of %s", options->bucket);
    }
    arena_init(&owned->arena, 0);
    enum hearth_code code = ask_uploads(session, options, owned, err);
    if (code != HEARTH_OK) {
        hearth_uploads_destroy(&owned->uploads);
        return hearth_err_prefix(err, "uploads of %s", options->bucket);
    }
    *out = &owned->uploads;
    return HEARTH_OK;
}
