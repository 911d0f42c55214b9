/*
 * hearth cp: between local files, standard input and output, and objects; -r for whole trees.
 */
#include "tools/carry.h"
#include "tools/hearth_verbs.h"

enum { METADATA_MAX = 64 };

struct cp_options {
    bool recursive;
    const char *transfers;
    const char *bwlimit;
    struct program_list filter;
    const char *content_type;
    const char *metadata;
    bool json;
};

/* "a=1,b=2" into pairs that live in the arena. */
static enum hearth_code parse_metadata(
    const char *text, struct arena *arena, struct hearth_attributes *out, struct hearth_err *err)
{
    struct hearth_metadata *pairs = arena_take_array(arena, METADATA_MAX, sizeof(*pairs));
    char *rest = arena_text(arena, view_text(text == NULL ? "" : text));
    assert(pairs != NULL && rest != NULL);
    char *pair;
    while (*rest != '\0' && (pair = strsep(&rest, ",")) != NULL) {
        char *value = pair + strcspn(pair, "=");
        if (*value == '\0' || value == pair || out->metadata_count == METADATA_MAX) {
            return hearth_fail(err, HEARTH_INVALID,
                "--metadata %s: expected NAME=VALUE,NAME=VALUE, at most %d", text, METADATA_MAX);
        }
        *value++ = '\0';
        pairs[out->metadata_count++] = (struct hearth_metadata){pair, view_text(value)};
        if (rest == NULL) {
            break;
        }
    }
    out->metadata = pairs;
    return HEARTH_OK;
}

/* All but the labels, and the leash of the errand; wrong usage is found here. */
static enum program_exit read_call(const struct program_call *call, struct carry *out,
    struct errand_options *errand, struct hearth_err *err)
{
    const struct cp_options *options = call->options;
    *out = (struct carry){
        .what = options->recursive ? "cp -r" : "cp",
        .source = call->arguments[0],
        .destination = call->arguments[1],
        .recursive = options->recursive,
        .filter = &options->filter,
        .json = options->json,
        .rules.labels.content_type = options->content_type,
    };
    *errand = (struct errand_options){.with_progress = strcmp(out->destination, "-") != 0};
    return carry_read(out, options->transfers, options->bwlimit, errand, err);
}

static enum hearth_code cp(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    const struct cp_options *options = call->options;
    struct carry carry;
    struct errand_options leash;
    struct arena arena;
    arena_init(&arena, 0);
    read_call(call, &carry, &leash, err); /* run_cp saw that it is good */
    enum hearth_code code = parse_metadata(options->metadata, &arena, &carry.rules.labels, err);
    if (code == HEARTH_OK) {
        code = carry_run(errand, &carry, err);
    }
    arena_fini(&arena);
    return code;
}

static enum program_exit run_cp(const struct program_call *call, struct hearth_err *err)
{
    struct carry carry;
    struct errand_options errand;
    if (read_call(call, &carry, &errand, err) != PROGRAM_DONE) {
        return PROGRAM_USAGE;
    }
    return errand_run(call, &errand, cp, err);
}

static const struct program_option cp_params[] = {
    {.name = "recursive",
        .letter = 'r',
        .offset = offsetof(struct cp_options, recursive),
        .help = "a directory or prefix and everything beneath it"},
    {.name = "include",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct cp_options, filter),
        .help = "with -r: copy these names after all; the last rule that matches decides"},
    {.name = "exclude",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct cp_options, filter),
        .help = "with -r: do not copy these names"},
    {.name = "transfers",
        .value = "N",
        .offset = offsetof(struct cp_options, transfers),
        .help = "with -r: so many objects at once, 1 to 32 (default 4)"},
    {.name = "bwlimit",
        .value = "RATE",
        .offset = offsetof(struct cp_options, bwlimit),
        .help = "at most so many bytes a second in all: 500K, 10M"},
    {.name = "content-type",
        .value = "TYPE",
        .offset = offsetof(struct cp_options, content_type),
        .help = "of what is uploaded (default application/octet-stream)"},
    {.name = "metadata",
        .value = "NAME=VALUE,...",
        .offset = offsetof(struct cp_options, metadata),
        .help = "kept with what is uploaded"},
    {.name = "json",
        .offset = offsetof(struct cp_options, json),
        .help = "one JSON object for each object copied, and one for the sum"},
};

static const char cp_notes[] =
    "      cp FILE s3://BUCKET/KEY            upload; a KEY that ends in / gets the file's name\n"
    "      cp s3://BUCKET/KEY FILE            download; the file appears whole or not at all\n"
    "      cp s3://BUCKET/KEY s3://BUCKET/KEY copy within the cluster; no data moves\n"
    "      cp -r DIR s3://BUCKET/PREFIX       DIR/a/b becomes s3://BUCKET/PREFIX/a/b\n"
    "    Symbolic links are followed. A file that changes while it is read is not stored.\n"
    "    Exit 1: something failed; with -r each failure is named and the rest is copied.\n";

const struct program_verb hearth_verb_cp = {
    .name = "cp",
    .arguments = "SRC DST",
    .arguments_min = 2,
    .arguments_max = 2,
    .options = cp_params,
    .option_count = sizeof(cp_params) / sizeof(cp_params[0]),
    .options_size = sizeof(struct cp_options),
    .needs_config = true,
    .help = "copy; either side a file, - (standard input or output) or s3://BUCKET/KEY",
    .notes = cp_notes,
    .run = run_cp,
};
