#include "proto/evidence_format.h"

#include "common/cleanup.h"
#include "common/codec.h"

static const char PURPOSE[] = "hearth/1/evidence";

const char *evidence_role_text(enum evidence_role role)
{
    switch (role) {
#define X(name, value, text)                                                                       \
    case EVIDENCE_##name: return text;
        EVIDENCE_ROLE_TABLE(X)
#undef X
    }
    return "something else";
}

/* ---- tries ---- */

static void write_try(struct writer *writer, const struct evidence_try *one)
{
    writer_u8(writer, (uint8_t)one->role);
    writer_u8(writer, one->answer);
    writer_u16(writer, one->code);
    writer_u64(writer, one->asked_unix_ms);
    writer_u64(writer, one->ended_unix_ms);
    writer_bytes(writer, one->order, sizeof(one->order));
}

static void read_try(struct reader *reader, struct evidence_try *one)
{
    one->role = (enum evidence_role)reader_u8(reader);
    one->answer = reader_u8(reader);
    one->code = reader_u16(reader);
    one->asked_unix_ms = reader_u64(reader);
    one->ended_unix_ms = reader_u64(reader);
    reader_bytes(reader, one->order, sizeof(one->order));
}

size_t evidence_tries_encode(const struct evidence_try *tries, size_t count, uint8_t *bytes)
{
    assert(count <= EVIDENCE_TRIES_MAX);
    struct writer writer = writer_of(bytes, EVIDENCE_TRIES_MAX * EVIDENCE_TRY_SIZE);
    for (size_t i = 0; i < count; i++) {
        write_try(&writer, &tries[i]);
    }
    assert(!writer.failed);
    return writer.size;
}

bool evidence_tries_decode(struct view bytes, struct evidence_try *tries, size_t *count)
{
    if (bytes.size % EVIDENCE_TRY_SIZE != 0 ||
        bytes.size / EVIDENCE_TRY_SIZE > EVIDENCE_TRIES_MAX) {
        return false;
    }
    struct reader reader = reader_of(bytes);
    *count = bytes.size / EVIDENCE_TRY_SIZE;
    for (size_t i = 0; i < *count; i++) {
        read_try(&reader, &tries[i]);
    }
    return reader_at_end(&reader);
}

/* ---- all of it ---- */

static void write_shard(struct writer *writer, const struct evidence *evidence)
{
    writer_bytes(writer, evidence->segment, sizeof(evidence->segment));
    writer_u16(writer, evidence->slot);
    writer_u16(writer, evidence->p);
    writer_u16(writer, evidence->k);
    writer_u16(writer, evidence->n);
    writer_u32(writer, evidence->length);
    writer_bytes(writer, evidence->vk, sizeof(evidence->vk));
    writer_u64(writer, evidence->generation);
    writer_u64(writer, evidence->sealed_unix_ms);
    writer_bytes(writer, evidence->holders_digest, sizeof(evidence->holders_digest));
}

static void read_shard(struct reader *reader, struct evidence *out)
{
    reader_bytes(reader, out->segment, sizeof(out->segment));
    out->slot = reader_u16(reader);
    out->p = reader_u16(reader);
    out->k = reader_u16(reader);
    out->n = reader_u16(reader);
    out->length = reader_u32(reader);
    reader_bytes(reader, out->vk, sizeof(out->vk));
    out->generation = reader_u64(reader);
    out->sealed_unix_ms = reader_u64(reader);
    reader_bytes(reader, out->holders_digest, sizeof(out->holders_digest));
}

static void write_all(struct writer *writer, const struct evidence *evidence)
{
    writer_u8(writer, EVIDENCE_FORMAT_VERSION);
    writer_u8(writer, evidence->fault);
    writer_bytes(writer, evidence->cluster, sizeof(evidence->cluster));
    writer_bytes(writer, evidence->node_id, sizeof(evidence->node_id));
    writer_u32(writer, evidence->node);
    writer_u64(writer, evidence->judged_unix_ms);
    write_shard(writer, evidence);
    writer_u32(writer, evidence->first_stripe);
    writer_u32(writer, evidence->stripes);
    writer_u32(writer, evidence->wrong_stripe);
    writer_u16(writer, evidence->strikes);
    writer_u16(writer, evidence->witnesses_asked);
    writer_u16(writer, evidence->witnesses_true);
    writer_u16(writer, (uint16_t)evidence->try_count);
    for (size_t i = 0; i < evidence->try_count; i++) {
        write_try(writer, &evidence->tries[i]);
    }
    writer_sized(writer, evidence->cell);
}

/* False: more tries, or a longer cell, than there can be. */
static bool read_all(struct reader *reader, struct evidence *out)
{
    out->fault = reader_u8(reader);
    reader_bytes(reader, out->cluster, sizeof(out->cluster));
    reader_bytes(reader, out->node_id, sizeof(out->node_id));
    out->node = reader_u32(reader);
    out->judged_unix_ms = reader_u64(reader);
    read_shard(reader, out);
    out->first_stripe = reader_u32(reader);
    out->stripes = reader_u32(reader);
    out->wrong_stripe = reader_u32(reader);
    out->strikes = reader_u16(reader);
    out->witnesses_asked = reader_u16(reader);
    out->witnesses_true = reader_u16(reader);
    out->try_count = reader_u16(reader);
    if (out->try_count > EVIDENCE_TRIES_MAX) {
        return false;
    }
    for (size_t i = 0; i < out->try_count; i++) {
        read_try(reader, &out->tries[i]);
    }
    out->cell = reader_sized(reader);
    return !reader->failed && out->cell.size <= EVIDENCE_CELL_MAX;
}

/* What is signed: the purpose, and the record. NULL: out of memory. */
static uint8_t *join_message(struct view record, size_t *size)
{
    *size = sizeof(PURPOSE) - 1 + record.size;
    uint8_t *message = malloc(*size);
    if (message != NULL) {
        memcpy(message, PURPOSE, sizeof(PURPOSE) - 1);
        memcpy(message + sizeof(PURPOSE) - 1, record.bytes, record.size);
    }
    return message;
}

size_t evidence_encode(
    const struct evidence *evidence, const struct pki_key *ca_key, uint8_t *bytes)
{
    assert(evidence->try_count <= EVIDENCE_TRIES_MAX && evidence->cell.size <= EVIDENCE_CELL_MAX);
    struct writer writer = writer_of(bytes, EVIDENCE_SIZE_MAX);
    write_all(&writer, evidence);
    struct pki_signature signature;
    uint8_t public_key[PKI_PUBLIC_SIZE];
    size_t size;
    FREES uint8_t *message = join_message(view_of(bytes, writer.size), &size);
    assert(message != NULL);
    pki_sign(ca_key, view_of(message, size), &signature);
    pki_key_public(ca_key, public_key);
    writer_bytes(&writer, public_key, sizeof(public_key));
    writer_sized(&writer, view_of(signature.bytes, signature.size));
    assert(!writer.failed);
    return writer.size;
}

static enum hearth_code check_signature(struct view record, struct view public_key,
    struct view signature, const uint8_t ca_pin[PKI_PIN_SIZE], struct hearth_err *err)
{
    struct pki_key *key = NULL;
    uint8_t pin[PKI_PIN_SIZE];
    if (pki_key_from_public(public_key, &key, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "evidence: its key");
    }
    pki_key_pin(key, pin);
    size_t size;
    FREES uint8_t *message = join_message(record, &size);
    bool is_ours = message != NULL && memcmp(pin, ca_pin, sizeof(pin)) == 0;
    bool is_true = is_ours && pki_verify(key, view_of(message, size), signature);
    pki_key_destroy(key);
    if (!is_ours) {
        return hearth_fail(err, HEARTH_DENIED, "evidence: signed by another cluster");
    }
    return is_true ? HEARTH_OK : hearth_fail(err, HEARTH_DENIED, "evidence: altered");
}

enum hearth_code evidence_decode(struct view bytes, const uint8_t ca_pin[PKI_PIN_SIZE],
    struct evidence *out, struct hearth_err *err)
{
    struct reader reader = reader_of(bytes);
    uint8_t version = reader_u8(&reader);
    if (!reader.failed && version != EVIDENCE_FORMAT_VERSION) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "evidence of format version %u", version);
    }
    bool is_whole = read_all(&reader, out);
    struct view record = view_of(bytes.bytes, bytes.size - reader.left);
    struct view public_key = reader_view(&reader, PKI_PUBLIC_SIZE);
    struct view signature = reader_sized(&reader);
    if (!is_whole || !reader_at_end(&reader)) {
        return hearth_fail(err, HEARTH_INVALID, "%zu bytes that are no evidence", bytes.size);
    }
    return check_signature(record, public_key, signature, ca_pin, err);
}
