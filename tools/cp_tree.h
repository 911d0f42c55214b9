/*
 * cp_tree.h - many objects at once: a directory up, a prefix down, a prefix to another one.
 *
 *   walk the source --> jobs --> work_pool, --transfers at a time --> copy.h
 *
 * What fails is named on standard error and the rest goes on; the whole then fails with a count.
 * Names are joined as `aws s3 cp --recursive` joins them: DIR/a/b <-> s3://BUCKET/PREFIX/a/b.
 */
#ifndef HEARTH_TOOLS_CP_TREE_H
#define HEARTH_TOOLS_CP_TREE_H

#include "tools/copy.h"
#include "tools/s3_url.h"

struct cp_tree_options {
    unsigned transfers; /* 1 to ERRAND_TRANSFERS_MAX */
    const struct copy_labels *labels;
};

/* Symbolic links are followed, as if what they point at were there. */
enum hearth_code cp_tree_up(struct errand *errand, const char *folder, const struct s3_url *to,
    const struct cp_tree_options *options, struct hearth_err *err);

/* The folder is made when it is not there. Keys that cannot be paths beneath it fail. */
enum hearth_code cp_tree_down(struct errand *errand, const struct s3_url *from, const char *folder,
    const struct cp_tree_options *options, struct hearth_err *err);

/* Within the cluster. */
enum hearth_code cp_tree_across(struct errand *errand, const struct s3_url *from,
    const struct s3_url *to, const struct cp_tree_options *options, struct hearth_err *err);

#endif /* HEARTH_TOOLS_CP_TREE_H */
