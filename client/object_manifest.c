#include "client/object_manifest.h"

#include "client/object_tags.h"
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

static size_t pairs_size(const struct hearth_metadata *pairs, unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        size += strlen(pairs[i].name) + pairs[i].value.size;
    }
    return size;
}

static bool has_empty_name(const struct hearth_metadata *pairs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (pairs[i].name[0] == '\0') {
            return true;
        }
    }
    return false;
}

static enum hearth_code check_attributes(
    const struct hearth_attributes *attributes, const char *content_type, struct hearth_err *err)
{
    if (strlen(content_type) > HEARTH_CONTENT_TYPE_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "content type of %zu bytes, at most %d",
            strlen(content_type), HEARTH_CONTENT_TYPE_MAX);
    }
    if (has_empty_name(attributes->metadata, attributes->metadata_count) ||
        has_empty_name(attributes->headers, attributes->header_count)) {
        return hearth_fail(err, HEARTH_INVALID, "metadata without a name");
    }
    size_t size = pairs_size(attributes->metadata, attributes->metadata_count);
    if (size > HEARTH_METADATA_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "%zu bytes of metadata, at most %d", size, HEARTH_METADATA_MAX);
    }
    if (attributes->header_count > HEARTH_HEADERS_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "%u headers, at most %d", attributes->header_count,
            HEARTH_HEADERS_MAX);
    }
    return HEARTH_OK;
}

static void copy_pairs(
    struct manifest_pair *out, const struct hearth_metadata *pairs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        out[i] = (struct manifest_pair){view_text(pairs[i].name), pairs[i].value};
    }
}

enum hearth_code object_manifest_describe(struct manifest *manifest,
    const struct hearth_attributes *attributes, struct arena *arena, struct hearth_err *err)
{
    const char *content_type =
        attributes->content_type != NULL ? attributes->content_type : content_type_preset;
    enum hearth_code code = check_attributes(attributes, content_type, err);
    if (code != HEARTH_OK) {
        return code;
    }
    size_t header_count = 1 + (size_t)attributes->header_count;
    struct manifest_pair *pairs =
        arena_take_array(arena, header_count + attributes->metadata_count, sizeof(*pairs));
    if (pairs == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata");
    }
    pairs[0] = (struct manifest_pair){view_text(content_type_name), view_text(content_type)};
    copy_pairs(pairs + 1, attributes->headers, attributes->header_count);
    copy_pairs(pairs + header_count, attributes->metadata, attributes->metadata_count);
    manifest->headers = pairs;
    manifest->header_count = header_count;
    manifest->metadata = pairs + header_count;
    manifest->metadata_count = attributes->metadata_count;
    return HEARTH_OK;
}

/* NULL: no memory. */
static const struct hearth_metadata *read_pairs(
    const struct manifest_pair *pairs, size_t count, struct arena *arena)
{
    struct hearth_metadata *out = arena_take_array(arena, count + 1, sizeof(*out));
    for (size_t i = 0; out != NULL && i < count; i++) {
        out[i].name = arena_text(arena, pairs[i].name);
        out[i].value = arena_copy(arena, pairs[i].value);
        bool is_copied = out[i].value.bytes != NULL || pairs[i].value.size == 0;
        if (out[i].name == NULL || !is_copied) {
            return NULL;
        }
    }
    return out;
}

/* The content type stands first, where there is one. */
static bool has_content_type(const struct manifest *manifest)
{
    return manifest->header_count > 0 &&
        view_equal(manifest->headers[0].name, view_text(content_type_name));
}

enum hearth_code object_manifest_attributes(const struct manifest *manifest, struct arena *arena,
    struct hearth_attributes *out, struct hearth_err *err)
{
    size_t first = has_content_type(manifest) ? 1 : 0;
    struct hearth_attributes attributes = {
        .content_type =
            first > 0 ? arena_text(arena, manifest->headers[0].value) : content_type_preset,
        .header_count = (unsigned)(manifest->header_count - first),
        .headers = read_pairs(manifest->headers + first, manifest->header_count - first, arena),
        .metadata_count = (unsigned)manifest->metadata_count,
        .metadata = read_pairs(manifest->metadata, manifest->metadata_count, arena),
    };
    if (attributes.content_type == NULL || attributes.headers == NULL ||
        attributes.metadata == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata");
    }
    *out = attributes;
    return HEARTH_OK;
}

/* ---- checksums ---- */

enum hearth_code object_manifest_set_checksums(struct manifest *manifest,
    const struct hearth_checksums *checksums, struct arena *arena, struct hearth_err *err)
{
    unsigned count = checksums != NULL ? checksums->count : 0;
    struct manifest_checksum *items = arena_take_array(arena, count + 1u, sizeof(*items));
    if (items == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "checksums");
    }
    for (unsigned i = 0; i < count; i++) {
        const struct hearth_checksum *item = &checksums->items[i];
        unsigned flag = item->is_composite ? MANIFEST_COMPOSITE : 0u;
        items[i] = (struct manifest_checksum){(uint8_t)(item->kind | flag), item->value};
    }
    manifest->checksums = items;
    manifest->checksum_count = count;
    return HEARTH_OK;
}

enum hearth_code object_manifest_checksums(const struct manifest *manifest, struct arena *arena,
    struct hearth_checksums *out, struct hearth_err *err)
{
    size_t count = manifest->checksum_count;
    struct hearth_checksum *items = arena_take_array(arena, count + 1, sizeof(*items));
    if (items == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "checksums");
    }
    for (size_t i = 0; i < count; i++) {
        const struct manifest_checksum *item = &manifest->checksums[i];
        items[i] = (struct hearth_checksum){
            .kind = (enum hearth_checksum_kind)(item->kind & ~(unsigned)MANIFEST_COMPOSITE),
            .is_composite = (item->kind & MANIFEST_COMPOSITE) != 0,
            .value = arena_copy(arena, item->value),
        };
        if (items[i].value.size != item->value.size) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "checksums");
        }
    }
    *out = (struct hearth_checksums){(unsigned)count, items};
    return HEARTH_OK;
}

/* ---- the whole ---- */

static enum hearth_code read_part_sizes(const struct manifest *manifest, struct arena *arena,
    struct hearth_object *out, struct hearth_err *err)
{
    out->part_count = manifest->parts;
    size_t count = manifest->part_size_count;
    if (count == 0) {
        return HEARTH_OK;
    }
    struct view copy = arena_copy(arena, view_of(manifest->part_sizes, count * sizeof(uint64_t)));
    out->part_sizes = (const uint64_t *)(const void *)copy.bytes;
    return copy.bytes != NULL ? HEARTH_OK : hearth_fail(err, HEARTH_NO_MEMORY, "%zu parts", count);
}

static enum hearth_code read_part_checksums(const struct manifest *manifest, struct arena *arena,
    struct hearth_object *out, struct hearth_err *err)
{
    size_t size = manifest->part_checksum_size;
    size_t count = size > 0 ? manifest->part_size_count : 0;
    if (count == 0) {
        return HEARTH_OK;
    }
    struct view copy = arena_copy(arena, manifest->part_checksums);
    struct hearth_checksum *items = arena_take_array(arena, count, sizeof(*items));
    if (copy.bytes == NULL || items == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "checksums of %zu parts", count);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct hearth_checksum){
            .kind = (enum hearth_checksum_kind)manifest->part_checksum_kind,
            .value = view_of(copy.bytes + i * size, size),
        };
    }
    out->part_checksums = items;
    return HEARTH_OK;
}

enum hearth_code object_manifest_read(const struct manifest *manifest, struct view key,
    const struct wire_version_info *info, struct view tags, struct arena *arena,
    struct hearth_object *out, struct hearth_err *err)
{
    struct hearth_object object = {
        .key = arena_copy(arena, key),
        .size = manifest->size,
        .created_unix_ms = info->created_unix_ms,
    };
    struct view kept_tags = arena_copy(arena, tags);
    if (object.key.bytes == NULL || kept_tags.size != tags.size) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "an object's description");
    }
    hex_encode(info->version.bytes, info->version.size, object.version);
    object_etag_text(manifest->md5, manifest->parts, object.etag);
    struct hearth_attributes *attributes = &object.attributes;
    if (object_manifest_attributes(manifest, arena, attributes, err) != HEARTH_OK ||
        object_manifest_checksums(manifest, arena, &object.checksums, err) != HEARTH_OK ||
        read_part_sizes(manifest, arena, &object, err) != HEARTH_OK ||
        read_part_checksums(manifest, arena, &object, err) != HEARTH_OK ||
        object_tags_decode(kept_tags, arena, &attributes->tags, &attributes->tag_count, err) !=
            HEARTH_OK) {
        return err->code;
    }
    *out = object;
    return HEARTH_OK;
}

enum hearth_code object_manifest_extents(const struct manifest *manifest, struct arena *arena,
    const struct wire_extent **out, struct hearth_err *err)
{
    size_t count = manifest->extent_count;
    struct wire_extent *extents = arena_take_array(arena, count + 1, sizeof(*extents));
    if (extents == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu extents", count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct manifest_extent *extent = &manifest->extents[i];
        extents[i] = (struct wire_extent){
            .segment_id = view_of(extent->segment_id, SEGMENT_ID_SIZE),
            .offset = extent->offset,
            .length = extent->length,
        };
    }
    *out = extents;
    return HEARTH_OK;
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
    out->created_unix_ms = reply->created_unix_ms;
    hex_encode(reply->version.bytes, reply->version.size, out->version);
    object_etag_text(md5, parts, out->etag);
}
