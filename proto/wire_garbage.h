/*
 * wire_garbage.h - messages about what was deleted and what becomes of it.  As wire_messages.h
 * says; their tables are in wire_garbage.c.
 */
#ifndef HEARTH_PROTO_WIRE_GARBAGE_H
#define HEARTH_PROTO_WIRE_GARBAGE_H

#include "proto/wire_messages.h"

/* ---- versions that can be brought back ---- */

struct wire_undelete_request {
    struct view bucket; /* name */
    struct view key;
    struct view version; /* empty: the newest that is kept */
    bool replaces;       /* what is there now makes room, and is kept in turn */
};

struct wire_deleted_entry {
    struct view key;
    struct view version;
    uint64_t size;
    uint64_t created_unix_ms;
    uint64_t deleted_unix_ms;
    uint64_t until_unix_ms; /* afterwards it is gone */
};

struct wire_deleted_list_request {
    struct view bucket; /* name */
    struct view prefix;
    struct view after_key;     /* entries after this key */
    struct view after_version; /* and this version of it */
};

/* Up to 1,000; a full page may not be the last. */
struct wire_deleted_list_reply {
    const struct wire_deleted_entry *entries; /* by key, of a key the newest first */
    size_t entries_count;
};

#endif /* HEARTH_PROTO_WIRE_GARBAGE_H */
