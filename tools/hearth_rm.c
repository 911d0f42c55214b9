/*
 * hearth rm: one object, or with -r everything beneath a prefix.
 */
#include "tools/hearth_verbs.h"
#include "tools/listing.h"
#include "tools/s3_url.h"

struct rm_options {
    bool recursive;
};

static enum hearth_code remove_one(
    const struct errand *errand, const struct s3_url *url, struct hearth_err *err)
{
    bool existed;
    if (s3_key_check(url->key, err) != HEARTH_OK ||
        hearth_delete(errand_hearth(errand), url->bucket, url->key, NULL, &existed, err) !=
            HEARTH_OK) {
        return err->code;
    }
    return existed ? HEARTH_OK : hearth_fail(err, HEARTH_NOT_FOUND, "no such object");
}

struct rm {
    const struct errand *errand;
    const char *bucket;
    uint64_t removed;
};

static enum hearth_code on_object(
    void *context, const struct hearth_object *object, struct hearth_err *err)
{
    struct rm *rm = context;
    if (errand_check(rm->errand, err) != HEARTH_OK) {
        return err->code;
    }
    rm->removed++;
    return hearth_delete(errand_hearth(rm->errand), rm->bucket, object->key, NULL, NULL, err);
}

static enum hearth_code remove_all(
    const struct errand *errand, const struct s3_url *url, struct hearth_err *err)
{
    struct s3_prefix prefix;
    if (s3_prefix_init(&prefix, url->key, err) != HEARTH_OK) {
        return err->code;
    }
    struct rm rm = {.errand = errand, .bucket = url->bucket};
    struct listing listing = {
        .bucket = url->bucket,
        .prefix = s3_prefix_view(&prefix),
        .on_object = on_object,
        .context = &rm,
    };
    if (listing_walk(errand, &listing, err) != HEARTH_OK) {
        return err->code;
    }
    if (rm.removed == 0 && url->key.size > 0) {
        return hearth_fail(
            err, HEARTH_NOT_FOUND, "no key begins with %.*s", VIEW_ARGS(listing.prefix));
    }
    return HEARTH_OK;
}

static enum hearth_code rm(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    const struct rm_options *options = call->options;
    struct s3_url url;
    if (s3_url_parse(call->arguments[0], &url, err) != HEARTH_OK) {
        return err->code;
    }
    return options->recursive ? remove_all(errand, &url, err) : remove_one(errand, &url, err);
}

static enum program_exit run_rm(const struct program_call *call, struct hearth_err *err)
{
    return errand_run(call, &(struct errand_options){0}, rm, err);
}

static const struct program_option rm_params[] = {
    {.name = "recursive",
        .letter = 'r',
        .offset = offsetof(struct rm_options, recursive),
        .help = "every object beneath s3://BUCKET/PREFIX/"},
};

const struct program_verb hearth_verb_rm = {
    .name = "rm",
    .arguments = "s3://BUCKET/KEY",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = rm_params,
    .option_count = sizeof(rm_params) / sizeof(rm_params[0]),
    .options_size = sizeof(struct rm_options),
    .needs_config = true,
    .help = "delete an object",
    .run = run_rm,
};
