/*
 * hearth cat: an object, or a part of one, on standard output.
 */
#include "tools/copy.h"
#include "tools/hearth_verbs.h"
#include "tools/s3_url.h"

struct cat_options {
    const char *offset;
    const char *length;
};

static enum hearth_code parse_range(
    const struct cat_options *options, struct copy_range *out, struct hearth_err *err)
{
    *out = (struct copy_range){0};
    if (options->offset != NULL &&
        config_parse_bytes(options->offset, &out->offset, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "--offset");
    }
    if (options->length == NULL) {
        return HEARTH_OK;
    }
    if (config_parse_bytes(options->length, &out->length, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "--length");
    }
    if (out->length == 0) {
        return hearth_fail(err, HEARTH_INVALID, "--length 0: expected at least one byte");
    }
    return HEARTH_OK;
}

static enum hearth_code cat(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    struct s3_url url;
    struct copy_range range;
    if (s3_url_parse_object(call->arguments[0], &url, err) != HEARTH_OK ||
        parse_range(call->options, &range, err) != HEARTH_OK) {
        return err->code;
    }
    struct local_sink sink;
    struct copy_result result;
    const struct copy_object from = {url.bucket, url.key};
    local_sink_open_stdout(&sink);
    return copy_down(errand, &from, &range, &sink, &(struct copy_rules){0}, &result, err);
}

static enum program_exit run_cat(const struct program_call *call, struct hearth_err *err)
{
    return errand_run(call, &(struct errand_options){0}, cat, err);
}

static const struct program_option cat_params[] = {
    {.name = "offset",
        .value = "BYTES",
        .offset = offsetof(struct cat_options, offset),
        .help = "begin there; 4096, 64K, 1 MiB"},
    {.name = "length",
        .value = "BYTES",
        .offset = offsetof(struct cat_options, length),
        .help = "at most so many (default: to the end)"},
};

const struct program_verb hearth_verb_cat = {
    .name = "cat",
    .arguments = "s3://BUCKET/KEY",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = cat_params,
    .option_count = sizeof(cat_params) / sizeof(cat_params[0]),
    .options_size = sizeof(struct cat_options),
    .needs_config = true,
    .help = "print an object, or a part of it",
    .run = run_cat,
};
