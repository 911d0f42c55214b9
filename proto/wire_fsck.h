/*
 * wire_fsck.h - messages in which the coordinator tells what a check of metadata and nodes found.
 * As wire_messages.h says; their tables are in wire_fsck.c.
 */
#ifndef HEARTH_PROTO_WIRE_FSCK_H
#define HEARTH_PROTO_WIRE_FSCK_H

#include "proto/wire_messages.h"

enum { WIRE_FSCK_TEXT_MAX = 600, WIRE_FSCK_COUNTS_MAX = 32 };

struct wire_fsck_request {
    bool is_deep; /* reads every cell */
};

struct wire_fsck_finding {
    struct view kind; /* "missing", "orphan" ... */
    uint32_t node;    /* 0: none */
    struct view segment_id;
    uint32_t slot;
    struct view shard_id;
    struct view text;
};

struct wire_fsck_space {
    uint32_t node;
    bool is_reached;
    uint64_t reported_bytes;
    uint64_t listed_bytes;
    uint64_t named_bytes;
    uint64_t listed_shards;
    uint64_t named_shards;
    uint64_t trash_bytes;
};

struct wire_fsck_count {
    struct view name;
    uint64_t value;
};

/* One of the three; counts come last. */
struct wire_fsck_message {
    const struct wire_fsck_finding *finding;
    const struct wire_fsck_space *space;
    const struct wire_fsck_count *counts;
    size_t counts_count;
};

#endif /* HEARTH_PROTO_WIRE_FSCK_H */
