/*
 * meta_undelete.h - versions that were deleted or replaced, for as long as they are kept.
 *
 *   visible --delete, overwrite--> doomed, is_kept --the time is over--> reaped (meta_garbage.h)
 *      ^------------- undelete ------------'
 *
 * While it is kept a version has its body, and so its references: no shard of it is named dead, and
 * undeleting it touches no node.  It counts neither as usage nor against a quota, its segments are
 * not repaired when nobody else names them, and nobody can read it.
 */
#ifndef HEARTH_COORDINATOR_META_META_UNDELETE_H
#define HEARTH_COORDINATOR_META_META_UNDELETE_H

#include "coordinator/meta/meta_object.h"

struct meta_undelete {
    struct view bucket; /* name */
    struct view key;
    const struct meta_version *version; /* NULL: the newest that is kept */
    bool replaces;                      /* what is visible under the key makes room, and is kept */
};

/*
 * *out: as it is visible now.  HEARTH_NOT_FOUND: no such bucket, or nothing of the key is kept.
 * HEARTH_EXISTS: the key is visible, and nobody said that this is to be replaced.
 * HEARTH_QUOTA: it would not fit the bucket's quota.
 */
enum hearth_code meta_undelete(struct meta_store *store, const struct meta_undelete *request,
    struct meta_object_info *out, struct hearth_err *err);

/* All that can be undeleted now, up to META_COUNT_MAX of it. */
enum hearth_code meta_deleted_count(
    struct meta_store *store, uint64_t *objects, uint64_t *bytes, struct hearth_err *err);

enum { META_DELETED_MAX = 1000 };

/* Where to go on, and how far. */
struct meta_deleted_list {
    struct view bucket; /* name */
    struct view prefix;
    struct view after_key;                    /* entries after this key ... */
    const struct meta_version *after_version; /* ... and this version of it; NULL: of later keys */
    size_t max;                               /* <= META_DELETED_MAX */
};

struct meta_deleted {
    struct view key;
    struct meta_object_info info;
    uint64_t deleted_ms;
    uint64_t until_ms; /* afterwards it is reaped */
};

struct meta_deleted_page {
    struct meta_deleted *entries; /* by key, of a key the newest first; in the arena */
    size_t count;                 /* fewer than max: that was all */
};

/* HEARTH_NOT_FOUND: no such bucket. */
enum hearth_code meta_deleted_list(struct meta_store *store,
    const struct meta_deleted_list *request, struct arena *arena, struct meta_deleted_page *out,
    struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_UNDELETE_H */
