/*
 * meta_world_acts.h - what the files of meta_world share: chance, time, and each act once.
 */
#ifndef HEARTH_TESTS_SIM_META_WORLD_ACTS_H
#define HEARTH_TESTS_SIM_META_WORLD_ACTS_H

#include "tests/sim/meta_world.h"

enum { META_WORLD_SEGMENT_LENGTH = 1000 };

extern const char *const meta_world_keys[MODEL_KEYS];

static inline unsigned below(struct meta_world *world, unsigned bound)
{
    return (unsigned)env_random_below(&world->meta.env.env, bound);
}

static inline uint64_t now_of(struct meta_world *world)
{
    return meta_now_ms(world->meta.store);
}

/* Nobody knows: the caller asks again, as the library does. */
static inline bool is_unknown(struct meta_world *world, enum hearth_code code)
{
    world->unknown_count += code == HEARTH_UNKNOWN;
    return code == HEARTH_UNKNOWN;
}

/* Calls until the outcome is known. */
#define RESOLVED(world, code, call)                                                                \
    do {                                                                                           \
        (code) = (call);                                                                           \
    } while (is_unknown(world, code))

/* meta_world_uploads.c */
void meta_world_begin(struct meta_world *world);
void meta_world_open_segment(struct meta_world *world);
void meta_world_offer_slot(struct meta_world *world);
void meta_world_seal(struct meta_world *world);
void meta_world_add_holders(struct meta_world *world);
void meta_world_commit(struct meta_world *world);
void meta_world_abort(struct meta_world *world);
void meta_world_repair(struct meta_world *world);

#endif /* HEARTH_TESTS_SIM_META_WORLD_ACTS_H */
