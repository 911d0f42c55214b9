/*
 * recode_world.h - a plan_world whose segments get other codes, with a watcher that looks at every
 * call to a node: each segment's row names shards that are there, true to their tags, in the code
 * it says.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TESTS_LIB_RECODE_WORLD_H
#define HEARTH_TESTS_LIB_RECODE_WORLD_H

#include "tests/lib/plan_world.h"

enum { RECODE_WORLD_NODES = 26, RECODE_WORLD_OBJECTS = 3 };

/* For cmocka; the other half is plan_world_tear_down(). */
int recode_world_set_up(void **state);

/* The bucket has that profile from now on. */
void recode_world_set_profile(struct plan_world *world, const char *name);

/* So has it, and a plan for what it holds is worked out (bytes_max 0: all of it); or applied, too.
 */
void recode_world_plan(struct plan_world *world, const char *profile, uint64_t bytes_max);
void recode_world_start(struct plan_world *world, const char *profile);

/* Segments of that profile. */
unsigned recode_world_count(struct plan_world *world, const char *name);

/* Slots whose every cell is there and fits its tag. */
struct ec_slots recode_world_good(struct plan_world *world, const struct meta_segment *row);

/* A segment's sealed bytes are those that were uploaded. */
void recode_world_assert_same_bytes(struct plan_world *world, unsigned index);

/* All segments are whole, in that profile's code, and the same bytes. */
void recode_world_assert_all(struct plan_world *world, const char *name);

#endif /* HEARTH_TESTS_LIB_RECODE_WORLD_H */
