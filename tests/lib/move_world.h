/*
 * move_world.h - a coordinator with segments whose shards are really there, on nodes that are
 * invented: what moves between them can be looked at cell by cell.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TESTS_LIB_MOVE_WORLD_H
#define HEARTH_TESTS_LIB_MOVE_WORLD_H

#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/rebalance/rebalance.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/test_customer.h"

enum { MOVE_WORLD_SEGMENTS_MAX = 64, MOVE_WORLD_N = 8 };

struct move_world {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_member
        *nodes[FAKE_NODES_MAX]; /* node i has number i + 1 and is node i of the net */
    unsigned node_count;
    struct fake_net net;
    struct meta_segment rows[MOVE_WORLD_SEGMENTS_MAX]; /* each as it was uploaded */
    struct meta_id intents[MOVE_WORLD_SEGMENTS_MAX];   /* of its upload */
    unsigned keys[MOVE_WORLD_SEGMENTS_MAX];            /* of its object */
    unsigned row_count;
    unsigned keys_used;
};

/* The customer, and so many nodes of as many owners, out of at most `nodes_max`. */
void move_world_init(struct move_world *world, unsigned nodes, unsigned nodes_max);
void move_world_fini(struct move_world *world);

void move_world_add_nodes(struct move_world *world, unsigned count);

/* An object of one segment of eight slots, each at another node. */
void move_world_upload(struct move_world *world);
void move_world_delete(struct move_world *world, unsigned index);

/* The object gets another segment, which takes the place of that one in `rows`. */
void move_world_overwrite(struct move_world *world, unsigned index);

/* A segment as it is now. */
struct meta_segment move_world_row(struct move_world *world, unsigned index);

/* Slots of it whose holder has every cell as it was uploaded. */
unsigned move_world_good(struct move_world *world, unsigned index);

/* Shards of all segments that the node holds by the metadata. */
unsigned move_world_held(struct move_world *world, uint32_t node);

/* Every segment has eight good shards, and no dead one is named that is held. */
void move_world_check(struct move_world *world);

/* All nodes are heard again and again for that long. */
void move_world_pass_ms(struct move_world *world, uint64_t ms);

/* A plan in state READING; `leaving`: number of a node, or 0. */
struct meta_rebalance move_world_plan(
    struct move_world *world, enum rebalance_kind kind, uint32_t leaving, bool starts);

struct meta_rebalance move_world_read_plan(struct move_world *world, uint64_t number);

#endif /* HEARTH_TESTS_LIB_MOVE_WORLD_H */
