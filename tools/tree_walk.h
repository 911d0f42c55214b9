/*
 * tree_walk.h - lists a directory or a prefix: what is meant, what could not be read.
 *
 * Only regular files count.  Directories are nothing by themselves, and files of ours that are not
 * finished yet (local_sink.h) are not seen at all.
 */
#ifndef HEARTH_TOOLS_TREE_WALK_H
#define HEARTH_TOOLS_TREE_WALK_H

#include "tools/errand.h"
#include "tools/tree_list.h"
#include "tools/tree_side.h"

enum tree_links {
    TREE_LINKS_FOLLOWED, /* as if what they point at were there */
    TREE_LINKS_REFUSED,  /* each is a failure: following one, mv would remove what it points at */
    TREE_LINKS_IGNORED,
};

struct tree_walk {
    /* Set once. */
    struct errand *errand;
    const struct program_list *filter;
    enum tree_links links;
    /* An entry that is meant and cannot be had; `name` as a person knows it. */
    void (*failed)(void *context, struct view name, const struct hearth_err *err);
    void *context;

    /* What came of it. */
    struct tree_list list; /* sorted; the caller's to give up with tree_list_fini() */
    uint64_t seen;         /* before the filter */
    uint64_t failures;     /* above zero: the list is not whole */
};

/*
 * HEARTH_OK with failures: single entries, each was told.  Any other code: the list is worthless.
 * HEARTH_NOT_FOUND: no such directory or bucket; an empty prefix is none.
 */
enum hearth_code tree_walk(
    struct tree_walk *walk, const struct tree_side *side, struct hearth_err *err);

#endif /* HEARTH_TOOLS_TREE_WALK_H */
