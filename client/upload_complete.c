#include "client/upload_complete.h"

#include "client/object_manifest.h"
#include "client/upload_calls.h"

#include <inttypes.h>

/* One call of upload_complete(). */
struct completion {
    struct upload_name name;
    const struct hearth_complete_options *options;
    struct arena arena;
    struct wire_precondition precondition;
    uint8_t precondition_column[OBJECT_ETAG_COLUMN_SIZE];

    /* Of the parts chosen so far. */
    unsigned chosen;
    struct wire_part_ref *refs;
    uint64_t *sizes;
    struct crypto_hash *md5_of_md5s;
    struct manifest_extent *extents;
    size_t extent_count;
    size_t extents_max;
    uint8_t checksum_kind;  /* that each part was to have; 0: none */
    uint8_t *checksums;     /* of all of them so far */
    size_t checksums_size;  /* bytes */
    unsigned checksums_got; /* parts that had one, of the same size */

    struct manifest manifest;
    uint8_t body_id[BODY_ID_SIZE];
    uint8_t etag_column[OBJECT_ETAG_COLUMN_SIZE];
};

/* ---- choosing ---- */

static enum hearth_code check_numbers(
    const struct hearth_complete_options *options, struct hearth_err *err)
{
    if (options->part_count == 0 || options->part_count > HEARTH_PARTS_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "%u parts: 1 to %d make an object",
            options->part_count, HEARTH_PARTS_MAX);
    }
    for (unsigned i = 1; i < options->part_count; i++) {
        if (options->parts[i].number <= options->parts[i - 1].number) {
            return hearth_fail(err, HEARTH_INVALID, "part numbers do not ascend");
        }
    }
    return HEARTH_OK;
}

static enum hearth_code make_room(
    struct completion *completion, size_t count, struct hearth_err *err)
{
    size_t wanted = completion->extent_count + count;
    if (wanted > MANIFEST_EXTENTS_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "more than %d pieces", MANIFEST_EXTENTS_MAX);
    }
    if (wanted > completion->extents_max) {
        size_t max = wanted > 2 * completion->extents_max ? wanted : 2 * completion->extents_max;
        struct manifest_extent *grown = arena_take_array(&completion->arena, max, sizeof(*grown));
        if (grown == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "%zu extents", max);
        }
        if (completion->extent_count > 0) {
            memcpy(grown, completion->extents, completion->extent_count * sizeof(*grown));
        }
        completion->extents = grown;
        completion->extents_max = max;
    }
    return HEARTH_OK;
}

static const struct manifest_checksum *find_checksum(
    const struct completion *completion, const struct manifest *manifest)
{
    for (size_t i = 0; completion->checksum_kind != 0 && i < manifest->checksum_count; i++) {
        if (manifest->checksums[i].kind == completion->checksum_kind &&
            manifest->checksums[i].value.size > 0) {
            return &manifest->checksums[i];
        }
    }
    return NULL;
}

/* The next part's, as long as each has had one. */
static enum hearth_code add_checksum(
    struct completion *completion, const struct manifest *manifest, struct hearth_err *err)
{
    const struct manifest_checksum *checksum = find_checksum(completion, manifest);
    if (checksum == NULL || completion->checksums_got < completion->chosen) {
        return HEARTH_OK;
    }
    size_t size = checksum->value.size;
    if (completion->checksums == NULL) {
        unsigned count = completion->options->part_count;
        completion->checksums = arena_take_array(&completion->arena, count, size);
        completion->manifest.part_checksum_size = (uint8_t)size;
        if (completion->checksums == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "checksums of %u parts", count);
        }
    }
    if (size == completion->manifest.part_checksum_size) {
        memcpy(completion->checksums + completion->checksums_size, checksum->value.bytes, size);
        completion->checksums_size += size;
        completion->checksums_got++;
    }
    return HEARTH_OK;
}

/* All of them or none. */
static void take_checksums(struct completion *completion, struct manifest *manifest)
{
    if (completion->checksums_got == completion->chosen) {
        manifest->part_checksum_kind = completion->checksum_kind;
        manifest->part_checksums = view_of(completion->checksums, completion->checksums_size);
    } else {
        manifest->part_checksum_size = 0;
    }
}

static enum hearth_code add_part(struct completion *completion, const struct wire_part_info *info,
    const struct manifest *manifest, struct hearth_err *err)
{
    if (make_room(completion, manifest->extent_count, err) != HEARTH_OK ||
        add_checksum(completion, manifest, err) != HEARTH_OK) {
        return err->code;
    }
    if (manifest->extent_count > 0) {
        memcpy(completion->extents + completion->extent_count, manifest->extents,
            manifest->extent_count * sizeof(*manifest->extents));
    }
    completion->extent_count += manifest->extent_count;
    completion->refs[completion->chosen] =
        (struct wire_part_ref){.number = info->number, .body_id = info->body_id};
    completion->sizes[completion->chosen++] = manifest->size;
    completion->manifest.size += manifest->size;
    crypto_hash_update(completion->md5_of_md5s, view_of(manifest->md5, sizeof(manifest->md5)));
    return HEARTH_OK;
}

/* A part that is there: left out, or the next that is wanted. */
static enum hearth_code choose(
    struct completion *completion, const struct wire_part_info *info, struct hearth_err *err)
{
    const struct hearth_complete_options *options = completion->options;
    if (completion->chosen == options->part_count ||
        info->number < options->parts[completion->chosen].number) {
        return HEARTH_OK;
    }
    const struct hearth_complete_part *wanted = &options->parts[completion->chosen];
    struct manifest manifest;
    struct hearth_part part;
    if (info->number > wanted->number) {
        return hearth_fail(err, HEARTH_CONFLICT, "part %u is not there", wanted->number);
    }
    enum hearth_code code =
        upload_part_open(&completion->name, info, &completion->arena, &manifest, &part, err);
    if (code == HEARTH_OK && strcmp(part.etag, wanted->etag) != 0) {
        return hearth_fail(err, HEARTH_CONFLICT, "part %u has the ETag %s, not '%.64s'",
            wanted->number, part.etag, wanted->etag);
    }
    if (code == HEARTH_OK && options->visit != NULL) {
        code = options->visit(options->visit_context, &part, err);
    }
    return code == HEARTH_OK ? add_part(completion, info, &manifest, err) : code;
}

/* The upload's own manifest is the beginning of the object's. */
static enum hearth_code take_description(
    struct completion *completion, const struct wire_upload_info *info, struct hearth_err *err)
{
    if (info == NULL) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's answer lacks the upload");
    }
    struct manifest manifest;
    enum hearth_code code =
        upload_manifest_open(&completion->name, 0, info->manifest, info->bucket_key_version,
            view_of(completion->name.id, UPLOAD_ID_SIZE), &completion->arena, &manifest, err);
    if (code == HEARTH_OK) {
        completion->manifest.headers = manifest.headers;
        completion->manifest.header_count = manifest.header_count;
        completion->manifest.metadata = manifest.metadata;
        completion->manifest.metadata_count = manifest.metadata_count;
        completion->checksum_kind = manifest.checksum_count > 0
            ? manifest.checksums[0].kind & (uint8_t)~MANIFEST_COMPOSITE
            : 0;
    }
    return code;
}

static enum hearth_code choose_all(struct completion *completion, struct hearth_err *err)
{
    unsigned after = 0;
    for (bool more = true; more;) {
        struct wire_list_parts_reply reply;
        enum hearth_code code =
            upload_ask_parts(&completion->name, after, 0, &completion->arena, &reply, err);
        if (code == HEARTH_OK && after == 0) {
            code = take_description(completion, reply.upload, err);
        }
        for (size_t i = 0; code == HEARTH_OK && i < reply.parts_count; i++) {
            after = reply.parts[i].number;
            code = choose(completion, &reply.parts[i], err);
        }
        if (code != HEARTH_OK) {
            return code;
        }
        more = reply.more && reply.parts_count > 0 &&
            completion->chosen < completion->options->part_count;
    }
    return completion->chosen == completion->options->part_count
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CONFLICT, "part %u is not there",
              completion->options->parts[completion->chosen].number);
}

/* ---- the object ---- */

static enum hearth_code seal(
    struct completion *completion, struct view *out, struct hearth_err *err)
{
    struct upload_name *name = &completion->name;
    struct manifest *manifest = &completion->manifest;
    crypto_hash_final(completion->md5_of_md5s, manifest->md5);
    manifest->parts = completion->chosen;
    manifest->part_sizes = completion->sizes;
    manifest->part_size_count = completion->chosen;
    manifest->extents = completion->extents;
    manifest->extent_count = completion->extent_count;
    take_checksums(completion, manifest);
    if (object_manifest_set_checksums(
            manifest, completion->options->checksums, &completion->arena, err) != HEARTH_OK) {
        return err->code;
    }
    etag_seal(&name->bucket.etag_key, manifest->md5, completion->etag_column);
    struct manifest_place place = {
        .bucket_key = bucket_newest_key(&name->bucket), .key = name->key};
    session_tenant_copy(name->session, place.tenant_id);
    memcpy(place.bucket_id, name->bucket.id, sizeof(place.bucket_id));
    session_draw_id(name->session, completion->body_id);
    return manifest_seal(manifest, &place, completion->body_id, &completion->arena, out, err);
}

static enum hearth_code ask_complete(struct completion *completion, struct view manifest,
    struct wire_version_info *reply, struct hearth_err *err)
{
    struct upload_name *name = &completion->name;
    const struct wire_complete_upload_request request = {
        .bucket = view_text(name->bucket.name),
        .bucket_id = view_of(name->bucket.id, sizeof(name->bucket.id)),
        .key = name->key,
        .upload_id = view_of(name->id, sizeof(name->id)),
        .precondition = &completion->precondition,
        .body_id = view_of(completion->body_id, sizeof(completion->body_id)),
        .bucket_key_version = bucket_newest_key(&name->bucket)->version,
        .manifest = manifest,
        .size = completion->manifest.size,
        .etag = view_of(completion->etag_column, sizeof(completion->etag_column)),
        .parts = completion->refs,
        .parts_count = completion->chosen,
    };
    const struct ask ask = {
        .method = RPC_COMPLETE_UPLOAD,
        .request = &request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    return session_ask(name->session, &ask, &completion->arena, reply, err);
}

static void result_of(const struct completion *completion, const struct wire_version_info *reply,
    struct hearth_put_result *out)
{
    uint8_t md5[CRYPTO_MD5_SIZE];
    const struct wire_commit_reply commit = {
        .version = reply->version, .created_unix_ms = reply->created_unix_ms};
    etag_open(&completion->name.bucket.etag_key, reply->etag.bytes, md5);
    *out = (struct hearth_put_result){0};
    object_put_result(&commit, reply->size, md5, reply->parts, out);
}

/* ---- from beginning to end ---- */

static enum hearth_code prepare(struct completion *completion, struct hearth_err *err)
{
    const struct hearth_complete_options *options = completion->options;
    if (check_numbers(options, err) != HEARTH_OK ||
        upload_name_find(&completion->name, err) != HEARTH_OK ||
        object_precondition(&options->precondition, &completion->name.bucket,
            completion->precondition_column, &completion->precondition, err) != HEARTH_OK) {
        return err->code;
    }
    completion->refs =
        arena_take_array(&completion->arena, options->part_count, sizeof(*completion->refs));
    completion->sizes =
        arena_take_array(&completion->arena, options->part_count, sizeof(*completion->sizes));
    return completion->refs != NULL && completion->sizes != NULL
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NO_MEMORY, "%u parts", options->part_count);
}

static enum hearth_code run(
    struct completion *completion, struct wire_version_info *reply, struct hearth_err *err)
{
    struct view sealed = {0};
    enum hearth_code code = choose_all(completion, err);
    if (code == HEARTH_OK) {
        code = seal(completion, &sealed, err);
    }
    if (code == HEARTH_NOT_FOUND) { /* completed before, perhaps: then its outcome is known */
        completion->chosen = 0;
        code = HEARTH_OK;
    }
    return code == HEARTH_OK ? ask_complete(completion, sealed, reply, err) : code;
}

enum hearth_code upload_complete(struct session *session, const char *bucket, struct view key,
    const char *upload, const struct hearth_complete_options *options,
    struct hearth_put_result *out, struct hearth_err *err)
{
    struct completion completion = {
        .name = {.session = session, .bucket_name = bucket, .key = key, .text = upload},
        .options = options,
        .md5_of_md5s = crypto_hash_create(CRYPTO_MD5),
    };
    arena_init(&completion.arena, 0);
    struct wire_version_info reply;
    enum hearth_code code = prepare(&completion, err);
    if (code == HEARTH_OK) {
        code = run(&completion, &reply, err);
    }
    if (code == HEARTH_OK && out != NULL) {
        result_of(&completion, &reply, out);
    }
    arena_fini(&completion.arena);
    crypto_hash_destroy(completion.md5_of_md5s);
    crypto_wipe(&completion.name.bucket, sizeof(completion.name.bucket));
    return code == HEARTH_OK
        ? code
        : hearth_err_prefix(err, "complete upload of %s/%.*s", bucket, VIEW_ARGS(key));
}
