/*
 * hearth presign: an address with which anybody can get, or put, one object for a while.
 *
 * Access key and secret come from the environment, as for every S3 client; never from the command
 * line, where others would read them.
 */
#include "common/env.h"
#include "tools/hearth_verbs.h"
#include "tools/presign.h"
#include "tools/s3_url.h"

#include <stdio.h>
#include <stdlib.h>

struct presign_options {
    const char *expires;
    const char *method;
    const char *endpoint;
    const char *region;
};

static enum hearth_code from_environment(
    const char *name, const char *given, const char **out, struct hearth_err *err)
{
    *out = given != NULL ? given : getenv(name);
    return *out != NULL && **out != '\0'
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "%s is not set in the environment", name);
}

static enum hearth_code read_expires(const char *text, uint64_t *out_s, struct hearth_err *err)
{
    uint64_t ms = 60 * 60 * 1000;
    if (text != NULL && config_parse_duration(text, &ms, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "--expires");
    }
    *out_s = ms / 1000;
    return HEARTH_OK;
}

static enum hearth_code print_url(const struct program_call *call, struct hearth_err *err)
{
    const struct presign_options *options = call->options;
    struct s3_url url;
    struct presign presign = {
        .method = options->method != NULL ? options->method : "GET",
        .region = options->region != NULL ? options->region : getenv("AWS_REGION"),
        .now_unix_ms = env_unix_ms(env_system()),
    };
    char text[PRESIGN_URL_SIZE];
    if (s3_url_parse_object(call->arguments[0], &url, err) != HEARTH_OK ||
        from_environment("AWS_ENDPOINT_URL", options->endpoint, &presign.endpoint, err) !=
            HEARTH_OK ||
        from_environment("AWS_ACCESS_KEY_ID", NULL, &presign.access_key, err) != HEARTH_OK ||
        from_environment("AWS_SECRET_ACCESS_KEY", NULL, &presign.secret, err) != HEARTH_OK ||
        read_expires(options->expires, &presign.expires_s, err) != HEARTH_OK) {
        return err->code;
    }
    presign.bucket = url.bucket;
    presign.key = url.key;
    presign.region = presign.region != NULL ? presign.region : "us-east-1";
    enum hearth_code code = presign_url(&presign, text, err);
    if (code == HEARTH_OK) {
        printf("%s\n", text);
    }
    return code;
}

static enum program_exit run_presign(const struct program_call *call, struct hearth_err *err)
{
    enum hearth_code code = print_url(call, err);
    if (code != HEARTH_OK) {
        hearth_err_prefix(err, "presign %s", call->arguments[0]);
    }
    return program_result(code);
}

static const struct program_option presign_params[] = {
    {.name = "expires",
        .value = "DURATION",
        .offset = offsetof(struct presign_options, expires),
        .help = "for how long it is good, 1s to 7d (default 1h)"},
    {.name = "method",
        .value = "METHOD",
        .offset = offsetof(struct presign_options, method),
        .help = "what it is for: GET, PUT, HEAD, DELETE (default GET)"},
    {.name = "endpoint-url",
        .value = "URL",
        .offset = offsetof(struct presign_options, endpoint),
        .help = "the gateway (default: AWS_ENDPOINT_URL)"},
    {.name = "region",
        .value = "NAME",
        .offset = offsetof(struct presign_options, region),
        .help =
            "S3's signing region (default: AWS_REGION, or us-east-1, which every gateway takes)"},
};

const struct program_verb hearth_verb_presign = {
    .name = "presign",
    .arguments = "s3://BUCKET/KEY",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = presign_params,
    .option_count = sizeof(presign_params) / sizeof(presign_params[0]),
    .options_size = sizeof(struct presign_options),
    .help = "an address with which anybody can get, or put, one object for a while",
    .notes = "Signs with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment, as S3\n"
             "clients do; hearth-admin key create prints both.  Nobody is asked.",
    .run = run_presign,
};
