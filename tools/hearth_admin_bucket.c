/*
 * hearth-admin bucket create, bucket list, bucket set: what an operator decides about buckets.
 */
#include "common/config.h"
#include "proto/wire_accounts.h"
#include "tools/admin.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>

struct bucket_options {
    bool json;
    const char *profile;
    const char *public_read;
    const char *quota_bytes;
    const char *quota_objects;
};

/* ---- what was decided ---- */

static enum hearth_code read_public(
    struct admin *admin, const char *text, struct wire_bucket_settings *out, struct hearth_err *err)
{
    out->public_read = strcmp(text, "on") == 0;
    return out->public_read || strcmp(text, "off") == 0
        ? HEARTH_OK
        : admin_usage(admin, err, "--public-read %s: expected on or off", text);
}

/* "none", or what the unit allows; a quota of 0 would be none, and is not meant so. */
static enum hearth_code read_quota(struct admin *admin, const char *option, const char *text,
    uint64_t *out, struct hearth_err *err)
{
    if (strcmp(text, "none") == 0) {
        *out = 0;
        return HEARTH_OK;
    }
    if (config_parse_bytes(text, out, err) != HEARTH_OK || *out == 0 || *out > INT64_MAX) {
        return admin_usage(
            admin, err, "--%s %s: expected 1 or more, like 500, 20G or 1T, or none", option, text);
    }
    return HEARTH_OK;
}

static enum hearth_code read_settings(struct admin *admin, const struct bucket_options *options,
    struct wire_bucket_settings *out, uint32_t *changes, struct hearth_err *err)
{
    *out = (struct wire_bucket_settings){.public_read = false};
    *changes = 0;
    enum hearth_code code = HEARTH_OK;
    if (options->profile != NULL) {
        out->profile = view_text(options->profile);
        *changes |= WIRE_SET_PROFILE;
    }
    if (options->public_read != NULL) {
        code = read_public(admin, options->public_read, out, err);
        *changes |= WIRE_SET_PUBLIC_READ;
    }
    if (code == HEARTH_OK && options->quota_bytes != NULL) {
        code = read_quota(admin, "quota", options->quota_bytes, &out->quota_bytes, err);
        *changes |= WIRE_SET_QUOTA_BYTES;
    }
    if (code == HEARTH_OK && options->quota_objects != NULL) {
        code = read_quota(admin, "quota-objects", options->quota_objects, &out->quota_objects, err);
        *changes |= WIRE_SET_QUOTA_OBJECTS;
    }
    return code;
}

/* ---- printing ---- */

static void print_heading(void)
{
    printf("%-32s %-16s %-10s %10s %10s %10s %10s  %s\n", "BUCKET", "TENANT", "PROFILE", "OBJECTS",
        "OF", "BYTES", "OF", "");
}

static void print_bucket(const struct wire_bucket_usage *bucket)
{
    char name[FORMAT_NAME_SIZE];
    char tenant[FORMAT_NAME_SIZE];
    char bytes[FORMAT_BYTES_SIZE];
    char quota[FORMAT_BYTES_SIZE] = "-";
    char objects[24] = "-";
    const struct wire_bucket_settings *settings = bucket->settings;
    if (settings->quota_bytes > 0) {
        format_bytes(settings->quota_bytes, quota);
    }
    if (settings->quota_objects > 0) {
        snprintf(objects, sizeof(objects), "%" PRIu64, settings->quota_objects);
    }
    printf("%-32s %-16s %-10.*s %10" PRIu64 " %10s %10s %10s  %s%s\n",
        format_name(bucket->bucket, name), format_name(bucket->tenant, tenant),
        VIEW_ARGS(settings->profile), bucket->objects, objects, format_bytes(bucket->bytes, bytes),
        quota, settings->public_read ? "public " : "", bucket->is_reserved ? "reserved" : "");
}

static void print_bucket_json(const struct wire_bucket_usage *bucket)
{
    json_t *line = json_line_object();
    json_line_bytes(line, "bucket", bucket->bucket);
    json_line_bytes(line, "tenant", bucket->tenant);
    json_line_bytes(line, "profile", bucket->settings->profile);
    json_line_flag(line, "public_read", bucket->settings->public_read);
    json_line_number(line, "quota_bytes", bucket->settings->quota_bytes);
    json_line_number(line, "quota_objects", bucket->settings->quota_objects);
    json_line_number(line, "objects", bucket->objects);
    json_line_number(line, "bytes", bucket->bytes);
    json_line_flag(line, "reserved", bucket->is_reserved);
    json_line_time(line, "created", bucket->created_unix_ms);
    json_line_print(line);
}

static void print_one(const struct program_call *call, const struct wire_bucket_usage *bucket)
{
    const struct bucket_options *options = call->options;
    if (options->json) {
        print_bucket_json(bucket);
    } else {
        print_heading();
        print_bucket(bucket);
    }
}

/* A profile is of what is written from now on. */
static void offer_recoding(const struct program_call *call, const struct wire_bucket_usage *bucket)
{
    const struct bucket_options *options = call->options;
    if (options->profile != NULL && bucket->objects > 0 && !options->json) {
        printf("what is stored already keeps its code until: hearth-admin rebalance plan --bucket "
               "%s\n",
            call->arguments[0]);
    }
}

/* ---- the verbs ---- */

static enum hearth_code create_bucket(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    struct wire_bucket_settings settings;
    uint32_t changes;
    if (read_settings(admin, call->options, &settings, &changes, err) != HEARTH_OK) {
        return err->code;
    }
    const struct wire_bucket_reserve_request request = {
        .tenant = view_text(call->arguments[0]),
        .bucket = view_text(call->arguments[1]),
        .settings = &settings,
    };
    struct wire_bucket_usage bucket;
    if (admin_ask(admin, RPC_BUCKET_RESERVE, &request, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    print_one(call, &bucket);
    return HEARTH_OK;
}

static enum hearth_code set_bucket(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    struct wire_bucket_settings settings;
    struct wire_bucket_set_request request = {
        .bucket = view_text(call->arguments[0]), .settings = &settings};
    if (read_settings(admin, call->options, &settings, &request.changes, err) != HEARTH_OK) {
        return err->code;
    }
    if (request.changes == 0) {
        return admin_usage(
            admin, err, "nothing to set: --profile, --public-read, --quota or --quota-objects");
    }
    struct wire_bucket_usage bucket;
    if (admin_ask(admin, RPC_BUCKET_SET, &request, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    print_one(call, &bucket);
    offer_recoding(call, &bucket);
    return HEARTH_OK;
}

static enum hearth_code list_buckets(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct bucket_options *options = call->options;
    struct wire_account_list_request request = {
        .tenant = view_text(call->argument_count > 0 ? call->arguments[0] : "")};
    struct wire_bucket_usages_reply page;
    do {
        if (admin_ask(admin, RPC_BUCKET_USAGES, &request, &page, err) != HEARTH_OK) {
            return err->code;
        }
        if (!options->json && request.after.size == 0) {
            print_heading();
        }
        for (size_t i = 0; i < page.buckets_count; i++) {
            (options->json ? print_bucket_json : print_bucket)(&page.buckets[i]);
            request.after = page.buckets[i].bucket;
        }
    } while (page.buckets_count == WIRE_LIST_MAX);
    return HEARTH_OK;
}

static enum program_exit run_create(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, create_bucket, err);
}

static enum program_exit run_list(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, list_buckets, err);
}

static enum program_exit run_set(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, set_bucket, err);
}

static const struct program_option params[] = {
    {.name = "profile",
        .value = "NAME",
        .offset = offsetof(struct bucket_options, profile),
        .help = "redundancy of what is stored in it from now on (new: the cluster's)"},
    {.name = "public-read",
        .value = "on|off",
        .offset = offsetof(struct bucket_options, public_read),
        .help = "anybody may get and list its objects through a gateway, without a key"},
    {.name = "quota",
        .value = "BYTES|none",
        .offset = offsetof(struct bucket_options, quota_bytes),
        .help = "bytes its objects may have together (new: none)"},
    {.name = "quota-objects",
        .value = "COUNT|none",
        .offset = offsetof(struct bucket_options, quota_objects),
        .help = "how many objects it may hold (new: none)"},
    OPTION_JSON(bucket_options),
};
enum { PARAM_COUNT = sizeof(params) / sizeof(params[0]) };

static const struct program_option list_params[] = {
    OPTION_JSON(bucket_options),
};

const struct program_verb hearth_admin_verb_bucket_create = {
    .name = "bucket create",
    .arguments = "TENANT BUCKET",
    .arguments_min = 2,
    .arguments_max = 2,
    .options = params,
    .option_count = PARAM_COUNT,
    .options_size = sizeof(struct bucket_options),
    .needs_config = true,
    .help = "a bucket for a tenant, who brings its key with the first write",
    .run = run_create,
};

const struct program_verb hearth_admin_verb_bucket_list = {
    .name = "bucket list",
    .arguments = "[TENANT]",
    .arguments_max = 1,
    .options = list_params,
    .option_count = sizeof(list_params) / sizeof(list_params[0]),
    .options_size = sizeof(struct bucket_options),
    .needs_config = true,
    .help = "the buckets of a tenant, or all, with what they hold and may hold",
    .run = run_list,
};

const struct program_verb hearth_admin_verb_bucket_set = {
    .name = "bucket set",
    .arguments = "BUCKET",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = params,
    .option_count = PARAM_COUNT,
    .options_size = sizeof(struct bucket_options),
    .needs_config = true,
    .help = "change what was decided about a bucket; what is not named stays",
    .run = run_set,
};
