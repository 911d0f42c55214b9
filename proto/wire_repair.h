/*
 * wire_repair.h - messages about repair and durability, as an operator sees them.  As
 * wire_messages.h says; their tables are in wire_repair.c.
 *
 * Chances are sent as digits: -log10 of them, in millionths.  0 is certain; WIRE_DIGITS_MAX never.
 */
#ifndef HEARTH_PROTO_WIRE_REPAIR_H
#define HEARTH_PROTO_WIRE_REPAIR_H

#include "proto/wire_messages.h"

enum {
    WIRE_DIGITS_MAX = 300 * 1000000,
    WIRE_LOST_CURSOR_MAX = 2048,
    WIRE_LOST_MAX = 1000, /* objects in one answer */
    WIRE_PROFILES_MAX = 16,
    WIRE_STATUS_BUCKETS_MAX = 20,
};

/* ---- repair ---- */

struct wire_repair_info {
    uint64_t segments; /* as the last complete pass counted */
    uint64_t below_n;
    uint64_t below_trigger;
    uint64_t unreadable;    /* fewer than k reachable */
    uint64_t lost;          /* of those: fewer than k held */
    uint64_t due;           /* and not repaired yet */
    uint64_t waiting;       /* of those: failed, and not tried again yet */
    uint64_t without_place; /* of those: no node may take a shard now */
    uint64_t bytes;         /* to be read and written for what is due */
    uint64_t queued;
    uint64_t oldest_unix_ms; /* when the oldest of the queue was found; 0: it is empty */
    uint64_t running;
    uint64_t bytes_per_s;     /* over the last minute */
    uint64_t asked_unix_ms;   /* since when everything is to be brought to n; 0: it is not */
    uint64_t repaired_shards; /* this and the next ones: since the start */
    uint64_t repaired_segments;
    uint64_t repaired_bytes;
    uint64_t failed;
    uint64_t now_unix_ms;
    bool counted; /* a whole pass has ended since the start; until then all that is counted is 0 */
};

struct wire_repair_lost_request {
    struct view cursor; /* empty: from the start */
};

/* One object that has a segment nobody can read now. */
struct wire_lost_object {
    struct view bucket;
    struct view key;
    struct view version;
    struct view segment_id;
    bool is_lost; /* fewer than k are held; otherwise only silent nodes have to come back */
};

struct wire_repair_lost_reply {
    const struct wire_lost_object *objects;
    size_t objects_count;
    struct view next_cursor; /* empty: that was all */
    uint64_t looked_at;      /* objects */
};

/* ---- durability ---- */

/* Of all segments of a profile, or of a bucket, as the last complete pass found them. */
struct wire_durability_info {
    struct view profile;
    uint64_t segments;
    uint64_t lost_digits;       /* P(lost within a year) of one of them, on average */
    uint64_t worst_lost_digits; /* of the worst */
    struct view worst_segment;  /* empty: there is none */
    uint64_t unreadable_digits; /* P(unreadable now), on average */
    uint64_t worst_unreadable_digits;
    uint64_t held_permille; /* shards held, of n, on average */
    struct view bucket;     /* its name; empty: it is gone, or this is of a profile */
    struct view bucket_id;  /* empty: this is of a profile */
};

/* ---- what if ---- */

/* 0 and empty: as the profile has it, or was worked out for. */
struct wire_simulate_request {
    struct view profile;
    uint32_t k, n, r;
    uint64_t lost_after_ms;
    uint64_t repair_ms;
    uint32_t nodes;
    uint32_t uptime_ppm;
    uint64_t hazard_permille; /* losses of a node in a thousand years */
    uint64_t replace_ms;
    uint32_t ebb_ppm; /* so much less is up in the emptiest quarter of the hours */
    bool from_fleet;  /* nodes, uptime and hazard: of the fleet there is */
    bool no_ebb;      /* none, where 0 would be the profile's */
};

struct wire_simulate_reply {
    struct view profile;
    uint32_t k, n, r;
    uint64_t lost_after_ms;
    uint64_t repair_ms;
    uint32_t nodes;
    uint32_t uptime_ppm;
    uint64_t hazard_permille;
    uint64_t replace_ms;
    uint32_t ebb_ppm;     /* so much less is up in the emptiest quarter of the hours */
    uint64_t lost_digits; /* a segment, within a year */
    uint64_t unreadable_digits;
    uint64_t disk_permille;      /* bytes on disks, a byte stored, over time */
    uint64_t disk_full_permille; /* when whole */
    uint64_t moved_permille;     /* read and written, a byte stored and month */
    uint64_t repairs_permille;   /* of one segment, a year */
    uint32_t goal;               /* slots that repair can fill most of the time */
    uint32_t nodes_there;        /* on average */
    struct view warning;         /* why it does not reach what n promises; empty: it does */
};

#endif /* HEARTH_PROTO_WIRE_REPAIR_H */
