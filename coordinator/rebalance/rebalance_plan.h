/*
 * rebalance_plan.h - which shards should lie at another node, and at which.
 *
 *   fleet, bytes held --targets--> what each node should give and take
 *   segment by segment --pick--> moves, until everything is given
 *
 * Three kinds of plans: by space (each node gets its share by weight), by domains (no two slots of
 * a segment with one owner or one network), by leaving (what leaving nodes hold goes to the
 * others). Nothing is ever planned that brings two slots of a segment together at an owner or a
 * network.
 *
 * A node's weight is its capacity, or what its uplink could send to others in time if that is less:
 * about 80 GB for each Mbit/s.
 *
 * Pure.  Thread-safety: none; one thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_REBALANCE_PLAN_H
#define HEARTH_COORDINATOR_REBALANCE_REBALANCE_PLAN_H

#include "coordinator/meta/meta_node.h"
#include "coordinator/meta/meta_types.h"

/* X(name, value, text). Values are in the database. */
#define REBALANCE_KIND_TABLE(X)                                                                    \
    X(SPACE, 1, "space")     /* even by weight */                                                  \
    X(DOMAINS, 2, "domains") /* no two slots with one owner or network */                          \
    X(LEAVING, 3, "drain")   /* nothing with nodes that leave */                                   \
    X(RECODE, 4, "recode")   /* a bucket's segments get its profile's code: recode_set.h */

enum rebalance_kind {
#define X(name, value, text) REBALANCE_##name = (value),
    REBALANCE_KIND_TABLE(X)
#undef X
};

enum {
    /* Within so much of its share a node is even, and alone does not start a plan. */
    REBALANCE_EVEN_PERCENT = 5,
    /* A plan stops as soon as that is reached; smaller than the above, for shards have sizes. */
    REBALANCE_BAND_PERCENT = 2,
};

/* Of a home whose uplink nobody has said, 10 Mbit/s; only for how long something takes. */
#define REBALANCE_UPLINK_BITS UINT64_C(10000000)

/* Held at most for each Mbit/s of uplink: a node's shards must get out in time. */
#define REBALANCE_BYTES_PER_MBIT UINT64_C(80000000000)

struct rebalance_node {
    uint32_t number;
    uint32_t owner;
    struct meta_network network;
    uint64_t capacity;
    uint64_t free;
    uint64_t uplink_bits; /* a second; 0: not known */
    bool takes_shards;    /* alive, and takes new shards */
    bool leaves;          /* everything of it is to go elsewhere */
    uint64_t held;        /* bytes of shards, by the metadata; picks and undoing move it */

    /* By rebalance_targets(). */
    uint64_t weight;
    uint64_t target; /* bytes it should hold */
    uint64_t give;   /* bytes still to go */
    uint64_t take;   /* bytes still to come */
};

struct rebalance_plan {
    enum rebalance_kind kind;
    struct rebalance_node *nodes; /* by number */
    size_t count;
    uint64_t slot_bytes; /* one slot of every segment: no node can hold more; 0: not known */
    uint64_t bytes_max;  /* 0: no limit */
    bool allow_colocation;
    uint64_t bytes_picked;
};

/* Fills in what each node should give and take.  All even: nobody gives. */
void rebalance_targets(struct rebalance_plan *plan);

/* What a segment looks like to a plan. */
struct rebalance_segment {
    uint16_t n;
    uint64_t size;                    /* of each shard */
    uint32_t holders[META_SLOTS_MAX]; /* node numbers; 0: nobody */
};

struct rebalance_move {
    uint16_t slot;
    uint32_t from;
    uint32_t to;
};

struct rebalance_picked {
    struct rebalance_move moves[META_SLOTS_MAX];
    unsigned count;
    unsigned stuck;  /* slots that should move and have nowhere to go */
    bool is_limited; /* another should move, and would be more than bytes_max */
};

/* The moves of one segment, which are taken out of the budgets at once. */
void rebalance_pick(struct rebalance_plan *plan, const struct rebalance_segment *segment,
    struct rebalance_picked *out);

/* A move that was picked did not happen. */
void rebalance_undo(struct rebalance_plan *plan, const struct rebalance_move *move, uint64_t size);

/* Slots that share an owner or a network with a slot before them. */
unsigned rebalance_violations(
    const struct rebalance_plan *plan, const struct rebalance_segment *segment);

/* How full the emptiest and the fullest node that takes shards are, in percent of their share;
 * 100 and 100 when there is nothing to share. */
struct rebalance_spread {
    unsigned least;
    unsigned most;
};

struct rebalance_spread rebalance_spread_of(const struct rebalance_plan *plan);

/* By capacity and uplink. */
uint64_t rebalance_weight(const struct rebalance_node *node);

/* How long so many bytes keep the line busy. */
uint64_t rebalance_line_ms(uint64_t uplink_bits, uint64_t bytes);

/* NULL: no such node. */
struct rebalance_node *rebalance_node_find(const struct rebalance_plan *plan, uint32_t number);

/* Static storage. */
const char *rebalance_kind_text(enum rebalance_kind kind);

#endif /* HEARTH_COORDINATOR_REBALANCE_REBALANCE_PLAN_H */
