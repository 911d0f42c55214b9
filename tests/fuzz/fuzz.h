/*
 * fuzz.h - what every target is: one function that is given any bytes at all.
 *
 * Called by libFuzzer (preset fuzz), and by replay.c in the unit tests.  An assert that fails, a
 * sanitizer's report or a hang is a finding; the answer is always 0.
 */
#ifndef HEARTH_TESTS_FUZZ_FUZZ_H
#define HEARTH_TESTS_FUZZ_FUZZ_H

#include "common/view.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy to be changed, owned by the caller; never NULL. */
static inline uint8_t *fuzz_copy(struct view bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    assert(copy != NULL);
    if (bytes.size > 0) {
        memcpy(copy, bytes.bytes, bytes.size);
    }
    copy[bytes.size] = 0; /* for those who read text */
    return copy;
}

/* The first byte of the rest, 0 at its end. */
static inline uint8_t fuzz_byte(struct view *rest)
{
    if (rest->size == 0) {
        return 0;
    }
    uint8_t byte = rest->bytes[0];
    *rest = view_of(rest->bytes + 1, rest->size - 1);
    return byte;
}

/* Up to `size` bytes of the rest, which goes on behind them. */
static inline struct view fuzz_take(struct view *rest, size_t size)
{
    size_t taken = size < rest->size ? size : rest->size;
    struct view out = view_of(rest->bytes, taken);
    *rest = view_of(rest->bytes + taken, rest->size - taken);
    return out;
}

#endif /* HEARTH_TESTS_FUZZ_FUZZ_H */
