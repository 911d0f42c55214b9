/*
 * bench_codes.c - what the pure computations of a transfer cost: the floor under every PUT and GET.
 *
 *   hearth-bench-codes [--seconds S]     S of CPU time per line (default 0.5)
 *
 * One line of JSON each: the speed of one thread, and CPU-seconds per GiB.  Bytes are those of the
 * data: k cells of an encoded or rebuilt stripe, the plaintext of a unit, the cell of a tag.  Each
 * runs over 8 MiB: a transfer touches a stripe again and again while it is warm, and a floor is
 * what cannot be undercut.  (Over 64 MiB, tags take 1.6 times as long: page table misses.)
 */
#include "client/seal.h"
#include "client/shard_tag.h"
#include "erasure/ec_codec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

enum {
    STRIDE = EC_CELL_SIZE_MAX + EC_CELL_TAG_SIZE, /* a cell and its tag */
    CELLS = 128,                                  /* the widest stripe; 8 MiB */
};

struct bench {
    double seconds;
    uint8_t *bytes; /* CELLS times STRIDE */
    unsigned next;  /* cell to work on */
};

static double cpu_now_s(void)
{
    struct timespec now;
    int rc = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    assert(rc == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* `count` cells that follow each other in memory. */
static uint8_t *next_cells(struct bench *bench, unsigned count)
{
    if (bench->next + count > CELLS) {
        bench->next = 0;
    }
    uint8_t *cell = bench->bytes + (size_t)bench->next * STRIDE;
    bench->next += count;
    return cell;
}

/* Repeats `once`, which says how many bytes it worked on, and prints the line. `extra`: more
 * fields. */
static void measure(struct bench *bench, const char *name, const char *extra,
    size_t (*once)(struct bench *bench, void *context), void *context)
{
    once(bench, context); /* first uses set things up */
    size_t bytes = 0;
    double start = cpu_now_s();
    double spent = 0;
    while (spent < bench->seconds) {
        bytes += once(bench, context);
        spent = cpu_now_s() - start;
    }
    printf("{\"bench\": \"%s\"%s, \"gb_per_s\": %.2f, \"cpu_s_per_gib\": %.4f}\n", name, extra,
        (double)bytes / spent / 1e9, spent / (double)bytes * 1024 * 1024 * 1024);
}

/* ---- the code ---- */

struct code {
    struct ec_codec *codec;
    unsigned k, n;
};

static void point_at_cells(struct bench *bench, const struct code *code, uint8_t *cells[])
{
    uint8_t *first = next_cells(bench, code->n);
    for (unsigned slot = 0; slot < code->n; slot++) {
        cells[slot] = first + (size_t)slot * STRIDE;
    }
}

static size_t encode_once(struct bench *bench, void *context)
{
    const struct code *code = context;
    uint8_t *cells[EC_SLOTS_MAX];
    point_at_cells(bench, code, cells);
    ec_codec_encode(code->codec, EC_CELL_SIZE_MAX, cells);
    return (size_t)code->k * EC_CELL_SIZE_MAX;
}

/* The most expensive read: as many data cells are gone as the code survives. */
static size_t rebuild_once(struct bench *bench, void *context)
{
    const struct code *code = context;
    uint8_t *cells[EC_SLOTS_MAX];
    struct hearth_err err;
    unsigned parity = code->n - code->k;
    struct ec_slots lost = ec_slots_first(code->k < parity ? code->k : parity);
    point_at_cells(bench, code, cells);
    enum hearth_code rc = ec_codec_rebuild(code->codec, EC_CELL_SIZE_MAX, cells,
        ec_slots_minus(ec_slots_first(code->n), lost), lost, &err);
    assert(rc == HEARTH_OK);
    return (size_t)code->k * EC_CELL_SIZE_MAX;
}

static void measure_code(struct bench *bench, unsigned k, unsigned n)
{
    struct code code = {.k = k, .n = n};
    struct hearth_err err;
    char extra[64];
    enum hearth_code rc = ec_codec_create(EC_CODEC_CAUCHY, k, n, &code.codec, &err);
    assert(rc == HEARTH_OK);
    snprintf(extra, sizeof(extra), ", \"k\": %u, \"n\": %u", k, n);
    measure(bench, "encode", extra, encode_once, &code);
    measure(bench, "rebuild", extra, rebuild_once, &code);
    ec_codec_destroy(code.codec);
}

/* ---- sealing ---- */

struct sealing {
    struct upload_key key;
    struct seal_writer *writer;
    struct seal_reader *reader;
    unsigned unit;
    uint8_t *opened;
};

/* In place, as a writer does it; a segment has CELLS units, unit u lies in cell u. */
static size_t seal_once(struct bench *bench, void *context)
{
    struct sealing *sealing = context;
    unsigned unit = sealing->unit++ % CELLS;
    if (unit == 0) {
        seal_writer_destroy(sealing->writer);
        sealing->writer = seal_writer_create(env_system(), &sealing->key);
    }
    uint8_t *cell = bench->bytes + (size_t)unit * STRIDE;
    seal_writer_next(sealing->writer, view_of(cell, EC_UNIT_PLAIN_SIZE), cell);
    return EC_UNIT_PLAIN_SIZE;
}

static size_t open_once(struct bench *bench, void *context)
{
    struct sealing *sealing = context;
    struct hearth_err err;
    unsigned unit = sealing->unit++ % CELLS;
    enum hearth_code rc = seal_reader_open(sealing->reader, unit,
        view_of(bench->bytes + (size_t)unit * STRIDE, EC_UNIT_SIZE), sealing->opened, &err);
    assert(rc == HEARTH_OK);
    return EC_UNIT_PLAIN_SIZE;
}

static void measure_sealing(struct bench *bench)
{
    struct sealing sealing = {.opened = malloc(EC_UNIT_PLAIN_SIZE)};
    assert(sealing.opened != NULL);
    upload_key_draw(env_system(), &sealing.key);
    measure(bench, "seal", "", seal_once, &sealing);
    while (sealing.unit % CELLS != 0) {
        seal_once(bench, &sealing); /* a whole segment is what can be opened */
    }
    sealing.reader = seal_reader_create(&sealing.key, seal_writer_segment_id(sealing.writer));
    measure(bench, "open", "", open_once, &sealing);
    seal_writer_destroy(sealing.writer);
    seal_reader_destroy(sealing.reader);
    free(sealing.opened);
}

/* ---- tags and digests ---- */

static size_t tag_once(struct bench *bench, void *context)
{
    uint8_t *cell = next_cells(bench, 1);
    shard_tag_make(
        context, 3, bench->next, view_of(cell, EC_CELL_SIZE_MAX), cell + EC_CELL_SIZE_MAX);
    return EC_CELL_SIZE_MAX;
}

static size_t xxh3_once(struct bench *bench, void *context)
{
    volatile XXH64_hash_t *kept = context; /* so that the compiler computes it */
    *kept = XXH3_64bits(next_cells(bench, 1), EC_CELL_SIZE_MAX);
    return EC_CELL_SIZE_MAX;
}

static size_t hash_once(struct bench *bench, void *context)
{
    crypto_hash_update(context, view_of(next_cells(bench, 1), EC_UNIT_PLAIN_SIZE));
    return EC_UNIT_PLAIN_SIZE;
}

static void measure_digests(struct bench *bench)
{
    const struct verify_key key = {{1}};
    struct shard_tagger *tagger = shard_tagger_create(&key);
    measure(bench, "tag", "", tag_once, tagger);
    shard_tagger_destroy(tagger);

    XXH64_hash_t kept;
    measure(bench, "xxh3", "", xxh3_once, &kept);

    struct crypto_hash *md5 = crypto_hash_create(CRYPTO_MD5);
    measure(bench, "md5", "", hash_once, md5);
    crypto_hash_destroy(md5);
}

static double parse_seconds(int argc, char *argv[])
{
    char *end = "";
    double seconds = argc == 3 ? strtod(argv[2], &end) : 0.5;
    if ((argc != 1 && (argc != 3 || strcmp(argv[1], "--seconds") != 0)) || *end != '\0' ||
        !(seconds > 0 && seconds <= 60)) {
        fprintf(stderr, "usage: hearth-bench-codes [--seconds S]   0 < S <= 60\n");
        exit(2);
    }
    return seconds;
}

int main(int argc, char *argv[])
{
    struct bench bench = {.seconds = parse_seconds(argc, argv)};
    bench.bytes = malloc((size_t)CELLS * STRIDE);
    assert(bench.bytes != NULL);
    memset(bench.bytes, 0x5a, (size_t)CELLS * STRIDE);
    measure_code(&bench, 4, 8);
    measure_code(&bench, 4, 6);
    measure_code(&bench, 16, 40);
    measure_sealing(&bench);
    measure_digests(&bench);
    free(bench.bytes);
    return 0;
}
