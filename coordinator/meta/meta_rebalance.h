/*
 * meta_rebalance.h - what an operator wants moved, as rows: plans, their budgets, how far they are.
 *
 *   READING --planned--> PLANNED --apply--> RUNNING <--pause, resume--> PAUSED
 *      |  \--planned, of a drain-----------/   |  \--nothing is left--> DONE
 *      \--it cannot be done--> FAILED          \--cancel, from any open state--> CANCELLED
 *
 * One transaction takes a shard from its old holder to its new one, and out of the plan's budget:
 * after a crash a plan goes on with exactly what is left.  A plan that was cancelled moves nothing
 * more, not even what is half copied.
 */
#ifndef HEARTH_COORDINATOR_META_META_REBALANCE_H
#define HEARTH_COORDINATOR_META_META_REBALANCE_H

#include "coordinator/meta/meta_segment.h"
#include "coordinator/rebalance/rebalance_plan.h"

/* X(name, value, text). Values are in the database. */
#define META_REBALANCE_STATE_TABLE(X)                                                              \
    X(READING, 1, "planning")                                                                      \
    X(PLANNED, 2, "planned")                                                                       \
    X(RUNNING, 3, "running")                                                                       \
    X(PAUSED, 4, "paused")                                                                         \
    X(DONE, 5, "done")                                                                             \
    X(CANCELLED, 6, "cancelled")                                                                   \
    X(FAILED, 7, "failed")

enum meta_rebalance_state {
#define X(name, value, text) META_REBALANCE_##name = (value),
    META_REBALANCE_STATE_TABLE(X)
#undef X
};

/* Static storage. */
const char *meta_rebalance_state_text(enum meta_rebalance_state state);

enum {
    META_REBALANCE_OPEN_MAX = 16, /* plans that have not ended */
    META_REBALANCE_KEPT_MAX = 64, /* plans remembered in all */
    META_REBALANCE_TEXT_MAX = 255,
};

/* A plan's numbers, each a column of that name. */
#define META_REBALANCE_NUMBERS(X)                                                                  \
    X(kind)      /* enum rebalance_kind */                                                         \
    X(state)     /* enum meta_rebalance_state */                                                   \
    X(starts)    /* 1: runs as soon as it is planned */                                            \
    X(bytes_max) /* 0: no limit */                                                                 \
    X(bandwidth) /* bytes a second; 0: no limit */                                                 \
    X(fleet)     /* a digest of the nodes as they were */                                          \
    X(created_ms)                                                                                  \
    X(changed_ms) /* of its state */                                                               \
    X(moves_planned)                                                                               \
    X(bytes_planned)                                                                               \
    X(stuck_planned) /* shards that should move and have nowhere to go */                          \
    X(least_before)  /* how full nodes are, in percent of their share */                           \
    X(most_before)                                                                                 \
    X(least_after)                                                                                 \
    X(most_after)                                                                                  \
    X(violations_before) /* slots with an owner or network of another */                           \
    X(violations_after)                                                                            \
    X(line_ms)    /* so long the line is busy that is busiest */                                   \
    X(pass)       /* over all segments, from 1 */                                                  \
    X(pass_moves) /* in this pass */                                                               \
    X(pass_left)  /* shards this pass did not move and should have */                              \
    X(started_ms) /* when it began to run */                                                       \
    X(moves_done)                                                                                  \
    X(bytes_done)                                                                                  \
    X(profile)     /* that segments are to get, of a plan that codes anew */                       \
    X(disk_before) /* bytes of their shards at n */                                                \
    X(disk_after)

struct meta_rebalance {
    uint64_t number; /* from 1 */
#define X(name) uint64_t name;
    META_REBALANCE_NUMBERS(X)
#undef X
    struct meta_id cursor;                     /* of the pass: the last segment dealt with */
    char subject[META_REBALANCE_TEXT_MAX + 1]; /* what leaves, "node 7"; or the name of a bucket */
    char admin[META_REBALANCE_TEXT_MAX + 1];   /* who made it */
    char reason[META_REBALANCE_TEXT_MAX + 1];  /* why it is as it is; empty: nothing to say */
};

/* What a plan wants of one node. */
struct meta_rebalance_share {
    uint32_t node;
    bool leaves;
    uint64_t held; /* as the plan knows it */
    uint64_t target;
    uint64_t give; /* still */
    uint64_t take;
};

struct meta_rebalance_shares {
    const struct meta_rebalance_share *shares; /* by node */
    size_t count;
};

/*
 * A new plan in state READING; plan->number is set.  `leaving`: numbers of the nodes that leave.
 * HEARTH_BUSY: META_REBALANCE_OPEN_MAX are open.  HEARTH_CONFLICT: an open plan drains one of them.
 */
enum hearth_code meta_rebalance_create(struct meta_store *store, struct meta_rebalance *plan,
    const uint32_t *leaving, size_t leaving_count, struct hearth_err *err);

/* HEARTH_NOT_FOUND. */
enum hearth_code meta_rebalance_get(
    struct meta_store *store, uint64_t number, struct meta_rebalance *out, struct hearth_err *err);

struct meta_rebalance_list {
    const struct meta_rebalance *plans; /* newest first */
    size_t count;
};

enum hearth_code meta_rebalance_list(struct meta_store *store, struct arena *arena,
    struct meta_rebalance_list *out, struct hearth_err *err);

enum hearth_code meta_rebalance_shares(struct meta_store *store, uint64_t number,
    struct arena *arena, struct meta_rebalance_shares *out, struct hearth_err *err);

/* It was worked out: PLANNED, or RUNNING when it `starts`, and then the nodes that leave drain.
 * HEARTH_CANCELLED: it is not READING any more. */
enum hearth_code meta_rebalance_planned(struct meta_store *store, const struct meta_rebalance *plan,
    const struct meta_rebalance_share *shares, size_t count, struct hearth_err *err);

/* DONE or FAILED, with the reason. HEARTH_CANCELLED: it has ended otherwise. */
enum hearth_code meta_rebalance_end(struct meta_store *store, uint64_t number,
    enum meta_rebalance_state state, const char *reason, struct hearth_err *err);

/* How far the pass is: cursor, pass, pass_moves, pass_left and reason of `plan`.
 * HEARTH_CANCELLED: it does not run any more. */
enum hearth_code meta_rebalance_progress(
    struct meta_store *store, const struct meta_rebalance *plan, struct hearth_err *err);

enum meta_rebalance_command {
    META_REBALANCE_APPLY,
    META_REBALANCE_PAUSE,
    META_REBALANCE_RESUME,
    META_REBALANCE_CANCEL,
};

/*
 * HEARTH_NOT_FOUND: no such plan.  HEARTH_CONFLICT: not in the state it is in, or while another
 * plan runs; err says which.  `fleet` is compared at APPLY: the plan of another fleet is stale.
 * A plan by space runs alone.  APPLY drains the nodes that leave, CANCEL lets them take shards
 * again.
 */
enum hearth_code meta_rebalance_command(struct meta_store *store, uint64_t number,
    enum meta_rebalance_command command, uint64_t fleet, struct hearth_err *err);

/* The node takes shards again, and no open plan drains it. HEARTH_CONFLICT: it is not draining. */
enum hearth_code meta_node_undrain(
    struct meta_store *store, uint32_t number, struct hearth_err *err);

/* Whether it drains, and by now to the end: it may be removed without force. */
enum hearth_code meta_node_is_drained(
    struct meta_store *store, uint32_t number, bool *out, struct hearth_err *err);

/* HEARTH_CONFLICT: not drained to the end, and not by force, which counts as a loss. */
enum hearth_code meta_node_remove(
    struct meta_store *store, uint32_t number, bool by_force, struct hearth_err *err);

/* Whether anything may still reach a node that leaves. */
struct meta_leaving {
    uint64_t offers; /* placements that may still be written there; at least one is at least 1 */
    uint64_t last_order_ms; /* when the last leave to read there ends; 0: it has */
};

/* Of all nodes that leave by this plan. */
enum hearth_code meta_rebalance_leaving(
    struct meta_store *store, uint64_t number, struct meta_leaving *out, struct hearth_err *err);

struct meta_shard_move {
    uint64_t plan;
    uint32_t from;
    uint32_t to;
    struct meta_repair_apply apply; /* the one receipt is of the new holder */
};

/* As meta_repair_apply(), and the plan's budgets. HEARTH_CANCELLED: the plan has ended. */
enum hearth_code meta_shard_move(
    struct meta_store *store, const struct meta_shard_move *move, struct hearth_err *err);

struct meta_segment_recode {
    uint64_t plan;
    uint64_t bytes; /* that were read and written for it */
    struct meta_recode_apply apply;
};

/* As meta_recode_apply_in(), and the plan's count. HEARTH_CANCELLED: the plan has ended. */
enum hearth_code meta_segment_recode(
    struct meta_store *store, const struct meta_segment_recode *request, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_REBALANCE_H */
