/*
 * reconcile.h - one node's shards as the metadata has them, held against what the node says.
 *
 *   a pass of the sweep --expect--> sums of 4,096 ranges of ids --compare with the node's-->
 *   ranges that differ: its shards there are listed, judged (meta_reconcile.h), remembered: saw
 *   the next pass --lacks?--> wanted there, and not seen: candidates, to be asked for one by one
 *
 * What agrees is never listed.  A difference only says where to look: shards come and go while a
 * pass and a list take their time, so nothing is concluded from one here.
 *
 * Memory: 128 KiB for the sums, 8 bytes for each shard remembered.
 *
 * Pure computation.  Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_GARBAGE_RECONCILE_H
#define HEARTH_COORDINATOR_GARBAGE_RECONCILE_H

#include "common/err.h"
#include "proto/wire_inventory.h"

enum {
    RECONCILE_BITS = 12,
    RECONCILE_RANGES = 1 << RECONCILE_BITS,
    /* Shards remembered of one node; those of later ranges are looked at the next time. */
    RECONCILE_SEEN_MAX = 1 << 20,
    RECONCILE_ID_SIZE = 16,
};

struct reconcile_sum {
    uint64_t count;
    uint64_t sum;
};

struct reconcile {
    uint32_t node; /* 0: this one is not in use */
    bool is_full;  /* every range counts as different */
    struct reconcile_sum expected[RECONCILE_RANGES];
    bool differs[RECONCILE_RANGES];
    uint64_t *seen; /* keys of ids (id_sum.h), ascending, as lists come */
    size_t seen_count;
    size_t seen_capacity;
};

void reconcile_begin(struct reconcile *reconcile, uint32_t node, bool is_full);
void reconcile_end(struct reconcile *reconcile);

void reconcile_expect(struct reconcile *reconcile, const uint8_t id[RECONCILE_ID_SIZE]);

/* `sums`: the node's, of all ranges. Returns how many ranges differ. */
unsigned reconcile_compare(struct reconcile *reconcile, const struct wire_shard_digest *sums);

/* The next run of ranges that differ, from *first on. False: there is none. */
bool reconcile_next_run(const struct reconcile *reconcile, uint32_t *first, uint32_t *end);

/* The id before the first of a range, to list from; false: list from the first of all. */
bool reconcile_before(uint32_t range, uint8_t id[RECONCILE_ID_SIZE]);
uint32_t reconcile_range(const uint8_t id[RECONCILE_ID_SIZE]);

/* It is at the node, live; in the order of ids. False: too many, the rest of the ranges has to
 * wait. */
bool reconcile_saw(struct reconcile *reconcile, const uint8_t id[RECONCILE_ID_SIZE]);

/* From this range on nothing is known: it does not count as different any more. */
void reconcile_give_up_from(struct reconcile *reconcile, uint32_t range);

/* A shard that the layout gives to this node, in a range that was listed, was not on the list. */
bool reconcile_lacks(const struct reconcile *reconcile, const uint8_t id[RECONCILE_ID_SIZE]);

#endif /* HEARTH_COORDINATOR_GARBAGE_RECONCILE_H */
