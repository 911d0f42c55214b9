#include "client/object_manifest.h"

#include "common/codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char content_type_name[] = "content-type";
static const char content_type_preset[] = "application/octet-stream";

enum hearth_code object_key_check(struct view key, struct hearth_err *err)
{
    if (key.size == 0 || key.size > HEARTH_KEY_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "a key has 1 to %d bytes, this one %zu", HEARTH_KEY_MAX, key.size);
    }
    return HEARTH_OK;
}

static enum hearth_code check_description(const char *content_type,
    const struct hearth_metadata *metadata, unsigned metadata_count, struct hearth_err *err)
{
    if (strlen(content_type) > HEARTH_CONTENT_TYPE_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "content type of %zu bytes, at most %d",
            strlen(content_type), HEARTH_CONTENT_TYPE_MAX);
    }
    size_t size = 0;
    for (unsigned i = 0; i < metadata_count; i++) {
        if (metadata[i].name[0] == '\0') {
            return hearth_fail(err, HEARTH_INVALID, "metadata without a name");
        }
        size += strlen(metadata[i].name) + metadata[i].value.size;
    }
    if (size > HEARTH_METADATA_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "%zu bytes of metadata, at most %d", size, HEARTH_METADATA_MAX);
    }
    return HEARTH_OK;
}

enum hearth_code object_manifest_describe(struct manifest *manifest, const char *content_type,
    const struct hearth_metadata *metadata, unsigned metadata_count, struct arena *arena,
    struct hearth_err *err)
{
    content_type = content_type != NULL ? content_type : content_type_preset;
    enum hearth_code code = check_description(content_type, metadata, metadata_count, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct manifest_pair *pairs = arena_take_array(arena, metadata_count + 1, sizeof(*pairs));
    if (pairs == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata");
    }
    pairs[0] = (struct manifest_pair){view_text(content_type_name), view_text(content_type)};
    for (unsigned i = 0; i < metadata_count; i++) {
        pairs[i + 1] = (struct manifest_pair){view_text(metadata[i].name), metadata[i].value};
    }
    manifest->headers = pairs;
    manifest->header_count = 1;
    manifest->metadata = pairs + 1;
    manifest->metadata_count = metadata_count;
    return HEARTH_OK;
}

static const char *read_content_type(const struct manifest *manifest, struct arena *arena)
{
    for (size_t i = 0; i < manifest->header_count; i++) {
        if (view_equal(manifest->headers[i].name, view_text(content_type_name))) {
            return arena_text(arena, manifest->headers[i].value);
        }
    }
    return content_type_preset;
}

static enum hearth_code read_metadata(const struct manifest *manifest, struct arena *arena,
    struct hearth_object *out, struct hearth_err *err)
{
    struct hearth_metadata *metadata =
        arena_take_array(arena, manifest->metadata_count + 1, sizeof(*metadata));
    for (size_t i = 0; metadata != NULL && i < manifest->metadata_count; i++) {
        const struct manifest_pair *pair = &manifest->metadata[i];
        metadata[i].name = arena_text(arena, pair->name);
        metadata[i].value = arena_copy(arena, pair->value);
        bool is_copied = metadata[i].value.bytes != NULL || pair->value.size == 0;
        if (metadata[i].name == NULL || !is_copied) {
            metadata = NULL;
        }
    }
    if (metadata == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata");
    }
    out->metadata_count = (unsigned)manifest->metadata_count;
    out->metadata = metadata;
    return HEARTH_OK;
}

enum hearth_code object_manifest_read(const struct manifest *manifest, struct view key,
    const struct wire_version_info *info, struct arena *arena, struct hearth_object *out,
    struct hearth_err *err)
{
    struct hearth_object object = {
        .key = arena_copy(arena, key),
        .size = manifest->size,
        .created_unix_ms = info->created_unix_ms,
        .content_type = read_content_type(manifest, arena),
    };
    if (object.key.bytes == NULL || object.content_type == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "an object's description");
    }
    hex_encode(info->version.bytes, info->version.size, object.version);
    object_etag_text(manifest->md5, manifest->parts, object.etag);
    enum hearth_code code = read_metadata(manifest, arena, &object, err);
    if (code == HEARTH_OK) {
        *out = object;
    }
    return code;
}

enum hearth_code object_version_read(
    const char *text, uint8_t bytes[OBJECT_VERSION_SIZE], struct view *out, struct hearth_err *err)
{
    *out = (struct view){0};
    if (text != NULL) {
        if (!hex_decode(view_text(text), bytes, OBJECT_VERSION_SIZE)) {
            return hearth_fail(err, HEARTH_INVALID, "'%.64s' is no version", text);
        }
        *out = view_of(bytes, OBJECT_VERSION_SIZE);
    }
    return HEARTH_OK;
}

void object_etag_text(
    const uint8_t md5[CRYPTO_MD5_SIZE], uint32_t parts, char text[HEARTH_ETAG_TEXT_SIZE])
{
    hex_encode(md5, CRYPTO_MD5_SIZE, text);
    if (parts > 0) {
        size_t used = 2 * (size_t)CRYPTO_MD5_SIZE;
        snprintf(text + used, HEARTH_ETAG_TEXT_SIZE - used, "-%" PRIu32, parts);
    }
}

/* "<32 hex digits>" or "<32 hex digits>-<number>". */
static bool parse_etag(const char *text, uint8_t md5[CRYPTO_MD5_SIZE], uint32_t *out_parts)
{
    size_t digits = 2 * (size_t)CRYPTO_MD5_SIZE;
    if (strlen(text) < digits || !hex_decode(view_of(text, digits), md5, CRYPTO_MD5_SIZE)) {
        return false;
    }
    *out_parts = 0;
    if (text[digits] == '\0') {
        return true;
    }
    char *end;
    unsigned long parts = strtoul(text + digits + 1, &end, 10);
    *out_parts = (uint32_t)parts;
    return text[digits] == '-' && *end == '\0' && 0 < parts && parts <= UINT32_MAX;
}

enum hearth_code object_precondition(const struct hearth_precondition *precondition,
    const struct bucket *bucket, uint8_t column[OBJECT_ETAG_COLUMN_SIZE],
    struct wire_precondition *out, struct hearth_err *err)
{
    *out = (struct wire_precondition){
        .must_not_exist = precondition->must_not_exist,
        .must_exist = precondition->must_exist,
    };
    if (precondition->must_have_etag != NULL) {
        uint8_t md5[CRYPTO_MD5_SIZE];
        if (!parse_etag(precondition->must_have_etag, md5, &out->must_have_parts)) {
            return hearth_fail(
                err, HEARTH_INVALID, "'%.64s' is no ETag", precondition->must_have_etag);
        }
        etag_seal(&bucket->etag_key, md5, column);
        out->must_have_etag = view_of(column, OBJECT_ETAG_COLUMN_SIZE);
    }
    return HEARTH_OK;
}

void object_put_result(const struct wire_commit_reply *reply, uint64_t size,
    const uint8_t md5[CRYPTO_MD5_SIZE], uint32_t parts, struct hearth_put_result *out)
{
    out->size = size;
    hex_encode(reply->version.bytes, reply->version.size, out->version);
    object_etag_text(md5, parts, out->etag);
}
