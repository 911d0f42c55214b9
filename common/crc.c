#include "common/crc.h"

#include "common/crc_fold.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>

enum crc_which { CRC_32, CRC_32C, CRC_64NVME, CRC_COUNT };

struct crc {
    enum crc_which which;
    unsigned bits;
    uint64_t polynomial; /* reflected */
};

const struct crc crc_32 = {CRC_32, 32, 0xedb88320};
const struct crc crc_32c = {CRC_32C, 32, 0x82f63b78};
const struct crc crc_64nvme = {CRC_64NVME, 64, 0x9a6c9329ac4bc9b5};

/*
 * Long runs are folded first (crc_fold.h): 12 GB/s.  The rest, and where the processor cannot,
 * eight bytes at a time: table k tells what a byte does that has k bytes behind it in its
 * eight; 1.7 GB/s.
 */
enum { SLICES = 8 };

struct crc_table {
    uint64_t slice[SLICES][256];
    struct crc_folds folds;
};

/* Set once, by make_tables(). */
static struct crc_table tables[CRC_COUNT];
static bool can_fold;

static uint64_t all_ones(const struct crc *crc)
{
    return UINT64_MAX >> (64 - crc->bits);
}

/* Times x: reflected, so the highest power is the lowest bit. */
static uint64_t times_x(const struct crc *crc, uint64_t value)
{
    return value >> 1 ^ ((value & 1) != 0 ? crc->polynomial : 0);
}

/* x to that power, as crc_fold.h wants it. */
static uint64_t power_to_fold(const struct crc *crc, unsigned exponent)
{
    uint64_t value = UINT64_C(1) << (crc->bits - 1); /* x^0 */
    while (exponent-- > 0) {
        value = times_x(crc, value);
    }
    return value << (64 - crc->bits);
}

static void make_folds(const struct crc *crc, struct crc_folds *out)
{
    enum { BLOCK_BITS = 8 * CRC_FOLD_BLOCK, LANES_BITS = BLOCK_BITS * CRC_FOLD_LANES };
    out->lanes[0] = power_to_fold(crc, LANES_BITS + 63);
    out->lanes[1] = power_to_fold(crc, LANES_BITS - 1);
    out->block[0] = power_to_fold(crc, BLOCK_BITS + 63);
    out->block[1] = power_to_fold(crc, BLOCK_BITS - 1);
}

static void make_table(const struct crc *crc)
{
    struct crc_table *table = &tables[crc->which];
    make_folds(crc, &table->folds);
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (unsigned bit = 0; bit < 8; bit++) {
            value = times_x(crc, value);
        }
        table->slice[0][byte] = value;
    }
    for (unsigned slice = 1; slice < SLICES; slice++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t before = table->slice[slice - 1][byte];
            table->slice[slice][byte] = before >> 8 ^ table->slice[0][before & 255];
        }
    }
}

static void make_tables(void)
{
    make_table(&crc_32);
    make_table(&crc_32c);
    make_table(&crc_64nvme);
    can_fold = crc_can_fold();
}

static uint64_t eight_bytes(const struct crc_table *table, uint64_t value, const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    word = le64toh(word) ^ value;
    value = 0;
    for (unsigned i = 0; i < SLICES; i++) {
        value ^= table->slice[SLICES - 1 - i][word >> 8 * i & 255];
    }
    return value;
}

static uint64_t by_table(const struct crc_table *table, uint64_t value, struct view bytes)
{
    const uint8_t *at = bytes.bytes;
    size_t left = bytes.size;
    for (; left >= SLICES; at += SLICES, left -= SLICES) {
        value = eight_bytes(table, value, at);
    }
    for (; left > 0; at++, left--) {
        value = value >> 8 ^ table->slice[0][(value ^ *at) & 255];
    }
    return value;
}

uint64_t crc_update(const struct crc *crc, uint64_t before, struct view bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int rc = pthread_once(&once, make_tables);
    assert(rc == 0);
    const struct crc_table *table = &tables[crc->which];
    uint64_t value = before ^ all_ones(crc);
    if (can_fold && bytes.size >= CRC_FOLD_MIN) {
        uint8_t block[CRC_FOLD_BLOCK];
        crc_fold(&table->folds, value, &bytes, block);
        value = by_table(table, 0, view_of(block, sizeof(block)));
    }
    return by_table(table, value, bytes) ^ all_ones(crc);
}

/* a * b modulo the polynomial. */
static uint64_t multiply(const struct crc *crc, uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (uint64_t bit = UINT64_C(1) << (crc->bits - 1); bit != 0; bit >>= 1) {
        if ((a & bit) != 0) {
            product ^= b;
        }
        b = times_x(crc, b);
    }
    return product;
}

/* x^(8 * size) */
static uint64_t power_of_x(const struct crc *crc, uint64_t size)
{
    uint64_t power = UINT64_C(1) << (crc->bits - 1); /* x^0 */
    uint64_t square = power;
    for (unsigned i = 0; i < 8; i++) {
        square = times_x(crc, square); /* x^8 in the end */
    }
    for (; size > 0; size >>= 1) {
        if ((size & 1) != 0) {
            power = multiply(crc, power, square);
        }
        square = multiply(crc, square, square);
    }
    return power;
}

uint64_t crc_join(const struct crc *crc, uint64_t first, uint64_t second, uint64_t second_size)
{
    return multiply(crc, power_of_x(crc, second_size), first) ^ second;
}

void crc_write(const struct crc *crc, uint64_t value, uint8_t *bytes)
{
    uint64_t ordered = htobe64(value << (64 - crc->bits));
    memcpy(bytes, &ordered, crc->bits / 8);
}

uint64_t crc_read(const struct crc *crc, const uint8_t *bytes)
{
    uint64_t ordered = 0;
    memcpy(&ordered, bytes, crc->bits / 8);
    return be64toh(ordered) >> (64 - crc->bits);
}
