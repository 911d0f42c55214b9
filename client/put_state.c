#include "client/put_state.h"

#include "common/codec.h"

#include <assert.h>

static const char state_label[] = "hearth/1/put-state";

enum {
    FORMAT_VERSION = 1,
    SALT_SIZE = 16,
    HEAD_SIZE = 1 + SALT_SIZE + 4,
    FIXED_SIZE = PUT_INTENT_ID_SIZE + CRYPTO_KEY_SIZE + 8 + 4,
    SEGMENT_SIZE = SEGMENT_ID_SIZE + 8 + PUT_DIGEST_SIZE,
    LABEL_SIZE = sizeof(state_label) - 1,
    PLACE_SIZE_MAX = 3 * 4 + TENANT_ID_SIZE + BUCKET_ID_SIZE + MANIFEST_KEY_MAX,
};

/* Zero: the key is drawn for one state. */
static const uint8_t state_nonce[CRYPTO_NONCE_SIZE];

static struct view encode_place(const struct put_state_place *place, uint8_t bytes[PLACE_SIZE_MAX])
{
    struct writer writer = writer_of(bytes, PLACE_SIZE_MAX);
    writer_sized(&writer, view_of(place->tenant_id, TENANT_ID_SIZE));
    writer_sized(&writer, view_of(place->bucket->id, BUCKET_ID_SIZE));
    writer_sized(&writer, place->key);
    assert(!writer.failed);
    return view_of(bytes, writer.size);
}

static struct crypto_gcm *state_gcm(
    const struct bucket_key *bucket_key, const uint8_t salt[SALT_SIZE])
{
    uint8_t info[LABEL_SIZE + SALT_SIZE];
    uint8_t key[CRYPTO_KEY_SIZE];
    memcpy(info, state_label, LABEL_SIZE);
    memcpy(info + LABEL_SIZE, salt, SALT_SIZE);
    crypto_hkdf(view_of(bucket_key->bytes, sizeof(bucket_key->bytes)), view_of(info, sizeof(info)),
        key, sizeof(key));
    struct crypto_gcm *gcm = crypto_gcm_create(key);
    crypto_wipe(key, sizeof(key));
    return gcm;
}

/* ---- sealing ---- */

static void encode(const struct put_state *state, struct writer *writer)
{
    writer_bytes(writer, state->intent_id, sizeof(state->intent_id));
    writer_bytes(writer, state->upload_key.bytes, sizeof(state->upload_key.bytes));
    writer_u64(writer, state->size);
    writer_u32(writer, (uint32_t)state->count);
    for (size_t i = 0; i < state->count; i++) {
        writer_bytes(writer, state->segments[i].id, SEGMENT_ID_SIZE);
        writer_u64(writer, state->segments[i].length);
        writer_bytes(writer, state->segments[i].digest, PUT_DIGEST_SIZE);
    }
    assert(!writer->failed);
}

enum hearth_code put_state_seal(const struct put_state *state, const struct put_state_place *place,
    struct env *env, struct arena *arena, struct view *out, struct hearth_err *err)
{
    assert(place->key.size <= MANIFEST_KEY_MAX && state->count <= MANIFEST_EXTENTS_MAX);
    size_t plain_size = FIXED_SIZE + state->count * SEGMENT_SIZE;
    size_t size = HEAD_SIZE + plain_size + CRYPTO_TAG_SIZE;
    uint8_t *bytes = arena_take(arena, size);
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "state of %zu bytes", size);
    }
    const struct bucket_key *key = bucket_newest_key(place->bucket);
    uint8_t salt[SALT_SIZE];
    env_random(env, salt, sizeof(salt));
    struct writer writer = writer_of(bytes, HEAD_SIZE + plain_size);
    writer_u8(&writer, FORMAT_VERSION);
    writer_bytes(&writer, salt, sizeof(salt));
    writer_u32(&writer, key->version);
    encode(state, &writer);

    uint8_t associated[PLACE_SIZE_MAX];
    struct crypto_gcm *gcm = state_gcm(key, salt);
    crypto_gcm_seal(gcm, state_nonce, encode_place(place, associated),
        view_of(bytes + HEAD_SIZE, plain_size), bytes + HEAD_SIZE);
    crypto_gcm_destroy(gcm);
    *out = view_of(bytes, size);
    return HEARTH_OK;
}

/* ---- opening ---- */

/* False: it contradicts itself, or there is no memory. */
static bool decode(struct view plain, struct arena *arena, struct put_state *out)
{
    struct reader reader = reader_of(plain);
    reader_bytes(&reader, out->intent_id, sizeof(out->intent_id));
    reader_bytes(&reader, out->upload_key.bytes, sizeof(out->upload_key.bytes));
    out->size = reader_u64(&reader);
    out->count = reader_u32(&reader);
    if (reader.failed || out->count > MANIFEST_EXTENTS_MAX ||
        reader.left != out->count * SEGMENT_SIZE) {
        return false;
    }
    struct put_state_segment *segments = arena_take_array(arena, out->count + 1, sizeof(*segments));
    uint64_t sum = 0; /* cannot overflow: 92,000 times 64 MiB */
    for (size_t i = 0; segments != NULL && i < out->count; i++) {
        reader_bytes(&reader, segments[i].id, SEGMENT_ID_SIZE);
        segments[i].length = reader_u64(&reader);
        reader_bytes(&reader, segments[i].digest, PUT_DIGEST_SIZE);
        if (segments[i].length == 0 || segments[i].length > EC_SEGMENT_PLAIN_MAX) {
            return false;
        }
        sum += segments[i].length;
    }
    out->segments = segments;
    return segments != NULL && sum < out->size;
}

/* The cipher of a state, by what precedes it in clear. NULL, with the error: there is none. */
static struct crypto_gcm *open_head(
    struct view sealed, const struct put_state_place *place, struct hearth_err *err)
{
    uint8_t salt[SALT_SIZE];
    struct reader reader = reader_of(sealed);
    uint8_t version = reader_u8(&reader);
    reader_bytes(&reader, salt, sizeof(salt));
    uint32_t key_version = reader_u32(&reader);
    const struct bucket_key *key;
    if (!reader.failed && version != FORMAT_VERSION) {
        hearth_fail(
            err, HEARTH_UNKNOWN_FORMAT, "state of format %u, %d is known", version, FORMAT_VERSION);
        return NULL;
    }
    if (reader.failed || reader.left < FIXED_SIZE + CRYPTO_TAG_SIZE) {
        hearth_fail(err, HEARTH_CHECKSUM, "state of %zu bytes", sealed.size);
        return NULL;
    }
    if (bucket_find_key(place->bucket, key_version, &key, err) != HEARTH_OK) {
        hearth_fail(err, HEARTH_CHECKSUM, "the state is sealed by another key");
        return NULL;
    }
    return state_gcm(key, salt);
}

enum hearth_code put_state_open(struct view sealed, const struct put_state_place *place,
    struct arena *arena, struct put_state *out, struct hearth_err *err)
{
    struct crypto_gcm *gcm = open_head(sealed, place, err);
    if (gcm == NULL) {
        return err->code;
    }
    size_t plain_size = sealed.size - HEAD_SIZE - CRYPTO_TAG_SIZE;
    uint8_t associated[PLACE_SIZE_MAX];
    uint8_t *plain = arena_take(arena, plain_size);
    bool is_good = plain != NULL &&
        crypto_gcm_open(gcm, state_nonce, encode_place(place, associated),
            view_of(sealed.bytes + HEAD_SIZE, sealed.size - HEAD_SIZE), plain) &&
        decode(view_of(plain, plain_size), arena, out);
    crypto_gcm_destroy(gcm);
    if (plain != NULL) {
        crypto_wipe(plain, plain_size);
    }
    return is_good
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CHECKSUM, "the state is not one that was sealed for this key");
}
