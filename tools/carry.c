#include "tools/carry.h"

#include "tools/carry_tree.h"
#include "tools/filter.h"
#include "tools/option.h"
#include "tools/report.h"
#include "tools/s3_url.h"

static bool is_stream(const char *argument)
{
    return strcmp(argument, "-") == 0;
}

static enum program_exit check(const struct carry *carry, struct hearth_err *err)
{
    const char *source = carry->source;
    const char *destination = carry->destination;
    bool has_stream = is_stream(source) || is_stream(destination);
    if (!s3_url_is(source) && !s3_url_is(destination)) {
        return program_usage(
            err, "%s %s %s: one of them must be s3://BUCKET/KEY", carry->what, source, destination);
    }
    if (carry->recursive && has_stream) {
        return program_usage(
            err, "%s %s %s: a tree cannot be a stream", carry->what, source, destination);
    }
    if (carry->rules.removes_source && has_stream) {
        return program_usage(
            err, "%s %s %s: a stream cannot be moved", carry->what, source, destination);
    }
    if (carry->json && is_stream(destination)) {
        return program_usage(err, "--json: standard output is for the object then");
    }
    if (carry->filter->count > 0 && !carry->recursive) {
        return program_usage(err, "--%s: only with -r", carry->filter->items[0].name);
    }
    return filter_check(carry->filter, err);
}

enum program_exit carry_read(struct carry *carry, const char *transfers, const char *bwlimit,
    struct errand_options *errand, struct hearth_err *err)
{
    if (check(carry, err) != PROGRAM_DONE ||
        option_transfers(transfers, &carry->transfers, err) != PROGRAM_DONE ||
        option_bwlimit(bwlimit, &errand->bytes_per_s, err) != PROGRAM_DONE) {
        return PROGRAM_USAGE;
    }
    errand->transfers = carry->recursive ? carry->transfers : 1;
    return PROGRAM_DONE;
}

/* ---- one object ---- */

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

/* One call of carry_run() without -r. */
struct one {
    struct errand *errand;
    const struct carry *carry;
    struct s3_url from; /* when the source is an object */
    struct s3_url to;   /* when the destination is one */
    struct arena arena;
    struct copy_result result;
};

static enum hearth_code put_one(struct one *one, struct hearth_err *err)
{
    const char *path = one->carry->source;
    struct copy_object to = {.bucket = one->to.bucket};
    struct view name = view_text(is_stream(path) ? "" : path);
    if (destination_key(&one->to, name, &one->arena, &to.key, err) != HEARTH_OK) {
        return err->code;
    }
    const struct copy_rules *rules = &one->carry->rules;
    return is_stream(path) ? copy_up_stdin(one->errand, &to, rules, &one->result, err)
                           : copy_up(one->errand, path, &to, rules, &one->result, err);
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

static enum hearth_code get_one(struct one *one, struct hearth_err *err)
{
    const struct copy_object from = {one->from.bucket, one->from.key};
    struct local_sink sink;
    if (s3_key_check(from.key, err) != HEARTH_OK ||
        open_destination(one->carry->destination, from.key, &sink, err) != HEARTH_OK) {
        return err->code;
    }
    return copy_down(one->errand, &from, NULL, &sink, &one->carry->rules, &one->result, err);
}

static enum hearth_code copy_one(struct one *one, struct hearth_err *err)
{
    const struct copy_object from = {one->from.bucket, one->from.key};
    struct copy_object to = {.bucket = one->to.bucket};
    if (s3_key_check(from.key, err) != HEARTH_OK ||
        destination_key(&one->to, from.key, &one->arena, &to.key, err) != HEARTH_OK) {
        return err->code;
    }
    return copy_across(one->errand, &from, &to, &one->carry->rules, &one->result, err);
}

static enum hearth_code parse_sides(struct one *one, struct hearth_err *err)
{
    const struct carry *carry = one->carry;
    if (s3_url_is(carry->source) && s3_url_parse(carry->source, &one->from, err) != HEARTH_OK) {
        return err->code;
    }
    if (s3_url_is(carry->destination) &&
        s3_url_parse(carry->destination, &one->to, err) != HEARTH_OK) {
        return err->code;
    }
    return HEARTH_OK;
}

static enum hearth_code carry_one(struct one *one, struct hearth_err *err)
{
    const struct carry *carry = one->carry;
    if (parse_sides(one, err) != HEARTH_OK) {
        return err->code;
    }
    return !s3_url_is(carry->source)    ? put_one(one, err)
        : s3_url_is(carry->destination) ? copy_one(one, err)
                                        : get_one(one, err);
}

static const char *direction(const struct carry *carry)
{
    return carry->rules.removes_source   ? "move"
        : !s3_url_is(carry->source)      ? "upload"
        : !s3_url_is(carry->destination) ? "download"
                                         : "copy";
}

static enum hearth_code report_one(const struct one *one, struct hearth_err *err)
{
    const struct carry *carry = one->carry;
    struct report report;
    const struct report_options options = {
        .errand = one->errand, .what = carry->what, .json = carry->json};
    report_begin(&report, &options);
    const struct report_line line = {
        .action = direction(carry),
        .source = view_text(carry->source),
        .destination = view_text(carry->destination),
        .size = one->result.size,
        .resumed_bytes = one->result.resumed_bytes,
    };
    report_done(&report, &line);
    return report_finish(&report, HEARTH_OK, err);
}

enum hearth_code carry_run(struct errand *errand, const struct carry *carry, struct hearth_err *err)
{
    if (carry->recursive) {
        return carry_tree(errand, carry, err);
    }
    struct one one = {.errand = errand, .carry = carry};
    arena_init(&one.arena, 0);
    enum hearth_code code = carry_one(&one, err);
    arena_fini(&one.arena);
    return code == HEARTH_OK && carry->json ? report_one(&one, err) : code;
}
