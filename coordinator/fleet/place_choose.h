/*
 * place_choose.h - which nodes get the slots of a segment.
 *
 * Uniform over owners, then over that owner's nodes: an owner with a hundred nodes is not seen
 * more often than one with a single box.  Two chosen nodes never share owner or network (except
 * where colocation is allowed, for development).  If there is any way to satisfy that for as many
 * as asked, one is found: choice is a maximum matching of owners to networks in random order.
 *
 * Newcomers are held back: an owner all of whose boxes are new is passed over nineteen times in
 * twenty, as long as there are enough others.  Who enrols a hundred boxes today to hold, and lose,
 * what is stored tomorrow has to wait, and be audited, first.
 *
 * A session keeps a working set of n + n/4 nodes, so that an upload of many segments does not
 * shake hands with the whole fleet.
 *
 * Pure: no clock, chance comes from env.  Thread-safety: none needed; a place_set has one user.
 */
#ifndef HEARTH_COORDINATOR_FLEET_PLACE_CHOOSE_H
#define HEARTH_COORDINATOR_FLEET_PLACE_CHOOSE_H

#include "common/env.h"
#include "common/err.h"
#include "coordinator/meta/meta_node.h"

enum {
    PLACE_NODES_MAX = 160, /* n + n/4 of the widest code */
    PLACE_SET_BYTES = 1 << 30,
    PLACE_SET_MS = 10 * 60 * 1000,
    PLACE_NEW_ONE_IN = 20, /* times that a newcomer is drawn like anybody */
};

struct place_node {
    uint32_t number;
    uint32_t owner;
    struct meta_network network;
    uint64_t free_bytes;
    bool takes_shards; /* active, online, not read-only */
    bool is_new;       /* on probation */
};

struct place_fleet {
    const struct place_node *nodes;
    size_t count;
};

struct place_query {
    unsigned want;            /* as many as this */
    unsigned least;           /* fewer: HEARTH_FLEET_TOO_SMALL */
    uint64_t free_bytes_min;  /* a node with less is passed over */
    const uint32_t *excluded; /* node numbers: they, their owners and networks are taken */
    size_t excluded_count;
    bool allow_colocation; /* then only the nodes themselves are */
};

struct place_choice {
    uint32_t nodes[PLACE_NODES_MAX]; /* numbers, in random order */
    unsigned count;
};

enum hearth_code place_choose(const struct place_fleet *fleet, const struct place_query *query,
    struct env *env, struct place_choice *out, struct hearth_err *err);

/* Whether place_choose() finds at least one.  At most META_SLOTS_MAX are excluded. */
bool place_is_possible(const struct place_fleet *fleet, const struct place_query *query);

/* A session's working set. Zeroed: not drawn yet. */
struct place_set {
    struct place_choice drawn; /* sorted by number */
    uint64_t bytes_placed;     /* plaintext, since it was drawn */
    uint64_t drawn_ns;         /* monotonic */
};

/*
 * For a segment of `bytes` of plaintext: as place_choose, from the set.  The set is drawn anew
 * when it has none, is used up (PLACE_SET_BYTES, PLACE_SET_MS) or cannot give query->want.
 */
enum hearth_code place_set_choose(struct place_set *set, const struct place_fleet *fleet,
    const struct place_query *query, uint64_t bytes, struct env *env, struct place_choice *out,
    struct hearth_err *err);

/* One node (query->want is 1) in place of one that failed: from the set, else from all. */
enum hearth_code place_set_spare(const struct place_set *set, const struct place_fleet *fleet,
    const struct place_query *query, struct env *env, struct place_choice *out,
    struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_FLEET_PLACE_CHOOSE_H */
