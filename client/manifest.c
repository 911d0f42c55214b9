#include "client/manifest.h"

#include "common/codec.h"
#include "proto/wire_messages.h"

#include <assert.h>
#include <inttypes.h>

/* ---- sealing ---- */

enum { SEALED_VERSION = 1, SEALED_OVERHEAD = MANIFEST_SEALED_OVERHEAD };

static const char manifest_label[] = "hearth/1/manifest";

enum {
    LABEL_SIZE = sizeof(manifest_label) - 1,
    PLACE_SIZE_MAX = 6 * 4 + LABEL_SIZE + TENANT_ID_SIZE + BUCKET_ID_SIZE + sizeof(uint32_t) +
        MANIFEST_KEY_MAX + MANIFEST_PART_PLACE_SIZE,
};

void manifest_part_place(const uint8_t upload_id[UPLOAD_ID_SIZE], uint32_t number,
    uint8_t bytes[MANIFEST_PART_PLACE_SIZE])
{
    struct writer writer = writer_of(bytes, MANIFEST_PART_PLACE_SIZE);
    writer_bytes(&writer, upload_id, UPLOAD_ID_SIZE);
    writer_u32(&writer, number);
    assert(!writer.failed && writer.size == MANIFEST_PART_PLACE_SIZE);
}

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
    if (place->part.size > 0) {
        writer_sized(&writer, place->part);
    }
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
    sealed[0] = SEALED_VERSION;
    crypto_gcm_seal(gcm, manifest_nonce, encode_place(place, bytes), plain, sealed + 1);
    crypto_gcm_destroy(gcm);
    *out = view_of(sealed, plain.size + SEALED_OVERHEAD);
    return HEARTH_OK;
}

enum hearth_code manifest_open(struct view sealed, const struct manifest_place *place,
    const uint8_t body_id[BODY_ID_SIZE], struct arena *arena, struct manifest *out,
    struct hearth_err *err)
{
    if (sealed.size > 0 && sealed.bytes[0] != SEALED_VERSION) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "sealed manifest of format %u; this program reads %d", sealed.bytes[0], SEALED_VERSION);
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
