/*
 * seal.h - plaintext becomes units, units become plaintext: the only place that can read a segment.
 *
 *   UK (drawn per upload, kept in the manifest)
 *    |  SK = HKDF(UK, "hearth/1/seal" | segment id)
 *    v
 *   unit u = AES-256-GCM(SK, nonce u, associated "hearth/1/seal" | segment id, 64 KiB) | tag
 *
 * D12: a writer draws its own segment id and counts its own units, so no nonce of a key is ever
 * used twice.  Sealing something again (the source was read again) takes a new writer, hence a
 * new id; sending the same sealed bytes again takes none.
 *
 * Pure computation.  Thread-safety: a writer or reader is used by one thread at a time.
 */
#ifndef HEARTH_CLIENT_SEAL_H
#define HEARTH_CLIENT_SEAL_H

#include "common/crypto.h"
#include "common/env.h"
#include "common/err.h"
#include "erasure/ec_stripe.h"

enum { SEGMENT_ID_SIZE = 16 };

/* UK: opens the segments of one upload. */
struct upload_key {
    uint8_t bytes[CRYPTO_KEY_SIZE];
};

void upload_key_draw(struct env *env, struct upload_key *out);

/* ---- sealing ---- */

struct seal_writer;

/* One sealing pass: draws the segment's id. The key is borrowed for the call. */
struct seal_writer *seal_writer_create(struct env *env, const struct upload_key *key);

/* The same under an id that the caller has never used with this key, and never will again (D12). */
struct seal_writer *seal_writer_create_named(
    const struct upload_key *key, const uint8_t segment_id[SEGMENT_ID_SIZE]);

/* Accepts NULL. */
void seal_writer_destroy(struct seal_writer *writer);

/* 16 bytes; borrowed for the life of the writer. */
const uint8_t *seal_writer_segment_id(const struct seal_writer *writer);

/*
 * Seals the next unit: plain.size + 16 bytes at `out`, which may be plain.bytes.  Every unit but
 * the last of a segment is 64 KiB; none is empty; a segment has at most 1,024.
 */
void seal_writer_next(struct seal_writer *writer, struct view plain, uint8_t *out);

/* ---- opening ---- */

struct seal_reader;

/* Key and id are borrowed for the call. */
struct seal_reader *seal_reader_create(
    const struct upload_key *key, const uint8_t segment_id[SEGMENT_ID_SIZE]);

/* Accepts NULL. */
void seal_reader_destroy(struct seal_reader *reader);

/*
 * Opens unit `unit`: sealed.size - 16 bytes at `out`, which may be sealed.bytes.
 * HEARTH_CHECKSUM: these are not the bytes that were sealed as this unit; `out` holds zeros.
 */
enum hearth_code seal_reader_open(struct seal_reader *reader, unsigned unit, struct view sealed,
    uint8_t *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_SEAL_H */
