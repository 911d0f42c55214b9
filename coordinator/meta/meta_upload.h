/*
 * meta_upload.h - uploads in parts: made, added to, made one object, ended.
 *
 *   create -> (begin .. commit | put_inline | copy, with meta_part)* -> complete | abort
 *
 * An upload:  OPEN --complete--> ENDED (its outcome is kept for 7 days)   ENDED --garbage--> gone
 *              |------abort, 7 days without a new part, its bucket deleted--^
 *
 * A part is a committed body that `part` names instead of a version; a second part of the same
 * number replaces the first.  An object that is made of parts refers to their segments, as a copy
 * does; the parts themselves go when their upload has ended.  Bytes of parts count as the bucket's
 * until then; at the end they stop to, in the same transaction (D4).
 */
#ifndef HEARTH_COORDINATOR_META_META_UPLOAD_H
#define HEARTH_COORDINATOR_META_META_UPLOAD_H

#include "coordinator/meta/meta_object.h"

#define META_UPLOAD_IDLE_MS      (UINT64_C(7) * 24 * 60 * 60 * 1000) /* without a new part */
#define META_OUTCOME_COMPLETE_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)
#define META_PART_SIZE_MAX       (UINT64_C(5) << 30) /* as S3 has it */
#define META_OBJECT_SIZE_MAX     (UINT64_C(5) << 40) /* likewise */

enum {
    META_UPLOAD_LIST_MAX = 1000,
    META_PART_PAGE_BYTES = 2 << 20, /* of manifests, after which a page of parts ends early */
};

struct meta_upload {
    struct meta_id id;
    struct meta_id bucket;
    struct view key;
    uint32_t bucket_key_version;
    struct view manifest; /* sealed: what the object is to be, but for its bytes */
    struct view tags;
    uint64_t created_ms;
};

/* The same id again, for the same key: the same upload. HEARTH_NOT_FOUND: no such bucket. */
enum hearth_code meta_upload_create(struct meta_store *store, const struct meta_upload *request,
    uint64_t *created_ms, struct hearth_err *err);

struct meta_part_ref {
    uint32_t number;
    struct meta_id body; /* the one that is there must still be this */
};

struct meta_complete {
    struct meta_id upload;
    struct meta_id bucket;
    struct view key;
    struct meta_condition condition;
    struct meta_body body;             /* its extents and tags are the upload's own */
    const struct meta_part_ref *parts; /* ascending */
    size_t part_count;
};

/*
 * Once only: again within 7 days it says what came of the first time.
 * HEARTH_NOT_FOUND: no such upload; the condition's key.  HEARTH_PRECONDITION.
 * HEARTH_CONFLICT: a part is not there, or another one by now.
 * HEARTH_INVALID: numbers that do not ascend, or a size that is not theirs.
 */
enum hearth_code meta_upload_complete(struct meta_store *store, const struct meta_complete *request,
    struct meta_object_info *out, struct hearth_err *err);

/* HEARTH_NOT_FOUND: no such upload of this key is open. */
enum hearth_code meta_upload_abort(struct meta_store *store, struct meta_id upload,
    struct meta_id bucket, struct view key, struct hearth_err *err);

struct meta_part_info {
    uint32_t number;
    uint64_t size;
    struct meta_etag etag;
    uint64_t created_ms;
    struct meta_id body;
    uint32_t bucket_key_version;
    struct view manifest; /* empty unless asked for */
};

struct meta_part_list {
    struct meta_id upload;
    struct meta_id bucket;
    struct view key;
    uint32_t after; /* parts with higher numbers */
    unsigned max;   /* 1 to META_UPLOAD_LIST_MAX */
    bool with_manifests;
};

struct meta_part_page {
    struct meta_upload upload;
    const struct meta_part_info *parts;
    size_t count;
    bool more;
};

/* HEARTH_NOT_FOUND: no such upload of this key is open.  Memory from the arena. */
enum hearth_code meta_part_list(struct meta_store *store, const struct meta_part_list *request,
    struct arena *arena, struct meta_part_page *out, struct hearth_err *err);

struct meta_upload_list {
    struct meta_id bucket;
    struct view prefix;
    struct view after_key;              /* empty: from the start */
    const struct meta_id *after_upload; /* of that key, later ones; NULL: none */
    unsigned max;                       /* 1 to META_UPLOAD_LIST_MAX */
};

struct meta_upload_page {
    const struct meta_upload *uploads; /* id, key, created_ms; by key, then id */
    size_t count;
    bool more;
};

enum hearth_code meta_upload_list(struct meta_store *store, const struct meta_upload_list *request,
    struct arena *arena, struct meta_upload_page *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_UPLOAD_H */
