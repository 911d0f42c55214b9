#include "client/seal.h"

#include <assert.h>
#include <stdlib.h>

static const char seal_label[] = "hearth/1/seal";

enum {
    LABEL_SIZE = sizeof(seal_label) - 1,
    CONTEXT_SIZE = LABEL_SIZE + SEGMENT_ID_SIZE,
};

/* What writer and reader share. */
struct seal {
    struct crypto_gcm *gcm;
    uint8_t context[CONTEXT_SIZE]; /* label and segment id: HKDF's info and the associated data */
};

static void seal_init(
    struct seal *seal, const struct upload_key *key, const uint8_t segment_id[SEGMENT_ID_SIZE])
{
    memcpy(seal->context, seal_label, LABEL_SIZE);
    memcpy(seal->context + LABEL_SIZE, segment_id, SEGMENT_ID_SIZE);
    uint8_t segment_key[CRYPTO_KEY_SIZE];
    crypto_hkdf(view_of(key->bytes, sizeof(key->bytes)),
        view_of(seal->context, sizeof(seal->context)), segment_key, sizeof(segment_key));
    seal->gcm = crypto_gcm_create(segment_key);
    crypto_wipe(segment_key, sizeof(segment_key));
}

static void seal_fini(struct seal *seal)
{
    crypto_gcm_destroy(seal->gcm);
}

/* The unit's number, little-endian. */
static void unit_nonce(unsigned unit, uint8_t nonce[CRYPTO_NONCE_SIZE])
{
    memset(nonce, 0, CRYPTO_NONCE_SIZE);
    for (unsigned i = 0; i < sizeof(unit); i++) {
        nonce[i] = (uint8_t)(unit >> 8 * i);
    }
}

static struct view associated(const struct seal *seal)
{
    return view_of(seal->context, sizeof(seal->context));
}

void upload_key_draw(struct env *env, struct upload_key *out)
{
    env_random(env, out->bytes, sizeof(out->bytes));
}

/* ---- sealing ---- */

struct seal_writer {
    struct seal seal;
    unsigned next_unit;
    bool ended; /* a short unit was the last */
};

struct seal_writer *seal_writer_create(struct env *env, const struct upload_key *key)
{
    uint8_t segment_id[SEGMENT_ID_SIZE];
    env_random(env, segment_id, sizeof(segment_id));
    return seal_writer_create_named(key, segment_id);
}

struct seal_writer *seal_writer_create_named(
    const struct upload_key *key, const uint8_t segment_id[SEGMENT_ID_SIZE])
{
    struct seal_writer *writer = calloc(1, sizeof(*writer));
    assert(writer != NULL);
    seal_init(&writer->seal, key, segment_id);
    return writer;
}

void seal_writer_destroy(struct seal_writer *writer)
{
    if (writer != NULL) {
        seal_fini(&writer->seal);
        free(writer);
    }
}

const uint8_t *seal_writer_segment_id(const struct seal_writer *writer)
{
    return writer->seal.context + LABEL_SIZE;
}

void seal_writer_next(struct seal_writer *writer, struct view plain, uint8_t *out)
{
    assert(plain.size > 0);
    assert(plain.size <= EC_UNIT_PLAIN_SIZE);
    assert(!writer->ended);
    assert(writer->next_unit < EC_SEGMENT_UNITS_MAX);
    uint8_t nonce[CRYPTO_NONCE_SIZE];
    unit_nonce(writer->next_unit++, nonce); /* D12: counted here, so never twice */
    writer->ended = plain.size < EC_UNIT_PLAIN_SIZE;
    crypto_gcm_seal(writer->seal.gcm, nonce, associated(&writer->seal), plain, out);
}

/* ---- opening ---- */

struct seal_reader {
    struct seal seal;
};

struct seal_reader *seal_reader_create(
    const struct upload_key *key, const uint8_t segment_id[SEGMENT_ID_SIZE])
{
    struct seal_reader *reader = calloc(1, sizeof(*reader));
    assert(reader != NULL);
    seal_init(&reader->seal, key, segment_id);
    return reader;
}

void seal_reader_destroy(struct seal_reader *reader)
{
    if (reader != NULL) {
        seal_fini(&reader->seal);
        free(reader);
    }
}

enum hearth_code seal_reader_open(struct seal_reader *reader, unsigned unit, struct view sealed,
    uint8_t *out, struct hearth_err *err)
{
    assert(sealed.size <= EC_UNIT_SIZE);
    uint8_t nonce[CRYPTO_NONCE_SIZE];
    unit_nonce(unit, nonce);
    if (!crypto_gcm_open(reader->seal.gcm, nonce, associated(&reader->seal), sealed, out)) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "open unit %u of its segment: these are not the bytes that were sealed", unit);
    }
    return HEARTH_OK;
}
