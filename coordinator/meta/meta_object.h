/*
 * meta_object.h - objects come to be, are found, and go.
 *
 *   begin -> (open, seal: meta_segment.h)* -> commit      large
 *   put_inline                                            small: sealed bytes inside the manifest
 *   copy                                                  references, no bytes
 *   lookup, delete                                        list: meta_list.h
 *
 * An intent:  OPEN --commit--> COMMITTED
 *              |---abort or expiry (written down first)--> ABORTED           both are final
 *
 * Every mutating call carries a token; the same token gives the same outcome (D4), kept
 * 15 minutes for puts inline, deletes and copies, 24 hours for uploads.  HEARTH_UNKNOWN from any
 * of them: call again with the same arguments.  A token used before for another key or another
 * kind of call: HEARTH_CONFLICT.
 *
 * What makes an object fails with HEARTH_QUOTA when its bucket may not grow so far.
 *
 * All decide inside one write transaction, so per key they are linearizable (D10).
 */
#ifndef HEARTH_COORDINATOR_META_META_OBJECT_H
#define HEARTH_COORDINATOR_META_META_OBJECT_H

#include "common/arena.h"
#include "coordinator/meta/meta_segment.h"

enum {
    META_INTENT_MS = 24 * 60 * 60 * 1000,    /* an upload must commit within */
    META_OUTCOME_UPLOAD_MS = META_INTENT_MS, /* outcomes of uploads are kept */
    META_OUTCOME_MS = 15 * 60 * 1000,        /* outcomes of calls that are one RPC */
    META_LOOKUP_SEGMENTS_MAX = 16,           /* extents a lookup returns at once */
    /* A manifest with its bytes inside may be this much longer than they are. */
    META_INLINE_OVERHEAD_MAX = 16 * 1024,
};

enum meta_condition_kind {
    META_CONDITION_NONE,
    META_CONDITION_ABSENT, /* If-None-Match: *  else HEARTH_PRECONDITION */
    META_CONDITION_EXISTS, /* If-Match: *       else HEARTH_NOT_FOUND, as S3 has it */
    META_CONDITION_ETAG,   /* If-Match: etag    else HEARTH_PRECONDITION, HEARTH_NOT_FOUND */
};

struct meta_condition {
    enum meta_condition_kind kind;
    struct meta_etag etag;
    uint32_t parts; /* belongs to the etag */
};

/* A key's visible version, from outside. */
struct meta_object_info {
    struct meta_version version;
    uint64_t size;
    struct meta_etag etag;
    uint32_t parts; /* 0: not multipart */
    uint64_t created_ms;
};

/* Where a part goes. number 0: it is an object, not a part. */
struct meta_part {
    struct meta_id upload;
    uint32_t number;
};

/* What a new version is made of. */
struct meta_body {
    struct meta_id id; /* drawn by the library: the manifest's key is bound to it */
    uint32_t bucket_key_version;
    struct view manifest; /* sealed */
    uint64_t size;
    struct meta_etag etag;
    uint32_t parts;
    const struct meta_extent *extents; /* none: the bytes are inside the manifest */
    size_t extent_count;
    struct view tags; /* of the object, as its owner wrote them; a part has none */
};

struct meta_begin {
    struct meta_id bucket;
    struct view key;
    struct meta_condition condition; /* looked at now, decides at commit; of a part: none */
    struct meta_id token;
    struct meta_part part;
    uint64_t size_expected; /* for the quota, likewise; 0: not known */
};

struct meta_intent {
    struct meta_id id;
    struct meta_id bucket;
    struct meta_id tenant; /* the bucket's */
    uint32_t profile;      /* the bucket's, number */
    uint64_t expires_ms;
};

/* HEARTH_NOT_FOUND: no such bucket; HEARTH_QUOTA. A retry returns the same intent, in whatever
 * state it is. */
enum hearth_code meta_begin(struct meta_store *store, const struct meta_begin *request,
    struct meta_intent *out, struct hearth_err *err);

/* HEARTH_NOT_FOUND: no such intent. In whatever state it is: each call decides on that itself. */
enum hearth_code meta_intent_get(struct meta_store *store, struct meta_id intent,
    struct meta_intent *out, struct hearth_err *err);

struct meta_commit {
    struct meta_id intent;
    struct meta_body body;
    const struct meta_seal *seal; /* the last segment, sealed in the same transaction; or NULL */
};

/*
 * seal_out: only when request->seal was given and HEARTH_OK, or HEARTH_SHARDS_LOST (too few good
 * receipts: its bad slots say which); may be NULL otherwise.
 * HEARTH_EXPIRED: aborted or too late, for ever.  HEARTH_PRECONDITION, HEARTH_NOT_FOUND as above.
 * HEARTH_INVALID: extents that do not add up, or name a segment this intent has not sealed.
 */
enum hearth_code meta_commit(struct meta_store *store, const struct meta_commit *request,
    struct meta_object_info *out, struct meta_seal_result *seal_out, struct hearth_err *err);

/* Aborting an aborted or unknown intent is no error. HEARTH_CONFLICT: it was committed. */
enum hearth_code meta_abort(
    struct meta_store *store, struct meta_id intent, struct hearth_err *err);

struct meta_put {
    struct meta_id bucket;
    struct view key;
    struct meta_condition condition;
    struct meta_id token;
    struct meta_body body; /* inline: no extents. copy: exactly the source's; a part: of them */
    struct meta_part part;
};

/* HEARTH_INVALID: more than the bucket's profile keeps inline; a part that has bytes inside. */
enum hearth_code meta_put_inline(struct meta_store *store, const struct meta_put *request,
    struct meta_object_info *out, struct hearth_err *err);

/* One of many puts, each for itself: what its meta_put_inline() would have given. */
struct meta_put_item {
    const struct meta_put *request;
    struct hearth_err *err;
    enum hearth_code code;
    struct meta_object_info info;
};

/* At most META_TOGETHER_MAX. */
void meta_put_inline_many(struct meta_store *store, struct meta_put_item *items, size_t count);

struct meta_copy {
    struct meta_id source_bucket;
    struct view source_key;
    struct meta_version source_version; /* HEARTH_NOT_FOUND when it is gone */
    struct meta_put put;
};

enum hearth_code meta_copy(struct meta_store *store, const struct meta_copy *request,
    struct meta_object_info *out, struct hearth_err *err);

struct meta_delete {
    struct meta_id bucket;
    struct view key;
    struct meta_condition condition;
    struct meta_id token;
};

/* *existed: false when there was nothing to delete, which is no error. */
enum hearth_code meta_delete(struct meta_store *store, const struct meta_delete *request,
    bool *existed, struct hearth_err *err);

/* All of them, in one transaction, or none. Keys that are not there are no error. */
enum hearth_code meta_delete_many(struct meta_store *store, struct meta_id bucket,
    const struct view *keys, size_t count, struct meta_id token, struct hearth_err *err);

/* version NULL: the newest.  HEARTH_NOT_FOUND: no such key or version. */
enum hearth_code meta_tags_set(struct meta_store *store, struct meta_id bucket, struct view key,
    const struct meta_version *version, struct view tags, struct hearth_err *err);

struct meta_lookup {
    struct meta_id bucket;
    struct view key;
    /*
     * NULL: the newest.  A reader that goes on with the version it began with finds it as
     * long after it was replaced as an order for it may live.
     */
    const struct meta_version *version;
    uint64_t offset; /* of the range */
    uint64_t length; /* 0: to the end */
    bool suffix;     /* the last `length` bytes; offset is not looked at */
    uint64_t cursor; /* 0, or next_cursor of the answer before: then only extents and segments */
    bool head_only;  /* no extents, no segments */
};

struct meta_object {
    struct meta_object_info info;
    struct meta_id body;
    uint32_t bucket_key_version;
    struct view manifest;  /* empty when cursor was not 0 */
    struct view tags;      /* likewise */
    uint64_t first_extent; /* index of extents[0] in the body */
    const struct meta_extent *extents;
    size_t extent_count;                 /* <= META_LOOKUP_SEGMENTS_MAX */
    const struct meta_segment *segments; /* of these extents, each once */
    size_t segment_count;
    uint64_t next_cursor; /* 0: that was all */
};

/* HEARTH_NOT_FOUND: no such bucket, key or version. A range past the end has no extents. */
enum hearth_code meta_lookup(struct meta_store *store, const struct meta_lookup *request,
    struct arena *arena, struct meta_object *out, struct hearth_err *err);

/* One segment of a version, for MoreOrders. HEARTH_NOT_FOUND: the version does not name it. */
enum hearth_code meta_lookup_segment(struct meta_store *store, const struct meta_lookup *request,
    struct meta_id segment, struct meta_segment *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_OBJECT_H */
