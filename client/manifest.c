#include "client/manifest.h"

#include "common/codec.h"
#include "proto/wire_messages.h"

#include <assert.h>
#include <inttypes.h>

enum {
    FORMAT_VERSION = 1,
    SEALED_OVERHEAD = 1 + CRYPTO_TAG_SIZE,
    CHECKSUM_SIZE_MIN = 2, /* encoded, with no value */
    PAIR_SIZE_MIN = 8,     /* encoded, with neither name nor value */
    FIXED_SIZE =
        1 + 8 + CRYPTO_MD5_SIZE + 4 + 1 + 2 + 2 + 4 + 4, /* every field that is always there */
};

/* Large things come one at a time: extents or inline bytes; all else together is small. */
static_assert(FIXED_SIZE +
            MANIFEST_CHECKSUMS_MAX * (CHECKSUM_SIZE_MIN + MANIFEST_CHECKSUM_SIZE_MAX) +
            (MANIFEST_HEADERS_MAX + MANIFEST_METADATA_MAX) * PAIR_SIZE_MIN +
            MANIFEST_HEADERS_SIZE_MAX + MANIFEST_METADATA_SIZE_MAX +
            MANIFEST_EXTENTS_MAX * MANIFEST_EXTENT_SIZE + SEALED_OVERHEAD <=
        MANIFEST_SEALED_MAX,
    "the largest manifest is allowed");
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
    uint64_t sum = 0; /* cannot overflow: 32,000 times 64 MiB */
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
        return "more than 32,000 extents";
    }
    if (manifest->inline_bytes.size > MANIFEST_INLINE_MAX ||
        (manifest->inline_bytes.size > 0 && manifest->extent_count > 0)) {
        return "more than 64 KiB of inline bytes, or some beside extents";
    }
    return what_is_wrong_with_extents(manifest);
}

/* ---- encoding ---- */

static size_t encoded_size(const struct manifest *manifest)
{
    size_t size = FIXED_SIZE + manifest->inline_bytes.size;
    for (size_t i = 0; i < manifest->checksum_count; i++) {
        size += CHECKSUM_SIZE_MIN + manifest->checksums[i].value.size;
    }
    size += pairs_size(manifest->headers, manifest->header_count);
    size += pairs_size(manifest->metadata, manifest->metadata_count);
    size += (manifest->header_count + manifest->metadata_count) * PAIR_SIZE_MIN;
    return size + manifest->extent_count * MANIFEST_EXTENT_SIZE;
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

enum hearth_code manifest_encode(
    const struct manifest *manifest, struct arena *arena, struct view *out, struct hearth_err *err)
{
    const char *wrong = what_is_wrong(manifest);
    if (wrong != NULL) {
        return hearth_fail(err, HEARTH_INVALID, "manifest: %s", wrong);
    }
    size_t size = encoded_size(manifest);
    uint8_t *bytes = arena_take(arena, size);
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "manifest of %zu bytes", size);
    }
    struct writer writer = writer_of(bytes, size);
    writer_u8(&writer, FORMAT_VERSION);
    writer_u64(&writer, manifest->size);
    writer_bytes(&writer, manifest->md5, sizeof(manifest->md5));
    writer_u32(&writer, manifest->parts);
    write_checksums(&writer, manifest);
    write_pairs(&writer, manifest->headers, manifest->header_count);
    write_pairs(&writer, manifest->metadata, manifest->metadata_count);
    write_extents(&writer, manifest);
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

static enum hearth_code read_lists(
    struct reader *reader, struct arena *arena, struct manifest *out, struct hearth_err *err)
{
    if (read_checksums(reader, arena, out, err) != HEARTH_OK ||
        read_pairs(reader, arena, &out->header_count, &out->headers, err) != HEARTH_OK ||
        read_pairs(reader, arena, &out->metadata_count, &out->metadata, err) != HEARTH_OK ||
        read_extents(reader, arena, out, err) != HEARTH_OK) {
        return err->code;
    }
    return HEARTH_OK;
}

static enum hearth_code unknown_version(unsigned version, struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
        "manifest of format %u; this program reads format %d", version, FORMAT_VERSION);
}

enum hearth_code manifest_decode(
    struct view bytes, struct arena *arena, struct manifest *out, struct hearth_err *err)
{
    struct reader reader = reader_of(bytes);
    struct manifest manifest = {0};
    unsigned version = reader_u8(&reader);
    if (!reader.failed && version != FORMAT_VERSION) {
        return unknown_version(version, err);
    }
    manifest.size = reader_u64(&reader);
    reader_bytes(&reader, manifest.md5, sizeof(manifest.md5));
    manifest.parts = reader_u32(&reader);
    if (read_lists(&reader, arena, &manifest, err) != HEARTH_OK) {
        return err->code;
    }
    manifest.inline_bytes = reader_sized(&reader);
    const char *wrong =
        reader_at_end(&reader) ? what_is_wrong(&manifest) : "it does not end where it should";
    if (wrong != NULL) {
        return hearth_fail(err, HEARTH_CHECKSUM, "manifest: %s", wrong);
    }
    *out = manifest;
    return HEARTH_OK;
}

/* ---- sealing ---- */

static const char manifest_label[] = "hearth/1/manifest";

enum {
    LABEL_SIZE = sizeof(manifest_label) - 1,
    PLACE_SIZE_MAX =
        5 * 4 + LABEL_SIZE + TENANT_ID_SIZE + BUCKET_ID_SIZE + sizeof(uint32_t) + MANIFEST_KEY_MAX,
};

/* The associated data: each field with its length, so that no two places read the same. */
static struct view encode_place(const struct manifest_place *place, uint8_t bytes[PLACE_SIZE_MAX])
{
    struct writer writer = writer_of(bytes, PLACE_SIZE_MAX);
    writer_sized(&writer, view_of(manifest_label, LABEL_SIZE));
    writer_sized(&writer, view_of(place->tenant_id, TENANT_ID_SIZE));
    writer_sized(&writer, view_of(place->bucket_id, BUCKET_ID_SIZE));
    writer_u32(&writer, sizeof(place->bucket_key->version));
    writer_u32(&writer, place->bucket_key->version);
    writer_sized(&writer, place->key);
    assert(!writer.failed);
    return view_of(bytes, writer.size);
}

static struct crypto_gcm *manifest_gcm(
    const struct bucket_key *bucket_key, const uint8_t body_id[BODY_ID_SIZE])
{
    uint8_t info[LABEL_SIZE + BODY_ID_SIZE];
    memcpy(info, manifest_label, LABEL_SIZE);
    memcpy(info + LABEL_SIZE, body_id, BODY_ID_SIZE);
    uint8_t key[CRYPTO_KEY_SIZE];
    crypto_hkdf(view_of(bucket_key->bytes, sizeof(bucket_key->bytes)), view_of(info, sizeof(info)),
        key, sizeof(key));
    struct crypto_gcm *gcm = crypto_gcm_create(key);
    crypto_wipe(key, sizeof(key));
    return gcm;
}

/* Zero: body_id, and with it the key, is drawn for one manifest (D12). */
static const uint8_t manifest_nonce[CRYPTO_NONCE_SIZE];

enum hearth_code manifest_seal(const struct manifest *manifest, const struct manifest_place *place,
    const uint8_t body_id[BODY_ID_SIZE], struct arena *arena, struct view *out,
    struct hearth_err *err)
{
    if (place->key.size > MANIFEST_KEY_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "key of %zu bytes, at most %d are allowed",
            place->key.size, MANIFEST_KEY_MAX);
    }
    struct view plain;
    if (manifest_encode(manifest, arena, &plain, err) != HEARTH_OK) {
        return err->code;
    }
    uint8_t *sealed = arena_take(arena, plain.size + SEALED_OVERHEAD);
    if (sealed == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "manifest of %zu bytes", plain.size);
    }
    uint8_t bytes[PLACE_SIZE_MAX];
    struct crypto_gcm *gcm = manifest_gcm(place->bucket_key, body_id);
    sealed[0] = FORMAT_VERSION;
    crypto_gcm_seal(gcm, manifest_nonce, encode_place(place, bytes), plain, sealed + 1);
    crypto_gcm_destroy(gcm);
    *out = view_of(sealed, plain.size + SEALED_OVERHEAD);
    return HEARTH_OK;
}

enum hearth_code manifest_open(struct view sealed, const struct manifest_place *place,
    const uint8_t body_id[BODY_ID_SIZE], struct arena *arena, struct manifest *out,
    struct hearth_err *err)
{
    if (sealed.size > 0 && sealed.bytes[0] != FORMAT_VERSION) {
        return unknown_version(sealed.bytes[0], err);
    }
    if (sealed.size < SEALED_OVERHEAD || sealed.size > MANIFEST_SEALED_MAX ||
        place->key.size > MANIFEST_KEY_MAX) {
        return hearth_fail(err, HEARTH_CHECKSUM, "sealed manifest of %zu bytes", sealed.size);
    }
    size_t size = sealed.size - SEALED_OVERHEAD;
    uint8_t *plain = arena_take(arena, size);
    if (plain == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "manifest of %zu bytes", size);
    }
    uint8_t bytes[PLACE_SIZE_MAX];
    struct crypto_gcm *gcm = manifest_gcm(place->bucket_key, body_id);
    bool is_open = crypto_gcm_open(gcm, manifest_nonce, encode_place(place, bytes),
        view_of(sealed.bytes + 1, sealed.size - 1), plain);
    crypto_gcm_destroy(gcm);
    if (!is_open) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "the manifest is not the one that was sealed for this key and bucket");
    }
    return manifest_decode(view_of(plain, size), arena, out, err);
}

/* ---- against the coordinator's rows ---- */

static bool extents_equal(const struct manifest_extent *ours, const struct wire_extent *theirs)
{
    return view_equal(view_of(ours->segment_id, SEGMENT_ID_SIZE), theirs->segment_id) &&
        ours->offset == theirs->offset && ours->length == theirs->length;
}

enum hearth_code manifest_compare(const struct manifest *manifest, uint64_t size,
    uint64_t first_extent, const struct wire_extent *extents, size_t count, struct hearth_err *err)
{
    if (size != manifest->size) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "the coordinator says %" PRIu64 " bytes, the manifest %" PRIu64, size, manifest->size);
    }
    if (first_extent > manifest->extent_count || count > manifest->extent_count - first_extent) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "the coordinator names more extents than the %zu of the manifest",
            manifest->extent_count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!extents_equal(&manifest->extents[first_extent + i], &extents[i])) {
            return hearth_fail(err, HEARTH_CHECKSUM,
                "extent %" PRIu64 " of the coordinator is not the manifest's", first_extent + i);
        }
    }
    return HEARTH_OK;
}
