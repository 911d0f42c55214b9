/*
 * repair_world.h - a coordinator with its metadata, ten nodes that are invented, and a segment of
 * profile local (k 4, r 5, n 8) that is really there: what repair is tested with.
 *
 * Orders and receipts are real; time is stepped.  One thread.
 */
#ifndef HEARTH_TESTS_LIB_REPAIR_WORLD_H
#define HEARTH_TESTS_LIB_REPAIR_WORLD_H

#include "coordinator/repair/repair.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/test_customer.h"

enum {
    REPAIR_WORLD_NODES = 10,
    REPAIR_WORLD_N = 8,
    REPAIR_WORLD_W = 6,
    REPAIR_WORLD_LOST_SLOT = 3,
    REPAIR_WORLD_LOST_AFTER_S = 30,
    REPAIR_WORLD_SEGMENTS_MAX = 8,
    REPAIR_WORLD_STEP_MS = 2 * TEST_HEARTBEAT_MS,
};

struct repair_world {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_member *nodes; /* node i has number i + 1 and is node i of the net */
    struct fake_net net;
    struct test_segment segment;
    struct meta_segment row; /* as it was before */
    /* Segments somebody was asked for, in that order. */
    struct meta_id asked[REPAIR_WORLD_SEGMENTS_MAX];
    unsigned asked_count;
};

/* For cmocka: *state is a struct repair_world. */
int repair_world_set_up(void **state);
int repair_world_tear_down(void **state);

/* An object "key" whose segment has so many holders and is at its nodes; world->row. */
void repair_world_upload(struct repair_world *at, size_t receipts);

/* Metadata alone: no node has anything of it. */
void repair_world_upload_unplanted(struct repair_world *at, const char *key, size_t receipts);

/* The segment as it is now. */
struct meta_segment repair_world_row(struct repair_world *at);

/* To read what the row's holder has of a slot. */
struct fake_order repair_world_order(const struct meta_segment *row, unsigned slot);

/* All but some are heard for that long, late but in time. */
void repair_world_pass(
    struct repair_world *at, uint64_t ms, unsigned silent_count, const uint32_t *silent);

/* All but one are heard until it counts as lost. */
void repair_world_lose(struct repair_world *at, uint32_t number);

/* Who holds the lost slot, and whoever could take it, are silent until they count as lost. */
void repair_world_leave_no_place(struct repair_world *at);

/* A sweep, and what it found. */
struct repair_status repair_world_round(struct repair_world *at);

/* Stripes of a slot that are the same at its holder of before and at the one of now. */
unsigned repair_world_equal_cells(
    struct repair_world *at, const struct meta_segment *now, unsigned slot);

bool repair_world_is_holder(const struct meta_segment *row, uint32_t number);

/* Every node that held nothing of the segment becomes so. */
void repair_world_make_spares(struct repair_world *at, enum fake_manner manner);

/* Slots whose holder is honest and has its shard. */
unsigned repair_world_good_shards(struct repair_world *at);

#endif /* HEARTH_TESTS_LIB_REPAIR_WORLD_H */
