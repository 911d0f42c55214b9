/*
 * hearth cp: between local files, standard input and output, and objects; -r for whole trees.
 *
 *              to a file       to -            to an object
 *   file       (cp does it)    (cat does it)   put
 *   -                                          put, of unknown length
 *   object     get             get             copy within the cluster, no data moves
 */
#include "tools/cp_tree.h"
#include "tools/hearth_verbs.h"

#include <errno.h>
#include <stdio.h>

enum { TRANSFERS_DEFAULT = 4, METADATA_MAX = 64 };

struct cp_options {
    bool recursive;
    const char *transfers;
    const char *content_type;
    const char *metadata;
};

/* ---- options ---- */

static enum program_exit parse_transfers(const char *text, unsigned *out, struct hearth_err *err)
{
    if (text == NULL) {
        *out = TRANSFERS_DEFAULT;
        return PROGRAM_DONE;
    }
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 1 || number > ERRAND_TRANSFERS_MAX) {
        return program_usage(err, "--transfers %s: expected 1 to %d", text, ERRAND_TRANSFERS_MAX);
    }
    *out = (unsigned)number;
    return PROGRAM_DONE;
}

/* "a=1,b=2" into pairs that live in the arena. */
static enum hearth_code parse_metadata(
    const char *text, struct arena *arena, struct copy_labels *out, struct hearth_err *err)
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

/* ---- one object ---- */

static bool is_stream(const char *argument)
{
    return strcmp(argument, "-") == 0;
}

/* The last component of a path or key, for a destination that names only where to. */
static struct view last_name(struct view name)
{
    size_t start = name.size;
    while (start > 0 && name.bytes[start - 1] != '/') {
        start--;
    }
    return view_of(name.bytes + start, name.size - start);
}

static bool names_a_folder(struct view key)
{
    return key.size == 0 || key.bytes[key.size - 1] == '/';
}

/* "s3://b/dir/" and a source "x/y" make "dir/y". */
static enum hearth_code destination_key(const struct s3_url *to, struct view source,
    struct arena *arena, struct view *out, struct hearth_err *err)
{
    *out = to->key;
    struct view name = last_name(source);
    if (names_a_folder(to->key) && name.size > 0) {
        uint8_t *bytes = arena_take(arena, to->key.size + name.size);
        assert(bytes != NULL);
        memcpy(bytes, to->key.bytes, to->key.size);
        memcpy(bytes + to->key.size, name.bytes, name.size);
        *out = view_of(bytes, to->key.size + name.size);
    }
    return s3_key_check(*out, err);
}

static enum hearth_code put_one(struct errand *errand, const char *path, const struct s3_url *to,
    const struct copy_labels *labels, struct arena *arena, struct hearth_err *err)
{
    struct copy_object object = {.bucket = to->bucket};
    struct view name = is_stream(path) ? view_text("") : view_text(path);
    struct local_source source;
    if (destination_key(to, name, arena, &object.key, err) != HEARTH_OK) {
        return err->code;
    }
    if (is_stream(path)) {
        local_source_open_stdin(errand_cancel(errand), &source);
    } else if (local_source_open(path, errand_cancel(errand), &source, err) != HEARTH_OK) {
        return err->code;
    }
    progress_expect(errand_progress(errand), 1, local_source_size(&source));
    enum hearth_code code = copy_up(errand, &source, &object, labels, err);
    local_source_close(&source);
    return code;
}

/* Into a directory, the object keeps the last part of its name. */
static enum hearth_code open_destination(
    const char *path, struct view key, struct local_sink *out, struct hearth_err *err)
{
    struct stat status;
    if (is_stream(path)) {
        local_sink_open_stdout(out);
        return HEARTH_OK;
    }
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return local_sink_open_path(path, out, err);
    }
    int folder_fd;
    if (local_folder_open(path, &folder_fd, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = local_sink_open_beneath(folder_fd, last_name(key), out, err);
    close(folder_fd);
    return code;
}

static enum hearth_code get_one(
    struct errand *errand, const struct s3_url *from, const char *path, struct hearth_err *err)
{
    struct local_sink sink;
    if (s3_key_check(from->key, err) != HEARTH_OK ||
        open_destination(path, from->key, &sink, err) != HEARTH_OK) {
        return err->code;
    }
    return copy_down(errand, &(struct copy_object){from->bucket, from->key}, NULL, &sink, err);
}

static enum hearth_code copy_one(struct errand *errand, const struct s3_url *from,
    const struct s3_url *to, struct arena *arena, struct hearth_err *err)
{
    struct view key;
    if (s3_key_check(from->key, err) != HEARTH_OK ||
        destination_key(to, from->key, arena, &key, err) != HEARTH_OK) {
        return err->code;
    }
    return hearth_copy(
        errand_hearth(errand), from->bucket, from->key, to->bucket, key, NULL, NULL, err);
}

/* ---- which of them ---- */

struct cp {
    const char *source;
    const char *destination;
    struct s3_url from; /* when the source is an object or prefix */
    struct s3_url to;
    struct copy_labels labels;
    unsigned transfers;
};

static enum hearth_code run_one(
    struct errand *errand, const struct cp *cp, struct arena *arena, struct hearth_err *err)
{
    if (!s3_url_is(cp->source)) {
        return put_one(errand, cp->source, &cp->to, &cp->labels, arena, err);
    }
    return s3_url_is(cp->destination) ? copy_one(errand, &cp->from, &cp->to, arena, err)
                                      : get_one(errand, &cp->from, cp->destination, err);
}

static enum hearth_code run_tree(struct errand *errand, const struct cp *cp, struct hearth_err *err)
{
    struct cp_tree_options options = {.transfers = cp->transfers, .labels = &cp->labels};
    if (!s3_url_is(cp->source)) {
        return cp_tree_up(errand, cp->source, &cp->to, &options, err);
    }
    return s3_url_is(cp->destination)
        ? cp_tree_across(errand, &cp->from, &cp->to, &options, err)
        : cp_tree_down(errand, &cp->from, cp->destination, &options, err);
}

static enum hearth_code parse_sides(
    const struct program_call *call, struct cp *cp, struct hearth_err *err)
{
    cp->source = call->arguments[0];
    cp->destination = call->arguments[1];
    if (s3_url_is(cp->source) && s3_url_parse(cp->source, &cp->from, err) != HEARTH_OK) {
        return err->code;
    }
    if (s3_url_is(cp->destination) && s3_url_parse(cp->destination, &cp->to, err) != HEARTH_OK) {
        return err->code;
    }
    return HEARTH_OK;
}

static enum hearth_code cp(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    const struct cp_options *options = call->options;
    struct cp cp = {.labels.content_type = options->content_type};
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = parse_sides(call, &cp, err);
    if (code == HEARTH_OK) {
        code = parse_metadata(options->metadata, &arena, &cp.labels, err);
    }
    if (code == HEARTH_OK && options->recursive) {
        parse_transfers(options->transfers, &cp.transfers, err); /* run_cp saw that it is good */
        code = run_tree(errand, &cp, err);
    } else if (code == HEARTH_OK) {
        code = run_one(errand, &cp, &arena, err);
    }
    arena_fini(&arena);
    return code;
}

static enum program_exit run_cp(const struct program_call *call, struct hearth_err *err)
{
    const struct cp_options *options = call->options;
    const char *source = call->arguments[0];
    const char *destination = call->arguments[1];
    unsigned transfers;
    if (!s3_url_is(source) && !s3_url_is(destination)) {
        return program_usage(
            err, "cp %s %s: one of them must be s3://BUCKET/KEY", source, destination);
    }
    if (options->recursive && (is_stream(source) || is_stream(destination))) {
        return program_usage(err, "cp -r %s %s: a tree cannot be a stream", source, destination);
    }
    if (parse_transfers(options->transfers, &transfers, err) != PROGRAM_DONE) {
        return PROGRAM_USAGE;
    }
    struct errand_options errand = {
        .transfers = options->recursive ? transfers : 1,
        .with_progress = !is_stream(destination),
    };
    return errand_run(call, &errand, cp, err);
}

static const struct program_option cp_params[] = {
    {.name = "recursive",
        .letter = 'r',
        .offset = offsetof(struct cp_options, recursive),
        .help = "a directory or prefix and everything beneath it"},
    {.name = "transfers",
        .value = "N",
        .offset = offsetof(struct cp_options, transfers),
        .help = "with -r: so many objects at once, 1 to 32 (default 4)"},
    {.name = "content-type",
        .value = "TYPE",
        .offset = offsetof(struct cp_options, content_type),
        .help = "of what is uploaded (default application/octet-stream)"},
    {.name = "metadata",
        .value = "NAME=VALUE,...",
        .offset = offsetof(struct cp_options, metadata),
        .help = "kept with what is uploaded"},
};

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
    .run = run_cp,
};
