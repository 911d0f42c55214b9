/*
 * hearth mb, hearth rb: make and remove a bucket.
 */
#include "tools/errand.h"
#include "tools/hearth_verbs.h"
#include "tools/s3_url.h"

struct mb_options {
    const char *profile;
};

static enum hearth_code make_bucket(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    const struct mb_options *options = call->options;
    struct s3_url url;
    if (s3_url_parse_bucket(call->arguments[0], &url, err) != HEARTH_OK) {
        return err->code;
    }
    return hearth_bucket_create(errand_hearth(errand), url.bucket, options->profile, err);
}

static enum hearth_code remove_bucket(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    struct s3_url url;
    if (s3_url_parse_bucket(call->arguments[0], &url, err) != HEARTH_OK) {
        return err->code;
    }
    return hearth_bucket_delete(errand_hearth(errand), url.bucket, err);
}

static enum program_exit run_mb(const struct program_call *call, struct hearth_err *err)
{
    return errand_run(call, &(struct errand_options){0}, make_bucket, err);
}

static enum program_exit run_rb(const struct program_call *call, struct hearth_err *err)
{
    return errand_run(call, &(struct errand_options){0}, remove_bucket, err);
}

static const struct program_option mb_params[] = {
    {.name = "profile",
        .value = "NAME",
        .offset = offsetof(struct mb_options, profile),
        .help = "redundancy of what is stored in it (default: the cluster's)"},
};

const struct program_verb hearth_verb_mb = {
    .name = "mb",
    .arguments = "s3://BUCKET",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = mb_params,
    .option_count = sizeof(mb_params) / sizeof(mb_params[0]),
    .options_size = sizeof(struct mb_options),
    .needs_config = true,
    .help = "make a bucket",
    .run = run_mb,
};

const struct program_verb hearth_verb_rb = {
    .name = "rb",
    .arguments = "s3://BUCKET",
    .arguments_min = 1,
    .arguments_max = 1,
    .needs_config = true,
    .help = "remove an empty bucket",
    .run = run_rb,
};
