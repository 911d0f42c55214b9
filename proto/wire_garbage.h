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

/* ---- how far it is ---- */

struct wire_garbage_node {
    uint32_t number;
    struct view node_id;
    struct view state;
    uint64_t shards_dead;         /* named, and not trashed yet, as far as was counted */
    uint64_t trash;               /* bytes */
    uint64_t reconciled_unix_ms;  /* in this recovery epoch; 0: not yet */
    uint64_t listed;              /* then: shards in ranges that differed */
    uint64_t unwanted;            /* of these named dead, or while held only counted */
    uint64_t ahead;               /* from after the backup */
    uint64_t missing;             /* handed to repair */
    uint64_t wanted_in_trash;     /* likewise */
    uint64_t purge_until_unix_ms; /* trash of before may be purged; 0: none */
    uint64_t withheld;            /* of those named last: more than the node lets go in a day */
    uint64_t dead_bytes;          /* of shards_dead, as far as their length is known */
    uint64_t day;                 /* bytes that it lets go in a day */
};

struct wire_garbage_status_reply {
    bool held;
    uint64_t recovery_epoch;
    uint64_t backup_unix_ms; /* of the last restore: how far the backup knew; 0: there was none */
    uint64_t kept_objects;   /* can be undeleted */
    uint64_t kept_bytes;
    uint64_t intents_open;
    uint64_t bodies_doomed;
    uint64_t shards_dead;
    const struct wire_garbage_node *nodes;
    size_t nodes_count;
};

struct wire_garbage_run_reply {
    uint64_t asked_unix_ms; /* a reconciliation of after this answers it */
};

#endif /* HEARTH_PROTO_WIRE_GARBAGE_H */
