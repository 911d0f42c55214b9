/*
 * fsck.h - the metadata compared with itself and with what every node holds.
 *
 *   a copy of the metadata --> references, refs, bodies, versions, parts, usage    (fsck_meta.h)
 *   what each node lists --> each holder's shard: there, live, of its length; each shard: named
 *   deep: every cell of every holder --> its tag
 *
 * How nodes are looked at is the caller's: fsck_live.h asks those that run, tools/offline/ reads
 * the disks of those that do not.
 *
 * While all of it runs the copy is older than the inventories, so a shard that was stored, moved or
 * deleted in between looks wrong at first: what a second look at the metadata explains is counted
 * as in flight.  What is being deleted anyway is not rebuilt where a node was lost, and nobody has
 * to look at it there: it is counted as doomed.
 *
 * Blocks.  Thread-safety: one thread a check.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_H

#include "coordinator/fleet/node_inventory.h"
#include "coordinator/rescue/fsck_meta.h"

/* X(name, text): what a finding is about. */
#define FSCK_KIND_TABLE(X)                                                                         \
    X(REFERENCE, "reference") /* the metadata does not agree with itself */                        \
    X(MISSING, "missing")     /* a holder has no such shard */                                     \
    X(TRASHED, "trashed")     /* a holder has it in the trash */                                   \
    X(LENGTH, "length")       /* a holder has it, of another length */                             \
    X(TAG, "tag")             /* a cell does not fit its tag */                                    \
    X(DOMAIN, "domain")       /* two holders fail together */                                      \
    X(DAMAGE, "damage")       /* a disk has not what was written to it */                          \
    X(ORPHAN, "orphan")       /* a shard that nobody names */                                      \
    X(DUPLICATE, "duplicate") /* a shard that only another node should have */                     \
    X(FORGED, "forged")       /* a shard under a name that nobody made */                          \
    X(UNCHECKED, "unchecked") /* could not be looked at: no error by itself */

enum fsck_kind {
#define X(name, text) FSCK_##name,
    FSCK_KIND_TABLE(X)
#undef X
};

const char *fsck_kind_text(enum fsck_kind kind);

struct fsck_finding {
    enum fsck_kind kind;
    uint32_t node;                 /* 0: none */
    const struct meta_id *segment; /* NULL: none */
    uint16_t slot;
    const uint8_t *shard; /* META_ID_SIZE bytes; NULL: none */
    const char *text;
};

/* What a node's own counter, the metadata and its shards say of the space it uses. */
struct fsck_space {
    uint32_t node;
    bool is_reached;
    uint64_t reported_bytes; /* by its heartbeats; with what its format adds */
    uint64_t listed_bytes;   /* cells and tags of live shards */
    uint64_t named_bytes;    /* cells and tags of the shards that segments name there */
    uint64_t listed_shards;
    uint64_t named_shards;
    uint64_t trash_bytes;
};

struct fsck_counts {
    uint64_t objects, bytes, segments, segments_below_n;
    uint64_t nodes, nodes_reached;
    uint64_t shards;    /* that segments name, found as they should be */
    uint64_t verified;  /* of these: every cell fits its tag */
    uint64_t listed;    /* live shards at nodes */
    uint64_t trashed;   /* at nodes, readable for a while */
    uint64_t in_flight; /* of an upload, a repair, a move; or about to be trashed */
    uint64_t doomed;    /* at nodes that do not answer, of what is being deleted anyway */
    uint64_t strays;    /* of a shipment from before the coordinator was rebuilt */
    uint64_t orphans;
    uint64_t ahead;     /* of these: from after the backup that was restored, and kept therefore */
    uint64_t unchecked; /* shards at nodes that do not answer */
    uint64_t problems;  /* what must not be, orphans among it */
};

/* What became of a slot's cells: HEARTH_OK, HEARTH_CHECKSUM (one does not fit its tag), or why they
 * could not be read. */
struct fsck_slot {
    enum hearth_code code;
    struct hearth_err err;
};

typedef void fsck_damage_fn(void *context, uint32_t node, const char *text);

struct fsck_fleet {
    /* As node_inventory_list_blocking(). */
    enum hearth_code (*list)(void *context, uint32_t node, node_inventory_page_fn *page,
        void *page_context, struct hearth_err *err);
    /* out: segment->n; those of slots without a holder are untouched. */
    enum hearth_code (*check_cells)(void *context, const struct meta_segment *segment,
        struct fsck_slot *out, struct hearth_err *err);
    /* The segment is not any more as it was when the copy was made.  NULL: nothing runs. */
    bool (*has_moved_on)(void *context, const struct meta_segment *segment);
    /* What nodes said of themselves, newer than what the copy has of it.  NULL: nothing. */
    enum hearth_code (*note_reported)(
        void *context, struct fsck_space *spaces, size_t count, struct hearth_err *err);
    /* What disks were found to have lost meanwhile.  NULL: nobody looks at disks. */
    void (*tell_damage)(void *context, fsck_damage_fn *tell, void *tell_context);
    void *context;
};

#define FSCK_NOTHING_RUNS UINT64_MAX

struct fsck_options {
    struct fsck_meta *meta;
    uint64_t copied_ms;             /* when the copy was begun, or FSCK_NOTHING_RUNS */
    struct meta_settings settings;  /* of what was copied */
    const struct fsck_fleet *fleet; /* NULL: the metadata alone */
    bool allows_colocation;
    bool is_deep;
    /* Non-OK ends the check. */
    enum hearth_code (*found)(
        void *context, const struct fsck_finding *finding, struct hearth_err *err);
    enum hearth_code (*space)(
        void *context, const struct fsck_space *space, struct hearth_err *err);
    bool (*is_over)(void *context); /* nobody wants to know any more */
    void *context;
};

/* HEARTH_OK: it was done, whatever was found. */
enum hearth_code fsck_run_blocking(
    const struct fsck_options *options, struct fsck_counts *counts, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_H */
