#include "tools/carry_tree.h"

#include "tools/local_remove.h"
#include "tools/tree_run.h"
#include "tools/tree_walk.h"

struct tree {
    struct errand *errand;
    const struct carry *carry;
    struct tree_side source;
    struct tree_side destination;
    struct report report;
    struct tree_walk walk;
};

static void on_failure(void *context, struct view name, const struct hearth_err *err)
{
    struct tree *tree = context;
    report_failed(&tree->report, name, err);
}

static enum hearth_code list_source(struct tree *tree, struct hearth_err *err)
{
    bool moves = tree->carry->rules.removes_source;
    tree->walk = (struct tree_walk){
        .errand = tree->errand,
        .filter = tree->carry->filter,
        .links = moves ? TREE_LINKS_REFUSED : TREE_LINKS_FOLLOWED,
        .failed = on_failure,
        .context = tree,
    };
    if (tree_walk(&tree->walk, &tree->source, err) != HEARTH_OK) {
        return err->code;
    }
    if (tree->walk.seen == 0 && !tree_side_is_local(&tree->source)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no key begins with %.*s",
            VIEW_ARGS(s3_prefix_view(&tree->source.prefix)));
    }
    return HEARTH_OK;
}

/* What would fail for each name is said once. */
static enum hearth_code open_destination(struct tree *tree, struct hearth_err *err)
{
    struct tree_side *side = &tree->destination;
    if (tree_side_is_local(side)) {
        return local_folder_open(side->folder, &side->folder_fd, err);
    }
    struct hearth_buckets *bucket;
    if (hearth_bucket_head(errand_hearth(tree->errand), side->url.bucket, &bucket, err) !=
        HEARTH_OK) {
        return err->code;
    }
    hearth_buckets_destroy(bucket);
    return HEARTH_OK;
}

static enum hearth_code parse_sides(struct tree *tree, struct hearth_err *err)
{
    if (tree_side_parse(tree->carry->source, &tree->source, err) != HEARTH_OK ||
        tree_side_parse(tree->carry->destination, &tree->destination, err) != HEARTH_OK) {
        return err->code;
    }
    return tree_sides_overlap(&tree->source, &tree->destination)
        ? hearth_fail(err, HEARTH_INVALID, "one of them lies within the other")
        : HEARTH_OK;
}

static enum hearth_code run(struct tree *tree, struct hearth_err *err)
{
    struct copy_rules rules = tree->carry->rules;
    rules.is_expected = true;
    struct tree_run run = {
        .errand = tree->errand,
        .source = &tree->source,
        .destination = &tree->destination,
        .rules = &rules,
        .report = &tree->report,
        .transfers = tree->carry->transfers,
    };
    if (tree_run_begin(&run, err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < tree->walk.list.count; i++) {
        const struct sync_step step = {.kind = SYNC_COPY, .source = &tree->walk.list.entries[i]};
        tree_run_submit(&run, &step);
    }
    tree_run_end(&run);
    if (rules.removes_source && tree_side_is_local(&tree->source)) {
        local_remove_empty_folders(tree->source.folder);
    }
    return HEARTH_OK;
}

static enum hearth_code carry_all(struct tree *tree, struct hearth_err *err)
{
    enum hearth_code code = parse_sides(tree, err);
    if (code == HEARTH_OK) {
        code = list_source(tree, err);
    }
    if (code == HEARTH_OK) {
        code = open_destination(tree, err);
    }
    return code == HEARTH_OK ? run(tree, err) : code;
}

enum hearth_code carry_tree(
    struct errand *errand, const struct carry *carry, struct hearth_err *err)
{
    struct tree tree = {
        .errand = errand,
        .carry = carry,
        .source.folder_fd = -1,
        .destination.folder_fd = -1,
    };
    const struct report_options report = {
        .errand = errand, .what = carry->what, .json = carry->json};
    report_begin(&tree.report, &report);
    enum hearth_code code = carry_all(&tree, err);
    tree_list_fini(&tree.walk.list);
    tree_side_close(&tree.source);
    tree_side_close(&tree.destination);
    return report_finish(&tree.report, code, err);
}
