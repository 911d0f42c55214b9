/*
 * id_sum.h - many ids as one number, so that two parties can compare what they have, range by
 * range.
 *
 *   sum of a set = sum over its ids of H(first 52 bits), modulo 2^64
 *
 * Adding and taking away an id is one addition, in any order.  52 bits are what a node's index
 * keeps of an id; ids are output of AES, so equal sums of unequal sets are chance, about one in
 * 2^64.  A sum is no proof against somebody who lies: it says where to look, never what to do.
 *
 * H never changes: both ends of the wire compute it.
 */
#ifndef HEARTH_COMMON_ID_SUM_H
#define HEARTH_COMMON_ID_SUM_H

#include <stdint.h>

enum { ID_SUM_KEY_BITS = 52 };

/* The first 52 bits of an id, so that keys are ordered as ids are. */
static inline uint64_t id_sum_key(const uint8_t id[16])
{
    uint64_t key = 0;
    for (unsigned i = 0; i < 7; i++) {
        key = key << 8 | id[i];
    }
    return key >> (56 - ID_SUM_KEY_BITS);
}

/* H: the finalizer of SplitMix64, which is one to one. */
static inline uint64_t id_sum_of_key(uint64_t key)
{
    key += UINT64_C(0x9e3779b97f4a7c15);
    key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
    return key ^ key >> 31;
}

static inline uint64_t id_sum_of(const uint8_t id[16])
{
    return id_sum_of_key(id_sum_key(id));
}

/* Which of 2^bits equal ranges of ids; bits <= 16. */
static inline uint32_t id_sum_range(uint64_t key, unsigned bits)
{
    return (uint32_t)(key >> (ID_SUM_KEY_BITS - bits));
}

#endif /* HEARTH_COMMON_ID_SUM_H */
