/*
 * ec_stripe.h - where each byte of a segment lies: the arithmetic of sealing and cutting.
 *
 *   plaintext  | 64 KiB | 64 KiB | 64 KiB | rest |
 *                  each sealed, 16 bytes longer
 *   sealed     |  unit 0  |  unit 1  |  unit 2  | unit 3 |
 *                  cut, the code's k = 2 here
 *   stripe 0   |  cell    |  cell    | parity ...             full: cells of 65,552 bytes
 *   stripe 1   |  cell  |  cell|0000 | parity ...             the last: shrunken, zero-padded
 *
 * Full stripes have k data cells of 65,552 bytes, so there a unit is a cell.  What is left, R
 * bytes, goes into k cells of ceil(R / k) rounded up to 64 (but at most 65,552), and a unit may
 * span cells.  Units do not depend on k: another code re-cuts the sealed stream, no key needed.
 *
 * A segment of no plaintext has no units, no stripes and empty shards.
 *
 * Pure arithmetic.  Thread-safety: a struct ec_stripes never changes after ec_stripes_init().
 */
#ifndef HEARTH_ERASURE_EC_STRIPE_H
#define HEARTH_ERASURE_EC_STRIPE_H

#include "common/err.h"
#include "erasure/ec_slots.h"

#include <stddef.h>
#include <stdint.h>

enum {
    EC_UNIT_PLAIN_SIZE = 64 * 1024,
    EC_UNIT_TAG_SIZE = 16, /* of AES-GCM, at the end of each sealed unit */
    EC_UNIT_SIZE = EC_UNIT_PLAIN_SIZE + EC_UNIT_TAG_SIZE,
    EC_CELL_SIZE_MAX = EC_UNIT_SIZE,
    EC_CELL_ALIGNMENT = 64, /* of shrunken cells: whole vectors for the code, whole disk records */
    EC_CELL_TAG_SIZE = 16,  /* follows each cell, on disk and on the wire */
    EC_SEGMENT_PLAIN_MAX = 64 * 1024 * 1024,
    EC_SEGMENT_UNITS_MAX = EC_SEGMENT_PLAIN_MAX / EC_UNIT_PLAIN_SIZE,
};

/* How one segment is cut. Made by ec_stripes_init() only. */
struct ec_stripes {
    unsigned data_count;   /* k */
    unsigned stripe_count; /* the shrunken one included */
    size_t plain_size;
    size_t sealed_size;
    size_t last_cell_size; /* of stripe stripe_count - 1; 0 when there are no stripes */
};

/* A run of sealed bytes inside one data cell. */
struct ec_piece {
    unsigned stripe;
    unsigned slot; /* < k */
    size_t offset; /* in the cell */
    size_t size;
};

/* A run of bytes of the plaintext or of the sealed stream. */
struct ec_range {
    size_t offset;
    size_t size;
};

/* HEARTH_INVALID: more than 64 MiB of plaintext, or not 1 <= data_count <= 64. */
enum hearth_code ec_stripes_init(
    struct ec_stripes *stripes, unsigned data_count, uint64_t plain_size, struct hearth_err *err);

/* ---- units ---- */

unsigned ec_stripes_unit_count(const struct ec_stripes *stripes);

/* What unit `unit` covers of the plaintext, and where it lies in the sealed stream. */
struct ec_range ec_stripes_unit_plain(const struct ec_stripes *stripes, unsigned unit);
struct ec_range ec_stripes_unit_sealed(const struct ec_stripes *stripes, unsigned unit);

/* The sealed bytes of all units that hold some of a plaintext range, which must lie inside. */
struct ec_range ec_stripes_sealed_range(const struct ec_stripes *stripes, struct ec_range plain);

/* ---- cells ---- */

/* Data and parity cells of one stripe are equally long. */
size_t ec_stripes_cell_size(const struct ec_stripes *stripes, unsigned stripe);

/* How many bytes of a data cell are sealed stream; zeros follow. */
size_t ec_stripes_cell_used(const struct ec_stripes *stripes, unsigned stripe, unsigned slot);

/* The run of sealed bytes that starts at `range.offset`, cut at the end of its cell or of the
 * range, whichever comes first.  range.size > 0. */
struct ec_piece ec_stripes_piece(const struct ec_stripes *stripes, struct ec_range range);

/* The inverse: where in the sealed stream a byte of a data cell lies. Padding gives an offset at
 * or past sealed_size. */
size_t ec_stripes_sealed_offset(
    const struct ec_stripes *stripes, unsigned stripe, unsigned slot, size_t offset);

/* The stripe that holds a sealed byte; and the data slots of a stripe that hold some of a sealed
 * range (none when the range lies elsewhere). */
unsigned ec_stripes_stripe_of(const struct ec_stripes *stripes, size_t sealed_offset);
struct ec_slots ec_stripes_slots_of(
    const struct ec_stripes *stripes, unsigned stripe, struct ec_range sealed);

/* ---- shards ---- */

/* Bytes of one shard: its cell of every stripe, alone or each with its tag. */
size_t ec_stripes_shard_size(const struct ec_stripes *stripes);
size_t ec_stripes_tagged_shard_size(const struct ec_stripes *stripes);

/* Where the cell of a stripe starts in a tagged shard. */
size_t ec_stripes_tagged_cell_offset(const struct ec_stripes *stripes, unsigned stripe);

#endif /* HEARTH_ERASURE_EC_STRIPE_H */
