/*
 * tree_side.h - one side of a tree that is copied, moved or made equal: a directory or a prefix.
 *
 * Names are what both sides have in common, as `aws s3 cp --recursive` joins them:
 * DIR/a/b <-> s3://BUCKET/PREFIX/a/b.
 */
#ifndef HEARTH_TOOLS_TREE_SIDE_H
#define HEARTH_TOOLS_TREE_SIDE_H

#include "common/arena.h"
#include "tools/s3_url.h"

struct tree_side {
    const char *folder; /* borrowed from the text; NULL: a prefix */
    struct s3_url url;
    struct s3_prefix prefix;
    int folder_fd; /* of a directory that is written to, beneath which nothing is left; else -1 */
};

enum hearth_code tree_side_parse(const char *typed, struct tree_side *out, struct hearth_err *err);
void tree_side_close(struct tree_side *side);

static inline bool tree_side_is_local(const struct tree_side *side)
{
    return side->folder != NULL;
}

/* Both in one bucket, and one is the other or lies beneath it. */
bool tree_sides_overlap(const struct tree_side *a, const struct tree_side *b);

/* In the arena.  A key may come out longer than keys can be; then it is refused as such. */
struct view tree_side_key(const struct tree_side *side, struct view name, struct arena *arena);
char *tree_side_path(const struct tree_side *side, struct view name, struct arena *arena);

/* What a person calls it: the path, or "s3://BUCKET/KEY". */
struct view tree_side_text(const struct tree_side *side, struct view name, struct arena *arena);

#endif /* HEARTH_TOOLS_TREE_SIDE_H */
