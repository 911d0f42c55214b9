/*
 * garbage_world.h - nodes, metadata and a model of what must not be lost, turned by chance: garbage
 * collection under everything that can go wrong with it.
 *
 *   uploads, deletes, repairs, readers of old lists      nodes away for weeks, clocks of nodes late
 *   dead shards named, lost on the way, named twice      inventories cut short, old, in any order
 *   the metadata replaced by an older copy of itself     an operator who lets go, or waits
 *
 * At the door of each node stands the model: a shard that an object needs, that an upload under way
 * may yet commit, or that only the time lost by a restore knows of, must not become trash (D5); and
 * trash that the metadata wants must not be purged.  What cannot be right fails the test that
 * called (cmocka).  Same seed, same world.
 */
#ifndef HEARTH_TESTS_SIM_GARBAGE_WORLD_H
#define HEARTH_TESTS_SIM_GARBAGE_WORLD_H

#include "coordinator/meta/meta_reconcile.h"
#include "tests/lib/test_meta.h"

enum {
    GARBAGE_NODES = 10,
    GARBAGE_SLOTS = 8,    /* profile local */
    GARBAGE_SHARDS = 512, /* of one node, ever */
    GARBAGE_OBJECTS = 64, /* ever in one world */
};

enum garbage_state { GARBAGE_LIVE, GARBAGE_TRASH, GARBAGE_PURGED };

/* A shard as its node has it. */
struct garbage_shard {
    struct meta_id id;
    unsigned object;
    uint16_t slot;
    uint16_t p;
    uint64_t stored_ms; /* by the node's idea of the time */
    uint64_t trashed_ms;
    enum garbage_state state;
    bool is_protected; /* an object needed it when the metadata was restored */
};

struct garbage_node {
    struct garbage_shard shards[GARBAGE_SHARDS];
    unsigned count;
    bool is_away;
    uint64_t late_ms;     /* its clock */
    uint64_t purge_until; /* as the coordinator said last */
    /* A list made some time ago: shards[0, snapshot) as they were. */
    unsigned snapshot;
    struct meta_id lost[META_DEAD_BATCH_MAX]; /* named once, to arrive again later */
    size_t lost_count;
    uint64_t lost_epoch; /* in which that was said */
    uint64_t epoch;      /* the highest it has heard */
};

enum garbage_object_state {
    OBJECT_NONE,
    OBJECT_OPEN,
    OBJECT_SEALED,
    OBJECT_COMMITTED,
    OBJECT_GONE
};

struct garbage_object {
    char key[16];
    struct meta_id intent;
    struct meta_id segment;
    enum garbage_object_state state;
    uint64_t begun_ms;
    struct meta_offers offers;
    struct meta_holder holders[GARBAGE_SLOTS]; /* of a committed one, as far as anybody knows */
};

struct garbage_world {
    struct test_meta meta;
    struct garbage_node nodes[GARBAGE_NODES];
    struct garbage_object objects[GARBAGE_OBJECTS];
    unsigned object_count;
    char backup[96]; /* empty: none */

    /* How often it came to the point. */
    unsigned trashed;
    unsigned purged;
    unsigned named_by_list;
    unsigned kept_ahead;
    unsigned wanted_in_trash;
    unsigned released; /* by reconciliation alone */
    unsigned restores;
};

void garbage_world_init(struct garbage_world *world, uint64_t seed);
void garbage_world_fini(struct garbage_world *world);

/* Some things happen, then garbage is collected, named, reconciled, trashed and purged. */
void garbage_world_round(struct garbage_world *world);

/* Everybody is back and time passes: what nobody needs is gone from every node. */
void garbage_world_settle(struct garbage_world *world);

#endif /* HEARTH_TESTS_SIM_GARBAGE_WORLD_H */
