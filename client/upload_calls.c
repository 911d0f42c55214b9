#include "client/upload_calls.h"

#include "client/object_manifest.h"
#include "client/object_put.h"
#include "client/object_tags.h"
#include "common/codec.h"

enum hearth_code upload_name_find(struct upload_name *name, struct hearth_err *err)
{
    if (object_key_check(name->key, err) != HEARTH_OK ||
        session_ready(name->session, err) != HEARTH_OK ||
        bucket_cache_find(name->session->buckets, name->bucket_name, &name->bucket, err) !=
            HEARTH_OK) {
        return err->code;
    }
    return hex_decode(view_text(name->text), name->id, sizeof(name->id))
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_FOUND, "no upload '%.64s'", name->text);
}

static struct manifest_place place_of(
    const struct upload_name *name, const uint8_t part[MANIFEST_PART_PLACE_SIZE])
{
    struct manifest_place place = {
        .key = name->key, .part = view_of(part, MANIFEST_PART_PLACE_SIZE)};
    session_tenant_copy(name->session, place.tenant_id);
    memcpy(place.bucket_id, name->bucket.id, sizeof(place.bucket_id));
    return place;
}

enum hearth_code upload_manifest_open(const struct upload_name *name, uint32_t number,
    struct view sealed, uint32_t bucket_key_version, struct view body_id, struct arena *arena,
    struct manifest *out, struct hearth_err *err)
{
    uint8_t part[MANIFEST_PART_PLACE_SIZE];
    manifest_part_place(name->id, number, part);
    struct manifest_place place = place_of(name, part);
    enum hearth_code code =
        bucket_find_key(&name->bucket, bucket_key_version, &place.bucket_key, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (body_id.size != BODY_ID_SIZE) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's answer lacks a body's id");
    }
    return manifest_open(sealed, &place, body_id.bytes, arena, out, err);
}

/* ---- create ---- */

/* What the object will be, as far as that is known: the id of the upload takes the place of a
 * body's, so that the key is drawn for this manifest alone (D12). */
static enum hearth_code seal_upload(const struct upload_name *name,
    const struct hearth_upload_options *options, struct arena *arena, struct view *out,
    struct hearth_err *err)
{
    const struct hearth_checksum wanted = {
        .kind = options->checksum_kind, .is_composite = options->checksum_is_composite};
    const struct hearth_checksums checksums = {
        options->checksum_kind == HEARTH_CHECKSUM_NONE ? 0 : 1, &wanted};
    uint8_t part[MANIFEST_PART_PLACE_SIZE];
    struct manifest manifest = {0};
    manifest_part_place(name->id, 0, part);
    struct manifest_place place = place_of(name, part);
    place.bucket_key = bucket_newest_key(&name->bucket);
    if (object_manifest_describe(&manifest, &options->attributes, arena, err) != HEARTH_OK ||
        object_manifest_set_checksums(&manifest, &checksums, arena, err) != HEARTH_OK) {
        return err->code;
    }
    return manifest_seal(&manifest, &place, name->id, arena, out, err);
}

static enum hearth_code ask_create(struct upload_name *name,
    const struct hearth_upload_options *options, struct arena *arena, struct hearth_err *err)
{
    session_draw_id(name->session, name->id);
    struct wire_create_upload_request request = {
        .bucket = view_text(name->bucket.name),
        .bucket_id = view_of(name->bucket.id, sizeof(name->bucket.id)),
        .key = name->key,
        .upload_id = view_of(name->id, sizeof(name->id)),
        .bucket_key_version = bucket_newest_key(&name->bucket)->version,
    };
    const struct hearth_attributes *attributes = &options->attributes;
    if (seal_upload(name, options, arena, &request.manifest, err) != HEARTH_OK ||
        object_tags_encode(attributes->tags, attributes->tag_count, arena, &request.tags, err) !=
            HEARTH_OK) {
        return err->code;
    }
    const struct ask ask = {
        .method = RPC_CREATE_UPLOAD,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    struct wire_create_upload_reply reply;
    return session_ask(name->session, &ask, arena, &reply, err);
}

static enum hearth_code create(struct upload_name *name,
    const struct hearth_upload_options *options, struct arena *arena, struct hearth_err *err)
{
    if (object_key_check(name->key, err) != HEARTH_OK ||
        session_ready(name->session, err) != HEARTH_OK ||
        bucket_cache_find(name->session->buckets, name->bucket_name, &name->bucket, err) !=
            HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = ask_create(name, options, arena, err);
    if (code == HEARTH_CONFLICT && bucket_cache_refresh(name->session->buckets, &name->bucket)) {
        code = ask_create(name, options, arena, err); /* made again; nothing was done yet */
    }
    return code;
}

enum hearth_code upload_create(struct session *session, const char *bucket, struct view key,
    const struct hearth_upload_options *options, char upload[HEARTH_UPLOAD_TEXT_SIZE],
    struct hearth_err *err)
{
    static const struct hearth_upload_options nothing_special;
    struct upload_name name = {.session = session, .bucket_name = bucket, .key = key};
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code =
        create(&name, options != NULL ? options : &nothing_special, &arena, err);
    if (code == HEARTH_OK) {
        hex_encode(name.id, sizeof(name.id), upload);
    }
    arena_fini(&arena);
    crypto_wipe(&name.bucket, sizeof(name.bucket));
    return code == HEARTH_OK
        ? code
        : hearth_err_prefix(err, "begin upload of %s/%.*s", bucket, VIEW_ARGS(key));
}

/* ---- a part ---- */

enum hearth_code upload_part(struct session *session, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_source *source,
    const struct hearth_part_options *options, struct hearth_part *out, struct hearth_err *err)
{
    static const struct hearth_part_options nothing_special;
    uint8_t id[UPLOAD_ID_SIZE];
    enum hearth_code code;
    if (number == 0 || number > HEARTH_PARTS_MAX) {
        code = hearth_fail(err, HEARTH_INVALID, "parts are numbered 1 to %d", HEARTH_PARTS_MAX);
    } else if (!hex_decode(view_text(upload), id, sizeof(id))) {
        code = hearth_fail(err, HEARTH_NOT_FOUND, "no upload '%.64s'", upload);
    } else {
        code = object_put_part(session, bucket, key, id, number, source,
            options != NULL ? options : &nothing_special, out, err);
    }
    return code == HEARTH_OK
        ? code
        : hearth_err_prefix(err, "part %u of %s/%.*s", number, bucket, VIEW_ARGS(key));
}

/* ---- abort ---- */

static enum hearth_code ask_abort(const struct upload_name *name, struct hearth_err *err)
{
    const struct wire_abort_upload_request request = {
        .bucket = view_text(name->bucket_name),
        .key = name->key,
        .upload_id = view_of(name->id, sizeof(name->id)),
    };
    return session_change(name->session, RPC_ABORT_UPLOAD, &request, err);
}

enum hearth_code upload_abort(struct session *session, const char *bucket, struct view key,
    const char *upload, struct hearth_err *err)
{
    struct upload_name name = {
        .session = session, .bucket_name = bucket, .key = key, .text = upload};
    enum hearth_code code = upload_name_find(&name, err);
    if (code == HEARTH_OK) {
        code = ask_abort(&name, err);
    }
    crypto_wipe(&name.bucket, sizeof(name.bucket));
    return code == HEARTH_OK
        ? code
        : hearth_err_prefix(err, "abort upload of %s/%.*s", bucket, VIEW_ARGS(key));
}
