/*
 * meta_health.h - what was learned of nodes, and what shut them out: durable beside meta_node.h.
 *
 *   active, draining, suspended --lost--> lost, with the reason and what it was before
 *            ^-----------------found----------'
 *
 * Rows exist from the first thing there is to say of a node.
 */
#ifndef HEARTH_COORDINATOR_META_META_HEALTH_H
#define HEARTH_COORDINATOR_META_META_HEALTH_H

#include "coordinator/meta/meta_node.h"

/* Why a node is lost; values are in the database. */
enum meta_fence {
    META_FENCE_NONE = 0, /* it is not; or an operator said so */
    META_FENCE_OTHER_DISK = 1,
    META_FENCE_OLDER_COPY = 2,
    META_FENCE_TWO_AT_ONCE = 3, /* nobody is believed as this node until an operator decides */
};

struct meta_health {
    uint32_t number;
    enum meta_fence fence;
    uint64_t fenced_ms;
    uint64_t losses; /* how often it was lost and did not come back */
};

struct meta_health_list {
    const struct meta_health
        *rows; /* by number; nodes of which there is nothing to say are not in it */
    size_t count;
};

enum hearth_code meta_health_list(struct meta_store *store, struct arena *arena,
    struct meta_health_list *out, struct hearth_err *err);

/* HEARTH_NOT_FOUND; HEARTH_DENIED: it is gone.  A node that is lost already only gets the reason.
 */
enum hearth_code meta_health_lost(
    struct meta_store *store, uint32_t number, enum meta_fence fence, struct hearth_err *err);

/* It is as it was before, and that loss is forgotten.  Of a node that is not lost: nothing. */
enum hearth_code meta_health_found(
    struct meta_store *store, uint32_t number, struct hearth_err *err);

/* ---- the pattern of presence: a blob of node_presence.h ---- */

struct meta_presence {
    uint32_t number;
    struct view bytes;
};

enum { META_PRESENCE_MAX = 64 }; /* in one call */

enum hearth_code meta_presence_put(struct meta_store *store, const struct meta_presence *rows,
    size_t count, struct hearth_err *err);

/* The next up to META_PRESENCE_MAX after the node of that number; bytes in the arena. */
enum hearth_code meta_presence_next(struct meta_store *store, uint32_t after, struct arena *arena,
    struct meta_presence rows[META_PRESENCE_MAX], size_t *count, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_HEALTH_H */
