/*
 * hearth ls: buckets, or what is under a prefix, in the form of `aws s3 ls`.
 *
 *   2026-11-23 19:06:23      12345 garden.jpg
 *                              PRE 2026/
 */
#include "tools/format.h"
#include "tools/hearth_verbs.h"
#include "tools/json_line.h"
#include "tools/listing.h"
#include "tools/option.h"
#include "tools/s3_url.h"

#include <inttypes.h>
#include <stdio.h>

struct ls_options {
    bool recursive;
    bool human;
    bool json;
};

struct ls {
    const struct ls_options *options;
    const char *bucket;
    size_t hidden; /* bytes of each name that were typed: up to the last slash of the prefix */
    uint64_t shown;
};

static void print_size(const struct ls *ls, uint64_t size)
{
    char text[FORMAT_BYTES_SIZE];
    if (ls->options->human) {
        printf(" %10s", format_bytes(size, text));
    } else {
        printf(" %10" PRIu64, size);
    }
}

static void print_name(const struct ls *ls, struct view name)
{
    char text[FORMAT_NAME_SIZE];
    struct view rest = view_of(name.bytes + ls->hidden, name.size - ls->hidden);
    printf(" %s\n", format_name(rest, text));
}

static enum hearth_code on_object(
    void *context, const struct hearth_object *object, struct hearth_err *err)
{
    (void)err;
    struct ls *ls = context;
    ls->shown++;
    if (ls->options->json) {
        json_t *line = json_line_object();
        json_line_text(line, "bucket", ls->bucket);
        json_line_bytes(line, "key", object->key);
        json_line_number(line, "size", object->size);
        json_line_time(line, "created", object->created_unix_ms);
        json_line_text(line, "etag", object->etag);
        json_line_text(line, "version", object->version);
        json_line_print(line);
        return HEARTH_OK;
    }
    char time[FORMAT_TIME_SIZE];
    fputs(format_time(object->created_unix_ms, time), stdout);
    print_size(ls, object->size);
    print_name(ls, object->key);
    return HEARTH_OK;
}

static enum hearth_code on_prefix(void *context, struct view prefix, struct hearth_err *err)
{
    (void)err;
    struct ls *ls = context;
    ls->shown++;
    if (ls->options->json) {
        json_t *line = json_line_object();
        json_line_text(line, "bucket", ls->bucket);
        json_line_bytes(line, "prefix", prefix);
        json_line_print(line);
        return HEARTH_OK;
    }
    printf("%30s", "PRE"); /* 19 of the time, 11 of the size */
    print_name(ls, prefix);
    return HEARTH_OK;
}

static void print_bucket(const struct ls_options *options, const struct hearth_bucket *bucket)
{
    if (options->json) {
        json_t *line = json_line_object();
        json_line_text(line, "bucket", bucket->name);
        json_line_time(line, "created", bucket->created_unix_ms);
        json_line_text(line, "profile", bucket->profile);
        json_line_number(line, "k", bucket->k);
        json_line_number(line, "n", bucket->n);
        json_line_number(line, "w", bucket->w);
        json_line_print(line);
        return;
    }
    char time[FORMAT_TIME_SIZE];
    printf("%s %s\n", format_time(bucket->created_unix_ms, time), bucket->name);
}

static enum hearth_code list_buckets(
    struct errand *errand, const struct ls_options *options, struct hearth_err *err)
{
    struct hearth_buckets *buckets;
    if (hearth_bucket_list(errand_hearth(errand), &buckets, err) != HEARTH_OK) {
        return err->code;
    }
    for (unsigned i = 0; i < buckets->count; i++) {
        print_bucket(options, &buckets->items[i]);
    }
    hearth_buckets_destroy(buckets);
    return HEARTH_OK;
}

static size_t length_to_last_slash(struct view prefix)
{
    size_t length = prefix.size;
    while (length > 0 && prefix.bytes[length - 1] != '/') {
        length--;
    }
    return length;
}

static enum hearth_code list_objects(struct errand *errand, const struct s3_url *url,
    const struct ls_options *options, struct hearth_err *err)
{
    struct ls ls = {.options = options, .bucket = url->bucket};
    ls.hidden = options->recursive ? 0 : length_to_last_slash(url->key);
    struct listing listing = {
        .bucket = url->bucket,
        .prefix = url->key,
        .delimiter = view_text(options->recursive ? "" : "/"),
        .on_object = on_object,
        .on_prefix = on_prefix,
        .context = &ls,
    };
    if (listing_walk(errand, &listing, err) != HEARTH_OK) {
        return err->code;
    }
    if (ls.shown == 0 && url->key.size > 0) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no key begins so");
    }
    return HEARTH_OK;
}

static enum hearth_code list(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    struct s3_url url;
    if (call->argument_count == 0) {
        return list_buckets(errand, call->options, err);
    }
    if (s3_url_parse(call->arguments[0], &url, err) != HEARTH_OK) {
        return err->code;
    }
    return list_objects(errand, &url, call->options, err);
}

static enum program_exit run_ls(const struct program_call *call, struct hearth_err *err)
{
    return errand_run(call, &(struct errand_options){0}, list, err);
}

static const struct program_option ls_params[] = {
    {.name = "recursive",
        .letter = 'r',
        .offset = offsetof(struct ls_options, recursive),
        .help = "every key, not only the next level"},
    {.name = "human",
        .letter = 'H',
        .offset = offsetof(struct ls_options, human),
        .help = "sizes as 1.5 MiB"},
    OPTION_JSON(ls_options),
};

const struct program_verb hearth_verb_ls = {
    .name = "ls",
    .arguments = "[s3://BUCKET[/PREFIX]]",
    .arguments_max = 1,
    .options = ls_params,
    .option_count = sizeof(ls_params) / sizeof(ls_params[0]),
    .options_size = sizeof(struct ls_options),
    .needs_config = true,
    .help = "list buckets, or the keys under a prefix",
    .run = run_ls,
};
