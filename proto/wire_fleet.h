/*
 * wire_fleet.h - messages about the fleet as an operator sees it: nodes, the sweep, status.  As
 * wire_messages.h says; their tables are in wire_fleet.c.
 */
#ifndef HEARTH_PROTO_WIRE_FLEET_H
#define HEARTH_PROTO_WIRE_FLEET_H

#include "proto/wire_repair.h"

enum {
    WIRE_WEEK_HOURS = 168,
    WIRE_HUMAN_MAX = 2047, /* lines of what needs a person */
};

/* ---- the sweep ---- */

struct wire_sweep_info {
    uint64_t pass; /* the last one that was completed; 0: none yet since the start */
    uint64_t started_unix_ms;
    uint64_t finished_unix_ms;
    uint64_t segments; /* that it read */
    uint64_t busy_ms;  /* and the time they took, rests not counted */
    uint64_t running;  /* number of the pass that is under way; 0: none */
    uint64_t running_segments;
    uint32_t running_permille; /* of all ids */
};

struct wire_sweep_request {
    bool begins; /* a pass, at once; else only asks */
};

struct wire_sweep_reply {
    uint64_t begun; /* number of the pass that was asked for */
    const struct wire_sweep_info *sweep;
};

/* ---- nodes ---- */

struct wire_node_info {
    uint32_t number;
    struct view node_id;
    struct view owner;
    struct view network;
    struct view place;
    struct view state; /* node_health_text() of the coordinator */
    const struct wire_endpoint *endpoints;
    size_t endpoints_count;
    uint64_t last_seen_unix_ms;
    uint64_t capacity;
    uint64_t used;
    uint64_t trash;
    uint64_t free;
    uint64_t shards;
    struct view software;
    bool read_only;
    uint64_t reports;        /* wrong or missing shards readers told of */
    uint64_t repair_reports; /* wrong, missing or slow, as repair found itself */
    uint64_t enrolled_unix_ms;
    uint32_t uptime_ppm;      /* share of the time it answers, of a million, measured */
    uint64_t hazard_permille; /* losses in a thousand years, as far as they can be foreseen */
    struct view pattern;  /* per cent of presence, hour by hour from Thursday 00:00 UTC; or empty */
    struct view volume;   /* uuid of its disk; empty: not heard yet */
    uint64_t start_count; /* of its daemon on that disk */
    struct view attention; /* what a person has to do about it; empty: nothing */
    bool on_probation;
    bool takes_shards;    /* placement may offer it new ones now */
    uint64_t uplink_bits; /* of its line, a second, as an operator said; 0: not known */
};

struct wire_node_list_reply {
    const struct wire_node_info *nodes;
    size_t nodes_count;
};

/* ---- status ---- */

struct wire_status_moves {
    uint64_t plans;  /* that run or are paused */
    uint64_t paused; /* of these */
    uint64_t bytes_left;
    uint64_t bytes_per_s; /* of those that run, since they do */
    uint64_t stuck;       /* shards that should move and have nowhere to go */
};

/* In the last 24 hours, since the start. */
struct wire_status_audits {
    uint64_t passed;
    uint64_t failed; /* proven: what the node took is not there */
    uint64_t offline;
    uint64_t contained; /* no answer: the same is asked for again */
    uint64_t unknown;
    uint64_t never;   /* shards that no audit has seen yet */
    uint64_t overdue; /* of these: stored more than 72 h ago */
};

struct wire_status_reply {
    struct view cluster_id;
    uint64_t now_unix_ms;
    uint64_t buckets;
    uint64_t objects;
    uint64_t bytes; /* as customers count them */
    uint64_t segments;
    uint64_t segments_below_n;
    uint64_t segments_below_r;
    uint64_t segments_unreadable; /* fewer than k reachable now */
    uint64_t repair_queue;
    uint64_t repaired_total;
    uint64_t intents_open;
    uint64_t bodies_doomed;
    uint64_t shards_dead;
    uint64_t sweep_finished_unix_ms;
    uint64_t sweep_started_unix_ms; /* of the last one that finished */
    bool colocation_allowed;
    const struct wire_node_info *nodes;
    size_t nodes_count;
    struct view human;             /* what needs a person, a line for each; empty: nothing */
    uint64_t repair_waiting;       /* part of repair_queue: failed, and not tried again yet */
    uint64_t repair_without_place; /* part of repair_queue: no node may take a shard now */
    bool garbage_held;             /* restored from a backup: nothing is trashed */
    const struct wire_sweep_info *sweep;
    uint64_t capacity; /* of all nodes that are expected back */
    uint64_t used;
    uint64_t trash;
    uint64_t free;
    uint64_t usable; /* capacity, as customers count bytes, in buckets that name no profile */
    const struct wire_status_moves *moves;
    const struct wire_status_audits *audits;
    const struct wire_repair_info *repair;
    const struct wire_durability_info *durability; /* of all segments together */
    const struct wire_durability_info *profiles;   /* of those that have segments */
    size_t profiles_count;
    const struct wire_durability_info *bucket_durability; /* of those in most danger, worst first */
    size_t bucket_durability_count;
    uint64_t garbage_withheld;       /* shards named dead, more than their nodes let go in a day */
    uint64_t garbage_withholding;    /* nodes that do */
    uint64_t garbage_withheld_bytes; /* of those shards whose length is known */
    uint64_t garbage_day;            /* bytes that those nodes let go in a day */
};

struct wire_node_set_request {
    struct view node_id;
    uint64_t uplink_bits; /* of its line, a second; 0: not known */
};

struct wire_node_lost_request {
    struct view node_id;
    bool found; /* it is not lost after all */
};

#endif /* HEARTH_PROTO_WIRE_FLEET_H */
