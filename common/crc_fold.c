#include "common/crc_fold.h"

#include <assert.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define FOLDS __attribute__((target("pclmul,sse4.1")))

bool crc_can_fold(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

static inline FOLDS __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline FOLDS __m128i pair(const uint64_t halves[2])
{
    return _mm_set_epi64x((long long)halves[1], (long long)halves[0]);
}

/* The block as it stands so much further on, and what stands there already. */
static inline FOLDS __m128i move_on(__m128i block, __m128i by, __m128i there)
{
    __m128i low = _mm_clmulepi64_si128(block, by, 0x00);
    __m128i high = _mm_clmulepi64_si128(block, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

FOLDS void crc_fold(const struct crc_folds *folds, uint64_t value, struct view *bytes,
    uint8_t block[CRC_FOLD_BLOCK])
{
    assert(bytes->size >= CRC_FOLD_MIN);
    const __m128i far = pair(folds->lanes);
    const __m128i near = pair(folds->block);
    const uint8_t *at = bytes->bytes;
    const uint8_t *end = at + bytes->size;
    __m128i lanes[CRC_FOLD_LANES];
    for (unsigned i = 0; i < CRC_FOLD_LANES; i++) {
        lanes[i] = load(at + i * CRC_FOLD_BLOCK);
    }
    lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, (long long)value));
    for (at += CRC_FOLD_MIN; end - at >= CRC_FOLD_MIN; at += CRC_FOLD_MIN) {
        for (unsigned i = 0; i < CRC_FOLD_LANES; i++) {
            lanes[i] = move_on(lanes[i], far, load(at + i * CRC_FOLD_BLOCK));
        }
    }
    for (unsigned i = 1; i < CRC_FOLD_LANES; i++) {
        lanes[0] = move_on(lanes[0], near, lanes[i]);
    }
    _mm_storeu_si128((__m128i *)(void *)block, lanes[0]);
    *bytes = view_of(at, (size_t)(end - at));
}

#else

bool crc_can_fold(void)
{
    return false;
}

void crc_fold(const struct crc_folds *folds, uint64_t value, struct view *bytes,
    uint8_t block[CRC_FOLD_BLOCK])
{
    (void)folds;
    (void)value;
    (void)bytes;
    (void)block;
    assert(false);
}

#endif
