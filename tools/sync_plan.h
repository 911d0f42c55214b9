/*
 * sync_plan.h - what must be done so that a destination becomes as its source: pure computation.
 *
 *   only at the source            copy, it is new
 *   at both                       copy, if its size differs
 *                                       if the source's was changed after the destination's
 *                                 with by_content instead of the time:
 *                                       if their ETags differ; a file has none yet: compare
 *                                 else keep
 *   only at the destination       delete, if that was asked for; else it is not looked at
 *
 * Deleting is asked for by who knows that the source's list is whole.
 */
#ifndef HEARTH_TOOLS_SYNC_PLAN_H
#define HEARTH_TOOLS_SYNC_PLAN_H

#include "tools/tree_list.h"

enum sync_kind {
    SYNC_KEEP,
    SYNC_COPY,
    SYNC_COMPARE, /* the file's bytes decide: same size, and the other side has an ETag */
    SYNC_DELETE,
};

struct sync_step {
    enum sync_kind kind;
    const char *why;                      /* "new", "size", "newer", "content", "gone" */
    const struct tree_entry *source;      /* NULL: SYNC_DELETE */
    const struct tree_entry *destination; /* NULL: it is new */
};

struct sync_rules {
    bool by_content;
    bool deletes;
};

/* Goes through two sorted lists. */
struct sync_plan {
    /* Set once; borrowed. */
    const struct tree_list *source;
    const struct tree_list *destination;
    struct sync_rules rules;

    size_t source_at;
    size_t destination_at;
};

/* The next step, in the order of names; false: that was all. */
bool sync_plan_next(struct sync_plan *plan, struct sync_step *out);

#endif /* HEARTH_TOOLS_SYNC_PLAN_H */
