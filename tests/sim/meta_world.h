/*
 * meta_world.h - a metadata store and its model, turned by chance: each step is one thing that
 * customers, repair, readers, nodes, time or the machine may do, checked against the model.
 *
 * What cannot be right fails the test that called (cmocka).  Same seed, same world.
 */
#ifndef HEARTH_TESTS_SIM_META_WORLD_H
#define HEARTH_TESTS_SIM_META_WORLD_H

#include "tests/lib/test_meta.h"
#include "tests/sim/meta_model.h"

enum { META_WORLD_NODES = 14, META_WORLD_READERS = 8 };

/* Somebody who has read the beginning of a version and may come back for more. */
struct meta_world_reader {
    unsigned key;
    struct model_version version;
};

struct meta_world {
    struct test_meta meta;
    struct model model;
    struct meta_world_reader readers[META_WORLD_READERS];
    struct test_env faults; /* chance of the writer thread */
    unsigned fault_one_in;  /* 0: no faults */
    unsigned unknown_count;
};

/* A fresh store whose commits are sometimes of unknown outcome. */
void meta_world_init(struct meta_world *world, uint64_t seed);
void meta_world_fini(struct meta_world *world);

/* One thing happens. */
void meta_world_step(struct meta_world *world);

/* Every key, the listing and the usage are what the model says. */
void meta_world_check(struct meta_world *world);

/* Everything is deleted and given up; what is left must go, and all of it. */
void meta_world_end(struct meta_world *world);

#endif /* HEARTH_TESTS_SIM_META_WORLD_H */
