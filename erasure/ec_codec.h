/*
 * ec_codec.h - turns k data cells into n, and any k of those back into the others.
 *
 *   cells[0..k)  --encode-->  cells[k..n)
 *   any k cells  --rebuild-->  the ones that are wanted
 *
 * Reed-Solomon over GF(2^8), systematic, with ISA-L's Cauchy matrix: every square part of one is
 * invertible, so any k cells do.  (ISA-L's other generator, a Vandermonde matrix, is not for some
 * losses.)  ec_kernel.h does the multiplying.  Pure computation: no i/o, no locks, no logging.
 *
 * A codec is checked when it is made: it must give back a small pattern it encoded.
 *
 * Thread-safety: a codec never changes after creation; share it freely.
 */
#ifndef HEARTH_ERASURE_EC_CODEC_H
#define HEARTH_ERASURE_EC_CODEC_H

#include "common/err.h"
#include "erasure/ec_slots.h"

#include <stddef.h>
#include <stdint.h>

enum { EC_DATA_MAX = 64 }; /* k; with n <= 128 a codec's tables are at most 128 KiB */

/* Which code made the parity; recorded in each segment. Append, never renumber. */
enum ec_codec_id { EC_CODEC_CAUCHY = 1 };

struct ec_codec;

/*
 * On success *out is the caller's, to be released with ec_codec_destroy().
 * HEARTH_UNKNOWN_FORMAT: no such codec.  HEARTH_INVALID: not 1 <= data_count <= 64, or not
 * data_count < slot_count <= 128.  HEARTH_INTERNAL: the check failed (a broken machine or library).
 */
enum hearth_code ec_codec_create(unsigned codec_id, unsigned data_count, unsigned slot_count,
    struct ec_codec **out, struct hearth_err *err);

/* Accepts NULL. */
void ec_codec_destroy(struct ec_codec *codec);

unsigned ec_codec_data_count(const struct ec_codec *codec);
unsigned ec_codec_slot_count(const struct ec_codec *codec);

/*
 * cells[i] points at the cell_size bytes of slot i, all n of them: data slots are read, parity
 * slots written. Buffers are borrowed for the call and need no alignment.
 */
void ec_codec_encode(const struct ec_codec *codec, size_t cell_size, uint8_t *const cells[]);

/*
 * Writes the cells of the `wanted` slots, data or parity, from k of the slots in `have`.
 * cells[i] points at cell_size bytes for slots in either set; the sets share no slot; the other
 * pointers are not looked at.  Work grows with the number of wanted slots only, so a reader asks
 * for the data slots it needs and not for every one it lacks.
 * HEARTH_SHARDS_LOST: fewer than k slots in `have`; nothing was written.
 */
enum hearth_code ec_codec_rebuild(const struct ec_codec *codec, size_t cell_size,
    uint8_t *const cells[], struct ec_slots have, struct ec_slots wanted, struct hearth_err *err);

#endif /* HEARTH_ERASURE_EC_CODEC_H */
