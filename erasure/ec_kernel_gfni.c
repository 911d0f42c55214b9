/*
 * ec_kernel_gfni.c - multiplication by a constant is linear over bits, so it is a matrix of 8 x 8
 * bits, and GF2P8AFFINEQB applies one to 64 bytes at once, for any polynomial.
 *
 * A block is four vectors (256 bytes) of every source and up to six targets: 24 sums, 4 source
 * vectors and a matrix are 29 of the 32 registers, and each matrix that is loaded serves four
 * vectors.  Source blocks stay in the first cache while all rows pass over them.  40 cells at once
 * are more streams than a processor prefetches by itself, so each block asks for the next one: 4.6
 * instead of 2.5 GB/s at 16 + 24; further ahead is slower again.
 */
#include "erasure/ec_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

enum {
    VECTOR_SIZE = 64,
    BLOCK_VECTORS = 4,
    BLOCK_SIZE = BLOCK_VECTORS * VECTOR_SIZE,
    BLOCK_ROWS = 6,
    MATRIX_SIZE = 8,
};

/* The work of one call; rows are `row` and those after it. */
struct gfni_work {
    unsigned source_count;
    const uint8_t *tables;
    uint8_t *const *sources;
    uint8_t *const *targets;
    unsigned row;
    size_t at; /* byte of the cells */
};

/* ---- tables ---- */

static uint8_t times_x(uint8_t value)
{
    return (uint8_t)(value << 1 ^ (value & 0x80 ? 0x1d : 0));
}

/* Column j of the matrix is coefficient * x^j; the instruction wants row i in byte 7 - i. */
static void matrix_of(uint8_t coefficient, uint8_t matrix[MATRIX_SIZE])
{
    memset(matrix, 0, MATRIX_SIZE);
    for (unsigned column = 0; column < 8; column++) {
        for (unsigned row = 0; row < 8; row++) {
            matrix[7 - row] |= (uint8_t)((coefficient >> row & 1) << column);
        }
        coefficient = times_x(coefficient);
    }
}

static void gfni_prepare(
    unsigned source_count, unsigned row_count, const uint8_t coefficients[], uint8_t tables[])
{
    for (unsigned i = 0; i < source_count * row_count; i++) {
        matrix_of(coefficients[i], &tables[(size_t)i * MATRIX_SIZE]);
    }
}

/* ---- blocks ---- */

#define GFNI_CODE __attribute__((target("avx512f,avx512bw,gfni")))

/*
 * One block; the counts are constants where this is inlined, so the sums live in registers.
 * `mask` has a bit for each byte of the last vector that is there.
 */
GFNI_CODE __attribute__((always_inline)) static inline void block(
    const struct gfni_work *work, unsigned row_count, unsigned vector_count, __mmask64 mask)
{
    __m512i sums[BLOCK_ROWS][BLOCK_VECTORS];
#pragma GCC unroll 6
    for (unsigned row = 0; row < row_count; row++) {
#pragma GCC unroll 4
        for (unsigned vector = 0; vector < vector_count; vector++) {
            uint8_t *to = work->targets[work->row + row] + work->at + vector * VECTOR_SIZE;
            __builtin_prefetch(to + BLOCK_SIZE, 1);
            sums[row][vector] = _mm512_setzero_si512();
        }
    }
    for (unsigned source = 0; source < work->source_count; source++) {
        __m512i bytes[BLOCK_VECTORS];
#pragma GCC unroll 4
        for (unsigned vector = 0; vector < vector_count; vector++) {
            const uint8_t *from = work->sources[source] + work->at + vector * VECTOR_SIZE;
            if (work->row == 0) {
                __builtin_prefetch(from + BLOCK_SIZE);
            }
            bytes[vector] = _mm512_maskz_loadu_epi8(mask, from);
        }
#pragma GCC unroll 6
        for (unsigned row = 0; row < row_count; row++) {
            uint64_t matrix;
            size_t coefficient = (size_t)(work->row + row) * work->source_count + source;
            memcpy(&matrix, work->tables + coefficient * MATRIX_SIZE, MATRIX_SIZE);
            __m512i matrices = _mm512_set1_epi64((long long)matrix);
#pragma GCC unroll 4
            for (unsigned vector = 0; vector < vector_count; vector++) {
                sums[row][vector] = _mm512_xor_si512(
                    sums[row][vector], _mm512_gf2p8affine_epi64_epi8(bytes[vector], matrices, 0));
            }
        }
    }
#pragma GCC unroll 6
    for (unsigned row = 0; row < row_count; row++) {
#pragma GCC unroll 4
        for (unsigned vector = 0; vector < vector_count; vector++) {
            uint8_t *to = work->targets[work->row + row] + work->at + vector * VECTOR_SIZE;
            _mm512_mask_storeu_epi8(to, mask, sums[row][vector]);
        }
    }
}

/* All rows of a block of vectors, six at a time and then the rest. */
GFNI_CODE __attribute__((always_inline)) static inline void all_rows(
    struct gfni_work *work, unsigned row_count, unsigned vector_count, __mmask64 mask)
{
    for (work->row = 0; work->row + BLOCK_ROWS <= row_count; work->row += BLOCK_ROWS) {
        block(work, BLOCK_ROWS, vector_count, mask);
    }
    switch (row_count - work->row) {
    case 5: block(work, 5, vector_count, mask); break;
    case 4: block(work, 4, vector_count, mask); break;
    case 3: block(work, 3, vector_count, mask); break;
    case 2: block(work, 2, vector_count, mask); break;
    case 1: block(work, 1, vector_count, mask); break;
    default: break;
    }
}

GFNI_CODE static void gfni_apply(size_t cell_size, unsigned source_count, unsigned row_count,
    const uint8_t tables[], uint8_t *const sources[], uint8_t *const targets[])
{
    const __mmask64 whole = ~UINT64_C(0);
    struct gfni_work work = {
        .source_count = source_count, .tables = tables, .sources = sources, .targets = targets};

    while (cell_size - work.at >= BLOCK_SIZE) {
        all_rows(&work, row_count, BLOCK_VECTORS, whole);
        work.at += BLOCK_SIZE;
    }
    while (cell_size - work.at >= VECTOR_SIZE) {
        all_rows(&work, row_count, 1, whole);
        work.at += VECTOR_SIZE;
    }
    if (work.at < cell_size) {
        all_rows(&work, row_count, 1, whole >> (VECTOR_SIZE - (cell_size - work.at)));
    }
}

const struct ec_kernel *ec_kernel_gfni(void)
{
    static const struct ec_kernel kernel = {
        .name = "gfni", .table_size = MATRIX_SIZE, .prepare = gfni_prepare, .apply = gfni_apply};
    __builtin_cpu_init();
    return __builtin_cpu_supports("gfni") && __builtin_cpu_supports("avx512bw") ? &kernel : NULL;
}

#else

const struct ec_kernel *ec_kernel_gfni(void)
{
    return NULL;
}

#endif
