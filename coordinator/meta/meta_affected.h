/*
 * meta_affected.h - which objects have a segment of a certain kind, looked for page by page.
 *
 * There is no index from segments to objects: all visible versions are read, in order of bucket id
 * and key.  For the few times that an operator asks which objects cannot be read.
 */
#ifndef HEARTH_COORDINATOR_META_META_AFFECTED_H
#define HEARTH_COORDINATOR_META_META_AFFECTED_H

#include "common/arena.h"
#include "coordinator/meta/meta_store.h"

enum { META_AFFECTED_PAGE = 200 }; /* objects looked at in one read */

/* The last object looked at; all zero: none yet. */
struct meta_affected_cursor {
    struct meta_id bucket;
    struct view key;
    struct meta_version version;
};

struct meta_affected_object {
    struct view bucket; /* its name */
    struct view key;
    struct meta_version version;
    struct meta_id segment; /* the first of that kind */
};

struct meta_affected_query {
    struct meta_affected_cursor after;
    bool (*is_wanted)(void *context, struct meta_id segment);
    void *context;
};

struct meta_affected_page {
    struct meta_affected_object objects[META_AFFECTED_PAGE];
    size_t count;
    size_t looked_at;                 /* fewer than META_AFFECTED_PAGE: that was all */
    struct meta_affected_cursor last; /* of those looked at */
};

/* Names live in the arena. */
enum hearth_code meta_affected(struct meta_store *store, const struct meta_affected_query *query,
    struct arena *arena, struct meta_affected_page *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_AFFECTED_H */
