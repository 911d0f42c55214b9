/*
 * carry_tree.h - cp -r and mv -r: every name of the source goes to the destination.
 *
 *   tree_walk the source --> a step for each name --> tree_run
 *
 * What fails is named on standard error and the rest goes on; the whole then fails with a count.
 * cp follows symbolic links, as if what they point at were there; mv leaves them where they are, as
 * failures, and removes directories that it has emptied.
 */
#ifndef HEARTH_TOOLS_CARRY_TREE_H
#define HEARTH_TOOLS_CARRY_TREE_H

#include "tools/carry.h"

/* HEARTH_INVALID: one side lies within the other. */
enum hearth_code carry_tree(
    struct errand *errand, const struct carry *carry, struct hearth_err *err);

#endif /* HEARTH_TOOLS_CARRY_TREE_H */
