/*
 * ec_slots.h - a set of slots of a segment: which are there, which are wanted.
 *
 * A plain value; pass it by copy.
 */
#ifndef HEARTH_ERASURE_EC_SLOTS_H
#define HEARTH_ERASURE_EC_SLOTS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum { EC_SLOTS_MAX = 128 }; /* most slots of a segment; sets are two words */

struct ec_slots {
    uint64_t words[EC_SLOTS_MAX / 64];
};

/* Slots 0 to count - 1. */
static inline struct ec_slots ec_slots_first(unsigned count)
{
    assert(count <= EC_SLOTS_MAX);
    struct ec_slots slots = {{0}};
    if (count >= 64) {
        slots.words[0] = UINT64_MAX;
        slots.words[1] = count == 128 ? UINT64_MAX : (UINT64_C(1) << (count - 64)) - 1;
    } else {
        slots.words[0] = (UINT64_C(1) << count) - 1;
    }
    return slots;
}

static inline bool ec_slots_has(struct ec_slots slots, unsigned slot)
{
    assert(slot < EC_SLOTS_MAX);
    return slots.words[slot / 64] >> slot % 64 & 1;
}

static inline void ec_slots_add(struct ec_slots *slots, unsigned slot)
{
    assert(slot < EC_SLOTS_MAX);
    slots->words[slot / 64] |= UINT64_C(1) << slot % 64;
}

static inline void ec_slots_remove(struct ec_slots *slots, unsigned slot)
{
    assert(slot < EC_SLOTS_MAX);
    slots->words[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

static inline unsigned ec_slots_count(struct ec_slots slots)
{
    return (unsigned)(__builtin_popcountll(slots.words[0]) + __builtin_popcountll(slots.words[1]));
}

/* In a, not in b. */
static inline struct ec_slots ec_slots_minus(struct ec_slots a, struct ec_slots b)
{
    return (struct ec_slots){{a.words[0] & ~b.words[0], a.words[1] & ~b.words[1]}};
}

static inline struct ec_slots ec_slots_plus(struct ec_slots a, struct ec_slots b)
{
    return (struct ec_slots){{a.words[0] | b.words[0], a.words[1] | b.words[1]}};
}

static inline bool ec_slots_empty(struct ec_slots slots)
{
    return (slots.words[0] | slots.words[1]) == 0;
}

/* The first slot >= from in the set; EC_SLOTS_MAX when there is none.
 *   for (unsigned i = ec_slots_next(set, 0); i < EC_SLOTS_MAX; i = ec_slots_next(set, i + 1)) */
static inline unsigned ec_slots_next(struct ec_slots slots, unsigned from)
{
    while (from < EC_SLOTS_MAX) {
        uint64_t rest = slots.words[from / 64] >> from % 64;
        if (rest != 0) {
            return from + (unsigned)__builtin_ctzll(rest);
        }
        from = (from / 64 + 1) * 64;
    }
    return EC_SLOTS_MAX;
}

#endif /* HEARTH_ERASURE_EC_SLOTS_H */
