/*
 * hearth mv: cp, and then the source goes, once the destination is known to hold it.
 */
#include "tools/carry.h"
#include "tools/hearth_verbs.h"

struct mv_options {
    bool recursive;
    const char *transfers;
    const char *bwlimit;
    struct program_list filter;
    bool json;
};

static enum program_exit read_call(const struct program_call *call, struct carry *out,
    struct errand_options *errand, struct hearth_err *err)
{
    const struct mv_options *options = call->options;
    *out = (struct carry){
        .what = options->recursive ? "mv -r" : "mv",
        .source = call->arguments[0],
        .destination = call->arguments[1],
        .recursive = options->recursive,
        .filter = &options->filter,
        .json = options->json,
        .rules.removes_source = true,
    };
    *errand = (struct errand_options){.with_progress = true};
    return carry_read(out, options->transfers, options->bwlimit, errand, err);
}

static enum hearth_code mv(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    struct carry carry;
    struct errand_options leash;
    read_call(call, &carry, &leash, err); /* run_mv saw that it is good */
    return carry_run(errand, &carry, err);
}

static enum program_exit run_mv(const struct program_call *call, struct hearth_err *err)
{
    struct carry carry;
    struct errand_options errand;
    if (read_call(call, &carry, &errand, err) != PROGRAM_DONE) {
        return PROGRAM_USAGE;
    }
    return errand_run(call, &errand, mv, err);
}

static const struct program_option mv_params[] = {
    {.name = "recursive",
        .letter = 'r',
        .offset = offsetof(struct mv_options, recursive),
        .help = "a directory or prefix and everything beneath it"},
    {.name = "include",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct mv_options, filter),
        .help = "with -r: move these names after all; the last rule that matches decides"},
    {.name = "exclude",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct mv_options, filter),
        .help = "with -r: leave these names where they are"},
    {.name = "transfers",
        .value = "N",
        .offset = offsetof(struct mv_options, transfers),
        .help = "with -r: so many objects at once, 1 to 32 (default 4)"},
    {.name = "bwlimit",
        .value = "RATE",
        .offset = offsetof(struct mv_options, bwlimit),
        .help = "at most so many bytes a second in all: 500K, 10M"},
    {.name = "json",
        .offset = offsetof(struct mv_options, json),
        .help = "one JSON object for each object moved, and one for the sum"},
};

static const char mv_notes[] =
    "    A source goes only after its destination was looked at and holds exactly it, object by\n"
    "    object; one that changed meanwhile stays. Between two keys no data moves. With -r\n"
    "    symbolic links stay and count as failed, and directories that are empty then go.\n"
    "    Exit 1: something failed and is still at its source; the rest was moved.\n";

const struct program_verb hearth_verb_mv = {
    .name = "mv",
    .arguments = "SRC DST",
    .arguments_min = 2,
    .arguments_max = 2,
    .options = mv_params,
    .option_count = sizeof(mv_params) / sizeof(mv_params[0]),
    .options_size = sizeof(struct mv_options),
    .needs_config = true,
    .help = "move; either side a file or s3://BUCKET/KEY",
    .notes = mv_notes,
    .run = run_mv,
};
