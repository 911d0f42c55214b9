/*
 * crc_fold.h - many bytes become sixteen with the same remainder, by multiplying without carries.
 *
 *   |block|block|block|block|  each moved on by four blocks, onto what stands there, again and
 * again then the last four onto one another: one block is left for the tables of crc.c
 *
 * Only for crc.c.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COMMON_CRC_FOLD_H
#define HEARTH_COMMON_CRC_FOLD_H

#include "common/view.h"

enum {
    CRC_FOLD_BLOCK = 16,
    CRC_FOLD_LANES = 4,
    CRC_FOLD_MIN = CRC_FOLD_BLOCK * CRC_FOLD_LANES, /* fewer bytes cannot be folded */
};

/*
 * What the low and the high half of a block are multiplied by.  To move it on by `d` bits these are
 * x^(d + 63) and x^(d - 1) modulo the polynomial, bit 63 - k standing for x^k: one less than d,
 * because a product of two halves comes out one bit short of a block.
 */
struct crc_folds {
    uint64_t lanes[2]; /* CRC_FOLD_LANES blocks on */
    uint64_t block[2]; /* one block on */
};

/* The processor can. */
bool crc_can_fold(void);

/*
 * Takes whole blocks, at least CRC_FOLD_MIN bytes, from the beginning of *bytes; `value`: what the
 * bytes before them left.  The block leaves what they would, after nothing.
 */
void crc_fold(const struct crc_folds *folds, uint64_t value, struct view *bytes,
    uint8_t block[CRC_FOLD_BLOCK]);

#endif /* HEARTH_COMMON_CRC_FOLD_H */
