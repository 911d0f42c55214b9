/*
 * tree_run.h - carries out the steps of a plan, --transfers at a time, and reports each.
 *
 *   begin --> submit ... --> end (waits for all of them)
 *
 * What fails is said and the rest goes on.
 *
 * Thread-safety: one thread begins, submits and ends.
 */
#ifndef HEARTH_TOOLS_TREE_RUN_H
#define HEARTH_TOOLS_TREE_RUN_H

#include "tools/copy.h"
#include "tools/report.h"
#include "tools/sync_plan.h"
#include "tools/tree_side.h"
#include "tools/work_pool.h"

struct tree_run {
    /* Set once; borrowed. */
    struct errand *errand;
    const struct tree_side *source;
    const struct tree_side *destination; /* a directory is open, unless it is a dry run */
    const struct copy_rules *rules;      /* is_expected: the steps are told to the bar here */
    struct report *report;
    unsigned transfers;
    bool dry_run;

    struct work_pool *pool;
};

enum hearth_code tree_run_begin(struct tree_run *run, struct hearth_err *err);

/* Waits while too many wait. The step's entries are borrowed until the end. */
void tree_run_submit(struct tree_run *run, const struct sync_step *step);

/* Also after a begin that failed. */
void tree_run_end(struct tree_run *run);

#endif /* HEARTH_TOOLS_TREE_RUN_H */
