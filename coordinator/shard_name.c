#include "coordinator/shard_name.h"

#include "common/codec.h"

#include <assert.h>

static_assert(sizeof(((struct shard_name *)0)->id) == CRYPTO_BLOCK_SIZE, "a shard id is one block");

void shard_name_keys_init(struct shard_name_keys *keys, const uint8_t master[CRYPTO_KEY_SIZE])
{
    struct view secret = view_of(master, CRYPTO_KEY_SIZE);
    crypto_hkdf(secret, view_text("hearth/1/shard-id"), keys->id_key, sizeof(keys->id_key));
    crypto_hkdf(
        secret, view_text("hearth/1/locator"), keys->locator_key, sizeof(keys->locator_key));
}

void shard_name_keys_fini(struct shard_name_keys *keys)
{
    crypto_wipe(keys, sizeof(*keys));
}

static void xor_into(uint8_t *bytes, const uint8_t *other, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= other[i];
    }
}

static void make_id(
    const struct shard_name_keys *keys, const struct shard_place *place, uint8_t id[SHARD_ID_SIZE])
{
    uint8_t slot_and_p[CRYPTO_BLOCK_SIZE] = {0};
    struct writer writer = writer_of(slot_and_p, sizeof(slot_and_p));
    writer_u16(&writer, place->slot);
    writer_u16(&writer, place->p);

    crypto_aes256_encrypt_block(keys->id_key, place->segment, id);
    xor_into(id, slot_and_p, sizeof(slot_and_p));
    crypto_aes256_encrypt_block(keys->id_key, id, id);
}

/* Hides a locator, and shows a hidden one. */
static void xor_locator_pad(const struct shard_name_keys *keys, const uint8_t id[SHARD_ID_SIZE],
    uint8_t locator[SHARD_LOCATOR_SIZE])
{
    uint8_t pad[2 * CRYPTO_BLOCK_SIZE];
    uint8_t id_xor_1[SHARD_ID_SIZE];
    memcpy(id_xor_1, id, sizeof(id_xor_1));
    id_xor_1[0] ^= 1;
    crypto_aes256_encrypt_block(keys->locator_key, id, pad);
    crypto_aes256_encrypt_block(keys->locator_key, id_xor_1, pad + CRYPTO_BLOCK_SIZE);
    xor_into(locator, pad, SHARD_LOCATOR_SIZE);
}

void shard_name_make(
    const struct shard_name_keys *keys, const struct shard_place *place, struct shard_name *out)
{
    make_id(keys, place, out->id);
    struct writer writer = writer_of(out->locator, sizeof(out->locator));
    writer_bytes(&writer, place->segment, sizeof(place->segment));
    writer_u16(&writer, place->slot);
    writer_u16(&writer, place->p);
    assert(!writer.failed && writer.size == SHARD_LOCATOR_SIZE);
    xor_locator_pad(keys, out->id, out->locator);
}

bool shard_name_open(
    const struct shard_name_keys *keys, const struct shard_name *name, struct shard_place *out)
{
    uint8_t locator[SHARD_LOCATOR_SIZE];
    memcpy(locator, name->locator, sizeof(locator));
    xor_locator_pad(keys, name->id, locator);

    struct shard_place place;
    struct reader reader = reader_of(view_of(locator, sizeof(locator)));
    reader_bytes(&reader, place.segment, sizeof(place.segment));
    place.slot = reader_u16(&reader);
    place.p = reader_u16(&reader);
    assert(reader_at_end(&reader));

    uint8_t id[SHARD_ID_SIZE];
    make_id(keys, &place, id);
    if (!crypto_equal(id, name->id, sizeof(id))) {
        return false;
    }
    *out = place;
    return true;
}
