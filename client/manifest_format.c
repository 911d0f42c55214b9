/*
 * A manifest as bytes, before it is sealed (manifest.h draws them), and back.
 */
#include "client/manifest.h"

#include "common/codec.h"
#include "proto/wire_messages.h"

#include <assert.h>

enum {
    FORMAT_FIRST = 1,
    FORMAT_PARTS = 2,
    FORMAT_PART_CHECKSUMS = 3,
    SEALED_OVERHEAD = MANIFEST_SEALED_OVERHEAD,
    CHECKSUM_SIZE_MIN = 2, /* encoded, with no value */
    PAIR_SIZE_MIN = 8,     /* encoded, with neither name nor value */
    FIXED_SIZE =
        1 + 8 + CRYPTO_MD5_SIZE + 4 + 1 + 2 + 2 + 4 + 4, /* every field that is always there */
    RUN_SIZE = sizeof(struct upload_key) + 4,
    SHORT_EXTENT_SIZE = SEGMENT_ID_SIZE + 4 + 4,
    FIXED_PARTS_SIZE = FIXED_SIZE + 4 + 4, /* of the second format */
    FIXED_PART_CHECKSUMS_SIZE = 1 + 1,     /* more in the third */
};

/* Large things come one at a time: extents or inline bytes; all else together is small. */
static_assert(FIXED_SIZE +
            MANIFEST_CHECKSUMS_MAX * (CHECKSUM_SIZE_MIN + MANIFEST_CHECKSUM_SIZE_MAX) +
            (MANIFEST_HEADERS_MAX + MANIFEST_METADATA_MAX) * PAIR_SIZE_MIN +
            MANIFEST_HEADERS_SIZE_MAX + MANIFEST_METADATA_SIZE_MAX +
            MANIFEST_EXTENTS_FIRST_MAX * MANIFEST_EXTENT_SIZE + SEALED_OVERHEAD <=
        MANIFEST_SEALED_MAX,
    "the largest manifest of the first format is allowed");
static_assert(MANIFEST_EXTENTS_MAX * SHORT_EXTENT_SIZE +
            MANIFEST_PARTS_MAX * (RUN_SIZE + 8 + CRYPTO_SHA256_SIZE) +
            (MANIFEST_HEADERS_MAX + MANIFEST_METADATA_MAX) * PAIR_SIZE_MIN +
            MANIFEST_HEADERS_SIZE_MAX + MANIFEST_METADATA_SIZE_MAX + 64 * 1024 <=
        MANIFEST_SEALED_MAX,
    "and of the others, when each part has one key, and a SHA-256");
static_assert((int)MANIFEST_EXTENTS_MAX == WIRE_EXTENTS_MAX, "and can be sent");
static_assert((int)MANIFEST_SEALED_MAX == WIRE_MANIFEST_MAX, "to the last byte");

/* ---- rules ---- */

/* Bytes of names and values. */
static size_t pairs_size(const struct manifest_pair *pairs, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += pairs[i].name.size + pairs[i].value.size;
    }
    return size;
}

static bool has_empty_name(const struct manifest_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].name.size == 0) {
            return true;
        }
    }
    return false;
}

static bool checksums_fit(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->checksum_count; i++) {
        if (manifest->checksums[i].value.size > MANIFEST_CHECKSUM_SIZE_MAX) {
            return false;
        }
    }
    return true;
}

/* NULL: every extent lies in a segment, and together they are the object. */
static const char *what_is_wrong_with_extents(const struct manifest *manifest)
{
    uint64_t sum = 0; /* cannot overflow: 92,000 times 64 MiB */
    for (size_t i = 0; i < manifest->extent_count; i++) {
        const struct manifest_extent *extent = &manifest->extents[i];
        if (extent->length == 0 || extent->length > EC_SEGMENT_PLAIN_MAX ||
            extent->offset > EC_SEGMENT_PLAIN_MAX - extent->length) {
            return "an extent lies outside its segment";
        }
        sum += extent->length;
    }
    return manifest->inline_bytes.size + sum == manifest->size ? NULL
                                                               : "its parts are not its size";
}

/* NULL: there are none, or they are the object. */
static const char *what_is_wrong_with_parts(const struct manifest *manifest)
{
    if (manifest->part_size_count == 0) {
        return NULL;
    }
    if (manifest->part_size_count != manifest->parts || manifest->parts > MANIFEST_PARTS_MAX) {
        return "another number of part sizes than of parts, or more than 10,000";
    }
    uint64_t left = manifest->size;
    for (size_t i = 0; i < manifest->part_size_count; i++) {
        if (manifest->part_sizes[i] > left) {
            return "its parts are more than its size";
        }
        left -= manifest->part_sizes[i];
    }
    return left == 0 ? NULL : "its parts are less than its size";
}

/* NULL: there are none, or one for each part. */
static const char *what_is_wrong_with_part_checksums(const struct manifest *manifest)
{
    return manifest->part_checksum_size <= MANIFEST_CHECKSUM_SIZE_MAX &&
            manifest->part_checksums.size ==
                manifest->part_size_count * manifest->part_checksum_size
        ? NULL
        : "another number of checksums than of parts, or one of more than 64 bytes";
}

/* NULL: nothing.  Says the same to who writes a manifest and to who reads one. */
static const char *what_is_wrong(const struct manifest *manifest)
{
    if (manifest->checksum_count > MANIFEST_CHECKSUMS_MAX || !checksums_fit(manifest)) {
        return "more than 8 checksums, or one of more than 64 bytes";
    }
    if (manifest->header_count > MANIFEST_HEADERS_MAX ||
        pairs_size(manifest->headers, manifest->header_count) > MANIFEST_HEADERS_SIZE_MAX) {
        return "more than 32 headers or 8,192 bytes of them";
    }
    if (manifest->metadata_count > MANIFEST_METADATA_MAX ||
        pairs_size(manifest->metadata, manifest->metadata_count) > MANIFEST_METADATA_SIZE_MAX) {
        return "more than 2,048 bytes of metadata";
    }
    if (has_empty_name(manifest->headers, manifest->header_count) ||
        has_empty_name(manifest->metadata, manifest->metadata_count)) {
        return "a header or metadata without a name";
    }
    if (manifest->extent_count > MANIFEST_EXTENTS_MAX) {
        return "more than 92,000 extents";
    }
    if (manifest->inline_bytes.size > MANIFEST_INLINE_MAX ||
        (manifest->inline_bytes.size > 0 && manifest->extent_count > 0)) {
        return "more than 64 KiB of inline bytes, or some beside extents";
    }
    const char *wrong = what_is_wrong_with_extents(manifest);
    wrong = wrong != NULL ? wrong : what_is_wrong_with_parts(manifest);
    return wrong != NULL ? wrong : what_is_wrong_with_part_checksums(manifest);
}

/* ---- encoding ---- */

static uint8_t format_of(const struct manifest *manifest)
{
    if (manifest->part_checksums.size > 0) {
        return FORMAT_PART_CHECKSUMS;
    }
    return manifest->part_size_count > 0 || manifest->extent_count > MANIFEST_EXTENTS_FIRST_MAX
        ? FORMAT_PARTS
        : FORMAT_FIRST;
}

static bool has_key(const struct manifest_extent *extent, const struct upload_key *key)
{
    return memcmp(&extent->upload_key, key, sizeof(*key)) == 0;
}

/* Extents from `first` on that have its key. */
static size_t run_length(const struct manifest *manifest, size_t first)
{
    const struct manifest_extent *extents = manifest->extents;
    size_t end = first + 1;
    while (end < manifest->extent_count && has_key(&extents[end], &extents[first].upload_key)) {
        end++;
    }
    return end - first;
}

static size_t count_runs(const struct manifest *manifest)
{
    size_t count = 0;
    for (size_t i = 0; i < manifest->extent_count; i += run_length(manifest, i)) {
        count++;
    }
    return count;
}

static size_t extents_size(const struct manifest *manifest)
{
    uint8_t format = format_of(manifest);
    if (format == FORMAT_FIRST) {
        return manifest->extent_count * MANIFEST_EXTENT_SIZE;
    }
    size_t checksums = format == FORMAT_PART_CHECKSUMS
        ? FIXED_PART_CHECKSUMS_SIZE + manifest->part_checksums.size
        : 0;
    return FIXED_PARTS_SIZE - FIXED_SIZE + manifest->extent_count * SHORT_EXTENT_SIZE +
        count_runs(manifest) * RUN_SIZE + manifest->part_size_count * sizeof(uint64_t) + checksums;
}

static size_t encoded_size(const struct manifest *manifest)
{
    size_t size = FIXED_SIZE + manifest->inline_bytes.size + extents_size(manifest);
    for (size_t i = 0; i < manifest->checksum_count; i++) {
        size += CHECKSUM_SIZE_MIN + manifest->checksums[i].value.size;
    }
    size += pairs_size(manifest->headers, manifest->header_count);
    size += pairs_size(manifest->metadata, manifest->metadata_count);
    return size + (manifest->header_count + manifest->metadata_count) * PAIR_SIZE_MIN;
}

static void write_pairs(struct writer *writer, const struct manifest_pair *pairs, size_t count)
{
    writer_u16(writer, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        writer_sized(writer, pairs[i].name);
        writer_sized(writer, pairs[i].value);
    }
}

static void write_checksums(struct writer *writer, const struct manifest *manifest)
{
    writer_u8(writer, (uint8_t)manifest->checksum_count);
    for (size_t i = 0; i < manifest->checksum_count; i++) {
        struct view value = manifest->checksums[i].value;
        writer_u8(writer, manifest->checksums[i].kind);
        writer_u8(writer, (uint8_t)value.size);
        writer_bytes(writer, value.bytes, value.size);
    }
}

static void write_extents(struct writer *writer, const struct manifest *manifest)
{
    writer_u32(writer, (uint32_t)manifest->extent_count);
    for (size_t i = 0; i < manifest->extent_count; i++) {
        const struct manifest_extent *extent = &manifest->extents[i];
        writer_bytes(writer, extent->segment_id, sizeof(extent->segment_id));
        writer_u64(writer, extent->offset);
        writer_u64(writer, extent->length);
        writer_bytes(writer, extent->upload_key.bytes, sizeof(extent->upload_key.bytes));
    }
}

static void write_runs(struct writer *writer, const struct manifest *manifest)
{
    writer_u32(writer, (uint32_t)count_runs(manifest));
    for (size_t i = 0, length; i < manifest->extent_count; i += length) {
        length = run_length(manifest, i);
        const struct upload_key *key = &manifest->extents[i].upload_key;
        writer_bytes(writer, key->bytes, sizeof(key->bytes));
        writer_u32(writer, (uint32_t)length);
    }
}

static void write_short_extents(struct writer *writer, const struct manifest *manifest)
{
    write_runs(writer, manifest);
    writer_u32(writer, (uint32_t)manifest->extent_count);
    for (size_t i = 0; i < manifest->extent_count; i++) {
        const struct manifest_extent *extent = &manifest->extents[i];
        writer_bytes(writer, extent->segment_id, sizeof(extent->segment_id));
        writer_u32(writer, (uint32_t)extent->offset);
        writer_u32(writer, (uint32_t)extent->length);
    }
    writer_u32(writer, (uint32_t)manifest->part_size_count);
    for (size_t i = 0; i < manifest->part_size_count; i++) {
        writer_u64(writer, manifest->part_sizes[i]);
    }
    if (format_of(manifest) == FORMAT_PART_CHECKSUMS) {
        writer_u8(writer, manifest->part_checksum_kind);
        writer_u8(writer, manifest->part_checksum_size);
        writer_bytes(writer, manifest->part_checksums.bytes, manifest->part_checksums.size);
    }
}

enum hearth_code manifest_encode(
    const struct manifest *manifest, struct arena *arena, struct view *out, struct hearth_err *err)
{
    const char *wrong = what_is_wrong(manifest);
    if (wrong != NULL) {
        return hearth_fail(err, HEARTH_INVALID, "manifest: %s", wrong);
    }
    size_t size = encoded_size(manifest);
    if (size + SEALED_OVERHEAD > MANIFEST_SEALED_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "manifest of %zu bytes: too many keys", size);
    }
    uint8_t *bytes = arena_take(arena, size);
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "manifest of %zu bytes", size);
    }
    struct writer writer = writer_of(bytes, size);
    writer_u8(&writer, format_of(manifest));
    writer_u64(&writer, manifest->size);
    writer_bytes(&writer, manifest->md5, sizeof(manifest->md5));
    writer_u32(&writer, manifest->parts);
    write_checksums(&writer, manifest);
    write_pairs(&writer, manifest->headers, manifest->header_count);
    write_pairs(&writer, manifest->metadata, manifest->metadata_count);
    if (format_of(manifest) == FORMAT_FIRST) {
        write_extents(&writer, manifest);
    } else {
        write_short_extents(&writer, manifest);
    }
    writer_sized(&writer, manifest->inline_bytes);
    assert(!writer.failed);
    assert(writer.size == size);
    *out = view_of(bytes, size);
    return HEARTH_OK;
}

/* ---- decoding ---- */

/*
 * Room for as many items as the bytes that are left can hold, so that a count that lies takes no
 * memory.  *out NULL and count 0 with reader->failed: it does lie.
 */
static enum hearth_code take_items(struct reader *reader, size_t *count, size_t encoded_size_min,
    struct arena *arena, size_t item_size, void **out, struct hearth_err *err)
{
    *out = NULL;
    if (reader->failed || *count > reader->left / encoded_size_min) {
        reader->failed = true;
        *count = 0;
    }
    if (*count == 0) {
        return HEARTH_OK;
    }
    *out = arena_take_array(arena, *count, item_size);
    if (*out == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "manifest: %zu items", *count);
    }
    return HEARTH_OK;
}

static enum hearth_code read_checksums(
    struct reader *reader, struct arena *arena, struct manifest *out, struct hearth_err *err)
{
    void *items;
    out->checksum_count = reader_u8(reader);
    if (take_items(reader, &out->checksum_count, CHECKSUM_SIZE_MIN, arena,
            sizeof(struct manifest_checksum), &items, err) != HEARTH_OK) {
        return err->code;
    }
    struct manifest_checksum *checksums = items;
    for (size_t i = 0; i < out->checksum_count; i++) {
        checksums[i].kind = reader_u8(reader);
        checksums[i].value = reader_view(reader, reader_u8(reader));
    }
    out->checksums = checksums;
    return HEARTH_OK;
}

static enum hearth_code read_pairs(struct reader *reader, struct arena *arena, size_t *count,
    const struct manifest_pair **out, struct hearth_err *err)
{
    void *items;
    *count = reader_u16(reader);
    if (take_items(reader, count, PAIR_SIZE_MIN, arena, sizeof(struct manifest_pair), &items,
            err) != HEARTH_OK) {
        return err->code;
    }
    struct manifest_pair *pairs = items;
    for (size_t i = 0; i < *count; i++) {
        pairs[i].name = reader_sized(reader);
        pairs[i].value = reader_sized(reader);
    }
    *out = pairs;
    return HEARTH_OK;
}

static enum hearth_code read_extents(
    struct reader *reader, struct arena *arena, struct manifest *out, struct hearth_err *err)
{
    void *items;
    out->extent_count = reader_u32(reader);
    if (take_items(reader, &out->extent_count, MANIFEST_EXTENT_SIZE, arena,
            sizeof(struct manifest_extent), &items, err) != HEARTH_OK) {
        return err->code;
    }
    struct manifest_extent *extents = items;
    for (size_t i = 0; i < out->extent_count; i++) {
        reader_bytes(reader, extents[i].segment_id, sizeof(extents[i].segment_id));
        extents[i].offset = reader_u64(reader);
        extents[i].length = reader_u64(reader);
        reader_bytes(reader, extents[i].upload_key.bytes, sizeof(extents[i].upload_key.bytes));
    }
    out->extents = extents;
    return HEARTH_OK;
}

/* Where the runs of keys lie; what follows says how many extents they are for. */
static struct reader skip_runs(struct reader *reader, size_t *count)
{
    *count = reader_u32(reader);
    if (reader->failed || *count > reader->left / RUN_SIZE) {
        reader->failed = true;
        *count = 0;
    }
    return reader_of(reader_view(reader, *count * RUN_SIZE));
}

/* Each run's key to its extents; they are as many as the runs say, and no run goes on in the next.
 */
static void spread_keys(struct reader *reader, struct reader runs, size_t run_count,
    struct manifest_extent *extents, size_t extent_count)
{
    size_t next = 0;
    for (size_t i = 0; i < run_count && !reader->failed; i++) {
        struct upload_key key;
        reader_bytes(&runs, key.bytes, sizeof(key.bytes));
        size_t length = reader_u32(&runs);
        reader->failed = length == 0 || length > extent_count - next ||
            (next > 0 && has_key(&extents[next - 1], &key));
        for (size_t j = 0; j < length && !reader->failed; j++) {
            extents[next++].upload_key = key;
        }
    }
    reader->failed |= next != extent_count;
}

static enum hearth_code read_short_extents(
    struct reader *reader, struct arena *arena, struct manifest *out, struct hearth_err *err)
{
    void *items;
    size_t run_count;
    struct reader runs = skip_runs(reader, &run_count);
    out->extent_count = reader_u32(reader);
    if (take_items(reader, &out->extent_count, SHORT_EXTENT_SIZE, arena,
            sizeof(struct manifest_extent), &items, err) != HEARTH_OK) {
        return err->code;
    }
    struct manifest_extent *extents = items;
    for (size_t i = 0; i < out->extent_count; i++) {
        reader_bytes(reader, extents[i].segment_id, sizeof(extents[i].segment_id));
        extents[i].offset = reader_u32(reader);
        extents[i].length = reader_u32(reader);
    }
    spread_keys(reader, runs, run_count, extents, out->extent_count);
    out->extents = extents;
    return HEARTH_OK;
}

static enum hearth_code read_part_sizes(
    struct reader *reader, struct arena *arena, struct manifest *out, struct hearth_err *err)
{
    void *items;
    out->part_size_count = reader_u32(reader);
    if (take_items(reader, &out->part_size_count, sizeof(uint64_t), arena, sizeof(uint64_t), &items,
            err) != HEARTH_OK) {
        return err->code;
    }
    uint64_t *sizes = items;
    for (size_t i = 0; i < out->part_size_count; i++) {
        sizes[i] = reader_u64(reader);
    }
    out->part_sizes = sizes;
    return HEARTH_OK;
}

/* What is not there fails when the reader is asked for its end. */
static void read_part_checksums(struct reader *reader, struct manifest *out)
{
    out->part_checksum_kind = reader_u8(reader);
    out->part_checksum_size = reader_u8(reader);
    out->part_checksums = reader_view(reader, out->part_size_count * out->part_checksum_size);
}

static enum hearth_code read_lists(struct reader *reader, unsigned version, struct arena *arena,
    struct manifest *out, struct hearth_err *err)
{
    if (read_checksums(reader, arena, out, err) != HEARTH_OK ||
        read_pairs(reader, arena, &out->header_count, &out->headers, err) != HEARTH_OK ||
        read_pairs(reader, arena, &out->metadata_count, &out->metadata, err) != HEARTH_OK) {
        return err->code;
    }
    if (version == FORMAT_FIRST) {
        return read_extents(reader, arena, out, err);
    }
    enum hearth_code code = read_short_extents(reader, arena, out, err);
    if (code == HEARTH_OK) {
        code = read_part_sizes(reader, arena, out, err);
    }
    if (code == HEARTH_OK && version == FORMAT_PART_CHECKSUMS) {
        read_part_checksums(reader, out);
    }
    return code;
}

static enum hearth_code unknown_version(unsigned version, struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
        "manifest of format %u; this program reads up to %d", version, FORMAT_PART_CHECKSUMS);
}

enum hearth_code manifest_decode(
    struct view bytes, struct arena *arena, struct manifest *out, struct hearth_err *err)
{
    struct reader reader = reader_of(bytes);
    struct manifest manifest = {0};
    unsigned version = reader_u8(&reader);
    if (!reader.failed && (version < FORMAT_FIRST || version > FORMAT_PART_CHECKSUMS)) {
        return unknown_version(version, err);
    }
    manifest.size = reader_u64(&reader);
    reader_bytes(&reader, manifest.md5, sizeof(manifest.md5));
    manifest.parts = reader_u32(&reader);
    if (read_lists(&reader, version, arena, &manifest, err) != HEARTH_OK) {
        return err->code;
    }
    manifest.inline_bytes = reader_sized(&reader);
    const char *wrong =
        reader_at_end(&reader) ? what_is_wrong(&manifest) : "it does not end where it should";
    if (wrong == NULL && version != format_of(&manifest)) {
        wrong = "it is not in the format that such a one is written in";
    }
    if (wrong != NULL) {
        return hearth_fail(err, HEARTH_CHECKSUM, "manifest: %s", wrong);
    }
    *out = manifest;
    return HEARTH_OK;
}
