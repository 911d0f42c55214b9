/*
 * wire_rebalance.h - messages about plans of moves and nodes that leave.  As wire_messages.h says;
 * their tables are in wire_rebalance.c.
 *
 * Nodes are named as people name them: a number, or 8 or more digits of an id.
 */
#ifndef HEARTH_PROTO_WIRE_REBALANCE_H
#define HEARTH_PROTO_WIRE_REBALANCE_H

#include "common/view.h"

struct wire_node_address;

enum { WIRE_REBALANCES_MAX = 128, WIRE_CELLS_MAX = 1 << 16 };

/* What a plan wants of one node. */
struct wire_rebalance_share {
    uint32_t node;
    bool leaves;
    uint64_t held; /* bytes of shards, as the plan knows it */
    uint64_t target;
    uint64_t give; /* still */
    uint64_t take;
};

struct wire_rebalance_info {
    uint64_t number;
    struct view kind; /* "space", "domains", "drain", "recode" */
    struct view
        state; /* "planning", "planned", "running", "paused", "done", "cancelled", "failed" */
    struct view subject; /* what leaves, "node 7"; or the name of a bucket */
    struct view admin;   /* who made it */
    struct view reason;  /* why it is as it is */
    uint64_t bytes_max;  /* 0: no limit */
    uint64_t bandwidth;  /* bytes a second; 0: no limit */
    uint64_t created_unix_ms;
    uint64_t changed_unix_ms;
    uint64_t started_unix_ms;
    uint64_t moves_planned;
    uint64_t bytes_planned;
    uint64_t stuck_planned; /* shards that should move and have nowhere to go */
    uint64_t least_before;  /* how full nodes are, in percent of their share */
    uint64_t most_before;
    uint64_t least_after;
    uint64_t most_after;
    uint64_t violations_before; /* slots with an owner or network of another */
    uint64_t violations_after;
    uint64_t line_ms; /* so long the line is busy that is busiest */
    uint64_t pass;
    uint64_t pass_moves;
    uint64_t pass_left; /* shards this pass did not move and should have */
    uint64_t moves_done;
    uint64_t bytes_done;
    uint64_t now_unix_ms;
    const struct wire_rebalance_share *shares; /* by node; of a list: none */
    size_t shares_count;
    struct view profile;  /* that segments are to get; empty: they keep theirs */
    uint64_t disk_before; /* bytes of their shards */
    uint64_t disk_after;
};

struct wire_rebalance_plan_request {
    struct view kind;
    struct view node; /* who leaves: one of these, or none */
    struct view owner;
    struct view network;
    uint64_t bytes_max;
    uint64_t bandwidth;
    struct view bucket; /* name of that whose segments get its profile's code */
};

struct wire_rebalance_command_request {
    uint64_t number;
    struct view command; /* "apply", "pause", "resume", "cancel" */
};

struct wire_rebalance_list_request {
    uint64_t number; /* 0: all of them, without shares */
};

struct wire_rebalance_list_reply {
    const struct wire_rebalance_info *plans; /* newest first */
    size_t plans_count;
};

struct wire_node_drain_request {
    struct view node;
    uint64_t bandwidth;
};

struct wire_node_undrain_request {
    struct view node;
};

struct wire_node_remove_request {
    struct view node;
    bool by_force;
    struct view confirmed; /* by force: 8 or more digits of its id, once more */
};

/* A node fetches a shard from another and stores it. */
struct wire_shard_copy_request {
    struct view put_order; /* for the node that is asked, and the coordinator's own session */
    struct view get_order; /* for the source, and the session of the node that is asked */
    const struct wire_node_address *source;
    uint32_t cells;
    uint64_t size; /* cells and tags */
    uint64_t rate; /* bytes a second; 0: no limit */
};

#endif /* HEARTH_PROTO_WIRE_REBALANCE_H */
