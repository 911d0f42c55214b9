/*
 * hearth du: how much lies beneath each prefix, in the order of du: inner ones first.
 *
 *        12345          3  s3://photos/2026/may/
 *        67890         17  s3://photos/2026/
 */
#include "tools/filter.h"
#include "tools/format.h"
#include "tools/hearth_verbs.h"
#include "tools/json_line.h"
#include "tools/listing.h"
#include "tools/option.h"
#include "tools/prefix_totals.h"
#include "tools/s3_url.h"

#include <inttypes.h>
#include <stdio.h>

enum { DEPTH_DEFAULT = 1 };

struct du_options {
    const char *depth;
    bool human;
    bool json;
    struct program_list filter;
};

struct du {
    struct errand *errand;
    const struct du_options *options;
    unsigned depth;
    const char *bucket;
    struct s3_prefix root;
    struct prefix_totals totals;
};

static void tell(void *context, const struct prefix_total *total)
{
    struct du *du = context;
    uint8_t bytes[2 * HEARTH_KEY_MAX + 1];
    memcpy(bytes, du->root.bytes, du->root.size);
    memcpy(bytes + du->root.size, total->prefix.bytes, total->prefix.size);
    struct view prefix = view_of(bytes, du->root.size + total->prefix.size);
    if (du->options->json) {
        json_t *line = json_line_object();
        json_line_text(line, "bucket", du->bucket);
        json_line_bytes(line, "prefix", prefix);
        json_line_number(line, "size", total->bytes);
        json_line_number(line, "objects", total->objects);
        json_line_print(line);
        return;
    }
    char size[FORMAT_BYTES_SIZE];
    char name[FORMAT_NAME_SIZE];
    if (du->options->human) {
        printf("%12s", format_bytes(total->bytes, size));
    } else {
        printf("%12" PRIu64, total->bytes);
    }
    printf(" %10" PRIu64 "  s3://%s/%s\n", total->objects, du->bucket, format_name(prefix, name));
}

static enum hearth_code on_object(
    void *context, const struct hearth_object *object, struct hearth_err *err)
{
    (void)err;
    struct du *du = context;
    struct view name = view_of(object->key.bytes + du->root.size, object->key.size - du->root.size);
    if (filter_includes(&du->options->filter, name)) {
        prefix_totals_add(&du->totals, name, object->size);
    }
    return HEARTH_OK;
}

static enum hearth_code measure(
    struct du *du, const char *bucket, struct view key, struct hearth_err *err)
{
    if (s3_prefix_init(&du->root, key, err) != HEARTH_OK) {
        return err->code;
    }
    du->bucket = bucket;
    du->totals = (struct prefix_totals){.depth = du->depth, .tell = tell, .context = du};
    struct listing listing = {
        .bucket = bucket,
        .prefix = s3_prefix_view(&du->root),
        .on_object = on_object,
        .context = du,
    };
    if (listing_walk(du->errand, &listing, err) != HEARTH_OK) {
        return err->code;
    }
    prefix_totals_end(&du->totals);
    return HEARTH_OK;
}

static enum hearth_code measure_buckets(struct du *du, struct hearth_err *err)
{
    struct hearth_buckets *buckets;
    if (hearth_bucket_list(errand_hearth(du->errand), &buckets, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; code == HEARTH_OK && i < buckets->count; i++) {
        code = measure(du, buckets->items[i].name, view_of("", 0), err);
    }
    hearth_buckets_destroy(buckets);
    return code;
}

static enum hearth_code measure_url(struct du *du, const char *text, struct hearth_err *err)
{
    struct s3_url url;
    return s3_url_parse(text, &url, err) == HEARTH_OK ? measure(du, url.bucket, url.key, err)
                                                      : err->code;
}

static enum program_exit parse_depth(
    const struct program_call *call, unsigned *out, struct hearth_err *err)
{
    const struct du_options *options = call->options;
    if (options->depth == NULL) {
        *out = call->argument_count == 0 ? 0 : DEPTH_DEFAULT;
        return PROGRAM_DONE;
    }
    return option_number("depth", options->depth, 0, PREFIX_DEPTH_MAX, out, err);
}

static enum hearth_code du(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    struct du *du = calloc(1, sizeof(*du));
    if (du == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "begin");
    }
    du->errand = errand;
    du->options = call->options;
    parse_depth(call, &du->depth, err); /* run_du saw that it is good */
    enum hearth_code code = call->argument_count == 0 ? measure_buckets(du, err)
                                                      : measure_url(du, call->arguments[0], err);
    free(du);
    return code;
}

static enum program_exit run_du(const struct program_call *call, struct hearth_err *err)
{
    const struct du_options *options = call->options;
    unsigned depth;
    if (parse_depth(call, &depth, err) != PROGRAM_DONE ||
        filter_check(&options->filter, err) != PROGRAM_DONE) {
        return PROGRAM_USAGE;
    }
    return errand_run(call, &(struct errand_options){0}, du, err);
}

static const struct program_option du_params[] = {
    {.name = "depth",
        .letter = 'd',
        .value = "N",
        .offset = offsetof(struct du_options, depth),
        .help = "levels below that have a line of their own (default 1; 0: one line in all)"},
    {.name = "human",
        .letter = 'H',
        .offset = offsetof(struct du_options, human),
        .help = "sizes as 1.5 MiB"},
    {.name = "include",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct du_options, filter),
        .help = "count these names after all; the last rule that matches a name decides"},
    {.name = "exclude",
        .value = "PATTERN",
        .offset = PROGRAM_LIST + offsetof(struct du_options, filter),
        .help = "do not count these names"},
    OPTION_JSON(du_options),
};

const struct program_verb hearth_verb_du = {
    .name = "du",
    .arguments = "[s3://BUCKET[/PREFIX]]",
    .arguments_max = 1,
    .options = du_params,
    .option_count = sizeof(du_params) / sizeof(du_params[0]),
    .options_size = sizeof(struct du_options),
    .needs_config = true,
    .help = "bytes and objects beneath each prefix; without an argument: of each bucket",
    .run = run_du,
};
