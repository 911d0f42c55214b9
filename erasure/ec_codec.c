#include "erasure/ec_codec.h"

#include "erasure/ec_kernel.h"

#include <assert.h>
#include <isa-l.h>
#include <stdlib.h>
#include <string.h>

enum {
    /*
     * Rows rebuilt in one call of a kernel.  Kernels work on 4 or 6 rows at a time whatever they
     * are given, so a multiple of both costs nothing and keeps the tables on the stack (24 KiB).
     */
    REBUILD_ROWS_MAX = 12,

    CHECK_CELL_SIZE = 336, /* a block or vector of every width a kernel uses, and a tail */
};

struct ec_codec {
    const struct ec_kernel *kernel;
    unsigned data_count;
    unsigned slot_count;
    uint8_t generator[EC_SLOTS_MAX * EC_DATA_MAX]; /* n rows of k: cells = generator x data */
    uint8_t encode_tables[];                       /* of the n - k parity rows */
};

void ec_codec_encode(const struct ec_codec *codec, size_t cell_size, uint8_t *const cells[])
{
    unsigned k = codec->data_count;
    codec->kernel->apply(
        cell_size, k, codec->slot_count - k, codec->encode_tables, cells, cells + k);
}

/* `inverse` turns the cells of the first k slots of `have` back into the data cells. */
static void invert_generator(
    const struct ec_codec *codec, const unsigned sources[], uint8_t inverse[])
{
    unsigned k = codec->data_count;
    uint8_t matrix[EC_DATA_MAX * EC_DATA_MAX]; /* used up by the inversion */
    for (unsigned i = 0; i < k; i++) {
        memcpy(&matrix[i * k], &codec->generator[sources[i] * k], k);
    }
    int singular = gf_invert_matrix(matrix, inverse, (int)k);
    assert(!singular); /* no square part of a Cauchy matrix is */
}

/* How one slot's cell follows from the sources: row = generator[slot] x inverse. */
static void derive_row(
    const struct ec_codec *codec, unsigned slot, const uint8_t inverse[], uint8_t row[])
{
    unsigned k = codec->data_count;
    memset(row, 0, k);
    for (unsigned i = 0; i < k; i++) {
        uint8_t factor = codec->generator[slot * k + i];
        for (unsigned at = 0; factor != 0 && at < k; at++) {
            row[at] ^= gf_mul(factor, inverse[i * k + at]);
        }
    }
}

/* Rebuilds up to REBUILD_ROWS_MAX of the wanted slots and takes them out of the set. */
static void rebuild_some(const struct ec_codec *codec, size_t cell_size, uint8_t *const cells[],
    uint8_t *const source_cells[], const uint8_t inverse[], struct ec_slots *wanted)
{
    unsigned k = codec->data_count;
    uint8_t rows[REBUILD_ROWS_MAX * EC_DATA_MAX];
    uint8_t tables[REBUILD_ROWS_MAX * EC_DATA_MAX * EC_KERNEL_TABLE_MAX];
    uint8_t *targets[REBUILD_ROWS_MAX];

    unsigned count = 0;
    while (count < REBUILD_ROWS_MAX && !ec_slots_empty(*wanted)) {
        unsigned slot = ec_slots_next(*wanted, 0);
        derive_row(codec, slot, inverse, &rows[count * k]);
        targets[count++] = cells[slot];
        ec_slots_remove(wanted, slot);
    }
    codec->kernel->prepare(k, count, rows, tables);
    codec->kernel->apply(cell_size, k, count, tables, source_cells, targets);
}

enum hearth_code ec_codec_rebuild(const struct ec_codec *codec, size_t cell_size,
    uint8_t *const cells[], struct ec_slots have, struct ec_slots wanted, struct hearth_err *err)
{
    unsigned k = codec->data_count;
    unsigned sources[EC_DATA_MAX];
    uint8_t *source_cells[EC_DATA_MAX];
    uint8_t inverse[EC_DATA_MAX * EC_DATA_MAX];

    assert(ec_slots_next(have, codec->slot_count) == EC_SLOTS_MAX);
    assert(ec_slots_next(wanted, codec->slot_count) == EC_SLOTS_MAX);
    assert(ec_slots_count(ec_slots_minus(wanted, have)) == ec_slots_count(wanted));
    if (ec_slots_count(have) < k) {
        return hearth_fail(err, HEARTH_SHARDS_LOST, "%u of %u shards are there, %u are needed",
            ec_slots_count(have), codec->slot_count, k);
    }

    for (unsigned i = 0, slot = 0; i < k; i++, slot++) {
        slot = ec_slots_next(have, slot);
        sources[i] = slot;
        source_cells[i] = cells[slot];
    }
    invert_generator(codec, sources, inverse);
    while (!ec_slots_empty(wanted)) {
        rebuild_some(codec, cell_size, cells, source_cells, inverse, &wanted);
    }
    return HEARTH_OK;
}

/* ---- creation ---- */

/* Encodes a pattern, loses as many data cells as the code survives, and looks what comes back. */
static bool gives_back_what_it_encoded(const struct ec_codec *codec)
{
    unsigned k = codec->data_count;
    unsigned parity_count = codec->slot_count - k;
    uint8_t bytes[EC_SLOTS_MAX][CHECK_CELL_SIZE];
    uint8_t *cells[EC_SLOTS_MAX];
    for (unsigned slot = 0; slot < codec->slot_count; slot++) {
        cells[slot] = bytes[slot];
        for (unsigned at = 0; at < CHECK_CELL_SIZE; at++) {
            bytes[slot][at] = (uint8_t)(slot * 31 + at * 7);
        }
    }
    ec_codec_encode(codec, CHECK_CELL_SIZE, cells);

    struct ec_slots lost = ec_slots_first(k < parity_count ? k : parity_count);
    struct ec_slots have = ec_slots_minus(ec_slots_first(codec->slot_count), lost);
    memset(bytes, 0, ec_slots_count(lost) * CHECK_CELL_SIZE);
    struct hearth_err err;
    bool good = ec_codec_rebuild(codec, CHECK_CELL_SIZE, cells, have, lost, &err) == HEARTH_OK;
    for (unsigned slot = 0; slot < k; slot++) {
        for (unsigned at = 0; at < CHECK_CELL_SIZE; at++) {
            good = good && bytes[slot][at] == (uint8_t)(slot * 31 + at * 7);
        }
    }
    return good;
}

enum hearth_code ec_codec_create(unsigned codec_id, unsigned data_count, unsigned slot_count,
    struct ec_codec **out, struct hearth_err *err)
{
    if (codec_id != EC_CODEC_CAUCHY) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "erasure codec %u", codec_id);
    }
    if (data_count < 1 || data_count > EC_DATA_MAX || slot_count <= data_count ||
        slot_count > EC_SLOTS_MAX) {
        return hearth_fail(err, HEARTH_INVALID,
            "erasure code with k=%u n=%u: 1 <= k <= %d and k < n <= %d", data_count, slot_count,
            EC_DATA_MAX, EC_SLOTS_MAX);
    }

    const struct ec_kernel *kernel = ec_kernel_best();
    size_t tables_size = kernel->table_size * data_count * (slot_count - data_count);
    struct ec_codec *codec = malloc(sizeof(*codec) + tables_size);
    if (codec == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "erasure code tables, %zu bytes", tables_size);
    }
    codec->kernel = kernel;
    codec->data_count = data_count;
    codec->slot_count = slot_count;
    gf_gen_cauchy1_matrix(codec->generator, (int)slot_count, (int)data_count);
    kernel->prepare(data_count, slot_count - data_count, &codec->generator[data_count * data_count],
        codec->encode_tables);
    if (!gives_back_what_it_encoded(codec)) {
        ec_codec_destroy(codec);
        return hearth_fail(err, HEARTH_INTERNAL,
            "erasure code with k=%u n=%u: it did not give back what it encoded", data_count,
            slot_count);
    }
    *out = codec;
    return HEARTH_OK;
}

void ec_codec_destroy(struct ec_codec *codec)
{
    free(codec);
}

unsigned ec_codec_data_count(const struct ec_codec *codec)
{
    return codec->data_count;
}

unsigned ec_codec_slot_count(const struct ec_codec *codec)
{
    return codec->slot_count;
}
