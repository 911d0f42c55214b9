#include "gateway/crc.h"

const struct crc crc_32 = {32, 0xedb88320};
const struct crc crc_32c = {32, 0x82f63b78};
const struct crc crc_64nvme = {64, 0x9a6c9329ac4bc9b5};

static uint64_t all_ones(const struct crc *crc)
{
    return UINT64_MAX >> (64 - crc->bits);
}

/* Times x: reflected, so the highest power is the lowest bit. */
static uint64_t times_x(const struct crc *crc, uint64_t value)
{
    return value >> 1 ^ ((value & 1) != 0 ? crc->polynomial : 0);
}

uint64_t crc_of(const struct crc *crc, struct view bytes)
{
    uint64_t value = all_ones(crc);
    for (size_t i = 0; i < bytes.size; i++) {
        value ^= bytes.bytes[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            value = times_x(crc, value);
        }
    }
    return value ^ all_ones(crc);
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
