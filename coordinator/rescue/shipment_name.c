#include "coordinator/rescue/shipment_name.h"

#include "common/codec.h"
#include "erasure/ec_codec.h"

#include <assert.h>

static const char magic[3] = "hs1";
static const char seal_label[] = "hearth/1/shipment-seal";
static const char verify_label[] = "hearth/1/shipment-verify";

enum { NUMBER_SIZE = 6, SALT_SIZE = 3 };

static void derive(struct view secret, const char *label, uint8_t out[CRYPTO_KEY_SIZE])
{
    crypto_hkdf(secret, view_text(label), out, CRYPTO_KEY_SIZE);
}

void shipment_keys_init(struct shipment_keys *keys, const uint8_t master[CRYPTO_KEY_SIZE])
{
    const struct view backup = view_of(keys->backup, sizeof(keys->backup));
    derive(view_of(master, CRYPTO_KEY_SIZE), "hearth/1/backup", keys->backup);
    derive(backup, "hearth/1/shipment-name", keys->name);
    derive(backup, seal_label, keys->seal.bytes);
}

void shipment_keys_fini(struct shipment_keys *keys)
{
    crypto_wipe(keys, sizeof(*keys));
}

/* Little-endian, of fewer bytes than an integer has. */
static void write_low(struct writer *writer, uint64_t value, unsigned size)
{
    assert(value >> 8 * size == 0);
    for (unsigned i = 0; i < size; i++) {
        writer_u8(writer, (uint8_t)(value >> 8 * i));
    }
}

static uint64_t read_low(struct reader *reader, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)reader_u8(reader) << 8 * i;
    }
    return value;
}

void shipment_name_make(const struct shipment_keys *keys, const struct shipment_name *name,
    uint8_t segment_id[SEGMENT_ID_SIZE])
{
    uint8_t block[CRYPTO_BLOCK_SIZE];
    struct writer writer = writer_of(block, sizeof(block));
    writer_bytes(&writer, magic, sizeof(magic));
    write_low(&writer, name->number, NUMBER_SIZE);
    writer_u16(&writer, name->part);
    writer_u8(&writer, name->k);
    writer_u8(&writer, name->n);
    write_low(&writer, name->salt, SALT_SIZE);
    assert(writer.size == sizeof(block));
    static_assert(sizeof(block) == (size_t)SEGMENT_ID_SIZE, "an id is one block");
    crypto_aes256_encrypt_block(keys->name, block, segment_id);
}

bool shipment_name_open(const struct shipment_keys *keys, const uint8_t segment_id[SEGMENT_ID_SIZE],
    struct shipment_name *out)
{
    uint8_t block[CRYPTO_BLOCK_SIZE];
    crypto_aes256_decrypt_block(keys->name, segment_id, block);
    struct reader reader = reader_of(view_of(block, sizeof(block)));
    if (!view_equal(reader_view(&reader, sizeof(magic)), view_of(magic, sizeof(magic)))) {
        return false;
    }
    struct shipment_name name = {.number = read_low(&reader, NUMBER_SIZE)};
    name.part = reader_u16(&reader);
    name.k = reader_u8(&reader);
    name.n = reader_u8(&reader);
    name.salt = (uint32_t)read_low(&reader, SALT_SIZE);
    if (name.k == 0 || name.k > EC_DATA_MAX || name.n < name.k || name.n > EC_SLOTS_MAX) {
        return false;
    }
    *out = name;
    return true;
}

void shipment_verify_key(const struct shipment_keys *keys,
    const uint8_t segment_id[SEGMENT_ID_SIZE], struct verify_key *out)
{
    uint8_t info[sizeof(verify_label) - 1 + SEGMENT_ID_SIZE];
    memcpy(info, verify_label, sizeof(verify_label) - 1);
    memcpy(info + sizeof(verify_label) - 1, segment_id, SEGMENT_ID_SIZE);
    crypto_hkdf(view_of(keys->backup, sizeof(keys->backup)), view_of(info, sizeof(info)),
        out->bytes, sizeof(out->bytes));
}

/* ---- lengths ---- */

/* Of the plaintext whose sealed units are so many bytes.  False: the last would be empty. */
static bool plain_of_sealed(size_t sealed, size_t *plain)
{
    size_t last = sealed % EC_UNIT_SIZE;
    size_t units = (sealed + EC_UNIT_SIZE - 1) / EC_UNIT_SIZE;
    *plain = sealed - units * EC_UNIT_TAG_SIZE;
    return last == 0 || last > EC_UNIT_TAG_SIZE;
}

bool shipment_size_of_shard(unsigned k, uint64_t shard_size, size_t *out)
{
    const size_t stride = EC_CELL_SIZE_MAX + EC_CELL_TAG_SIZE;
    struct ec_stripes stripes;
    struct hearth_err err;
    size_t plain;
    if (shard_size <= EC_CELL_TAG_SIZE || shard_size > EC_SEGMENT_PLAIN_MAX) {
        return false;
    }
    size_t full = ((size_t)shard_size - 1) / stride;
    size_t rest = (size_t)shard_size - full * stride;
    if (rest <= EC_CELL_TAG_SIZE ||
        !plain_of_sealed(k * (full * EC_CELL_SIZE_MAX + rest - EC_CELL_TAG_SIZE), &plain) ||
        ec_stripes_init(&stripes, k, plain, &err) != HEARTH_OK ||
        ec_stripes_tagged_shard_size(&stripes) != shard_size) {
        return false;
    }
    *out = plain;
    return true;
}

size_t shipment_padded_size(unsigned k, size_t size)
{
    struct ec_stripes stripes;
    struct hearth_err err;
    size_t padded;
    for (size_t wanted = size;; wanted += EC_CELL_ALIGNMENT) {
        enum hearth_code code = ec_stripes_init(&stripes, k, wanted, &err);
        assert(code == HEARTH_OK);
        if (shipment_size_of_shard(k, ec_stripes_tagged_shard_size(&stripes), &padded)) {
            return padded;
        }
    }
}
