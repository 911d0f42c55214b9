/*
 * hearth sync: makes a destination as its source, and says what it does.
 *
 *   list the source --> list the destination --> sync_plan --> tree_run: copies, then deletions
 *
 * Nothing is deleted unless the source was listed whole: what is missing from half a list may well
 * be there.
 */
#include "tools/filter.h"
#include "tools/hearth_verbs.h"
#include "tools/option.h"
#include "tools/tree_run.h"
#include "tools/tree_walk.h"

struct sync_options {
    bool deletes;
    bool dry_run;
    bool checksum;
    struct program_list filter;
    const char *transfers;
    const char *bwlimit;
    bool json;
};

/* One call. */
struct sync {
    struct errand *errand;
    const struct sync_options *options;
    struct tree_side source;
    struct tree_side destination;
    struct report report;
    struct tree_walk source_walk;
    struct tree_walk destination_walk;
};

/* ---- listing ---- */

static void on_failure(void *context, struct view name, const struct hearth_err *err)
{
    struct sync *sync = context;
    report_failed(&sync->report, name, err);
}

static void prepare_walk(struct sync *sync, struct tree_walk *walk, enum tree_links links)
{
    *walk = (struct tree_walk){
        .errand = sync->errand,
        .filter = &sync->options->filter,
        .links = links,
        .failed = on_failure,
        .context = sync,
    };
}

static enum hearth_code list_source(struct sync *sync, struct hearth_err *err)
{
    prepare_walk(sync, &sync->source_walk, TREE_LINKS_FOLLOWED);
    if (tree_walk(&sync->source_walk, &sync->source, err) != HEARTH_OK) {
        return err->code;
    }
    /* A disk that is not mounted looks like this, and would take the only copy with it. */
    if (sync->options->deletes && sync->source_walk.seen == 0) {
        return hearth_fail(
            err, HEARTH_INVALID, "nothing is deleted because of a source that is empty");
    }
    return HEARTH_OK;
}

/* A directory that is not there is made, or in a dry run taken for empty. */
static enum hearth_code list_folder(struct sync *sync, struct hearth_err *err)
{
    struct tree_side *side = &sync->destination;
    if (!sync->options->dry_run) {
        if (local_folder_open(side->folder, &side->folder_fd, err) != HEARTH_OK) {
            return err->code;
        }
    } else if (access(side->folder, F_OK) != 0) {
        return HEARTH_OK;
    }
    return tree_walk(&sync->destination_walk, side, err);
}

static enum hearth_code list_destination(struct sync *sync, struct hearth_err *err)
{
    prepare_walk(sync, &sync->destination_walk, TREE_LINKS_IGNORED);
    return tree_side_is_local(&sync->destination)
        ? list_folder(sync, err)
        : tree_walk(&sync->destination_walk, &sync->destination, err);
}

/* ---- doing ---- */

/* One pass over the plan: either deletions, or all else. */
static enum hearth_code run_plan(
    struct sync *sync, struct tree_run *run, bool deletes, struct hearth_err *err)
{
    struct sync_plan plan = {
        .source = &sync->source_walk.list,
        .destination = &sync->destination_walk.list,
        .rules = {.by_content = sync->options->checksum, .deletes = deletes},
    };
    struct sync_step step;
    if (tree_run_begin(run, err) != HEARTH_OK) {
        return err->code;
    }
    while (sync_plan_next(&plan, &step)) {
        if (deletes == (step.kind == SYNC_DELETE)) {
            tree_run_submit(run, &step);
        }
    }
    tree_run_end(run);
    return errand_check(sync->errand, err);
}

static enum hearth_code run_deletions(
    struct sync *sync, struct tree_run *run, struct hearth_err *err)
{
    if (sync->source_walk.failures > 0 || sync->destination_walk.failures > 0) {
        errand_say(sync->errand, "sync: nothing is deleted: %s could not be read whole",
            sync->source_walk.failures > 0 ? "the source" : "the destination");
        return HEARTH_OK;
    }
    return run_plan(sync, run, true, err);
}

static enum hearth_code carry_out(struct sync *sync, struct hearth_err *err)
{
    static const struct copy_rules rules = {.must_hold_still = true, .is_expected = true};
    struct tree_run run = {
        .errand = sync->errand,
        .source = &sync->source,
        .destination = &sync->destination,
        .rules = &rules,
        .report = &sync->report,
        .dry_run = sync->options->dry_run,
    };
    option_transfers(sync->options->transfers, &run.transfers, err); /* run_sync saw it is good */
    enum hearth_code code = run_plan(sync, &run, false, err);
    return code == HEARTH_OK && sync->options->deletes ? run_deletions(sync, &run, err) : code;
}

static enum hearth_code parse_sides(
    struct sync *sync, const struct program_call *call, struct hearth_err *err)
{
    if (tree_side_parse(call->arguments[0], &sync->source, err) != HEARTH_OK ||
        tree_side_parse(call->arguments[1], &sync->destination, err) != HEARTH_OK) {
        return err->code;
    }
    return tree_sides_overlap(&sync->source, &sync->destination)
        ? hearth_fail(err, HEARTH_INVALID, "one of them lies within the other")
        : HEARTH_OK;
}

static enum hearth_code run_all(
    struct sync *sync, const struct program_call *call, struct hearth_err *err)
{
    enum hearth_code code = parse_sides(sync, call, err);
    if (code == HEARTH_OK) {
        code = list_source(sync, err);
    }
    if (code == HEARTH_OK) {
        code = list_destination(sync, err);
    }
    return code == HEARTH_OK ? carry_out(sync, err) : code;
}

static enum hearth_code sync_sides(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    struct sync sync = {
        .errand = errand,
        .options = call->options,
        .source.folder_fd = -1,
        .destination.folder_fd = -1,
    };
    const struct report_options report = {
        .errand = errand,
        .what = "sync",
        .each = true,
        .json = sync.options->json,
        .dry_run = sync.options->dry_run,
    };
    report_begin(&sync.report, &report);
    enum hearth_code code = run_all(&sync, call, err);
    tree_list_fini(&sync.source_walk.list);
    tree_list_fini(&sync.destination_walk.list);
    tree_side_close(&sync.source);
    tree_side_close(&sync.destination);
    return report_finish(&sync.report, code, err);
}

/* ---- the command line ---- */

static enum program_exit run_sync(const struct program_call *call, struct hearth_err *err)
{
    const struct sync_options *options = call->options;
    struct errand_options errand = {.with_progress = true};
    const char *source = call->arguments[0];
    const char *destination = call->arguments[1];
    if (!s3_url_is(source) && !s3_url_is(destination)) {
        return program_usage(
            err, "sync %s %s: one of them must be s3://BUCKET/PREFIX", source, destination);
    }
    if (filter_check(&options->filter, err) != PROGRAM_DONE ||
        option_transfers(options->transfers, &errand.transfers, err) != PROGRAM_DONE ||
        option_bwlimit(options->bwlimit, &errand.bytes_per_s, err) != PROGRAM_DONE) {
        return PROGRAM_USAGE;
    }
    return errand_run(call, &errand, sync_sides, err);
}

static const struct program_option sync_params[] = {
    {.name = "delete",
        .offset = offsetof(struct sync_options, deletes),
        .help = "delete at the destination what the source has not"},
    {.name = "dry-run",
        .letter = 'n',
        .offset = offsetof(struct sync_options, dry_run),
        .help = "only say what would be done"},
    {.name = "checksum",
        .offset = offsetof(struct sync_options, checksum),
        .help = "compare contents (MD5 and ETag) where sizes are equal, not times"},
    {.name = "include",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct sync_options, filter),
        .help = "names that count after all; the last rule that matches decides"},
    {.name = "exclude",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct sync_options, filter),
        .help = "names that are neither copied nor deleted"},
    {.name = "transfers",
        .value = "N",
        .offset = offsetof(struct sync_options, transfers),
        .help = "so many objects at once, 1 to 32 (default 4)"},
    {.name = "bwlimit",
        .value = "RATE",
        .offset = offsetof(struct sync_options, bwlimit),
        .help = "at most so many bytes a second in all: 500K, 10M"},
    {.name = "json",
        .offset = offsetof(struct sync_options, json),
        .help = "one JSON object for each thing done, and one for the sum"},
};

static const char sync_notes[] =
    "    Copied is what is new at the source, has another size there, or was changed there after\n"
    "    the destination's was. A download gets its object's time, so the way back copies "
    "nothing.\n"
    "    --delete touches only names that the filters mean, comes after all copies, and does\n"
    "    nothing if the source is empty or could not be listed whole. Directories and symbolic\n"
    "    links at a destination are left alone; at the source links are followed.\n"
    "    Exit 1: something failed, and the rest was done.\n";

const struct program_verb hearth_verb_sync = {
    .name = "sync",
    .arguments = "SRC DST",
    .arguments_min = 2,
    .arguments_max = 2,
    .options = sync_params,
    .option_count = sizeof(sync_params) / sizeof(sync_params[0]),
    .options_size = sizeof(struct sync_options),
    .needs_config = true,
    .help = "make a directory or s3://BUCKET/PREFIX as another one is",
    .notes = sync_notes,
    .run = run_sync,
};
