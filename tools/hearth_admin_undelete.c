/*
 * hearth-admin undelete: a version that was deleted or replaced becomes visible again; --list shows
 * those that can.
 */
#include "common/codec.h"
#include "common/env.h"
#include "proto/wire_garbage.h"
#include "tools/admin.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"
#include "tools/s3_url.h"

#include <inttypes.h>
#include <stdio.h>

enum { VERSION_SIZE = 16 };

struct undelete_options {
    const char *version;
    bool replace;
    bool list;
    bool json;
};

/* ---- printing ---- */

static void print_json(const struct s3_url *url, const struct wire_deleted_entry *entry)
{
    char version[2 * VERSION_SIZE + 1];
    hex_encode(entry->version.bytes, VERSION_SIZE, version);
    json_t *line = json_line_object();
    json_line_text(line, "bucket", url->bucket);
    json_line_bytes(line, "key", entry->key);
    json_line_text(line, "version_id", version);
    json_line_number(line, "bytes", entry->size);
    json_line_time(line, "created", entry->created_unix_ms);
    if (entry->deleted_unix_ms > 0) {
        json_line_time(line, "deleted", entry->deleted_unix_ms);
        json_line_time(line, "until", entry->until_unix_ms);
    }
    json_line_print(line);
}

static void print_entry(const struct s3_url *url, const struct wire_deleted_entry *entry)
{
    char key[FORMAT_NAME_SIZE];
    char bytes[FORMAT_BYTES_SIZE];
    char deleted[FORMAT_TIME_SIZE];
    char left[FORMAT_DURATION_SIZE];
    char version[2 * VERSION_SIZE + 1];
    uint64_t now = env_unix_ms(env_system());
    hex_encode(entry->version.bytes, VERSION_SIZE, version);
    printf("%s  %10s  %16s left  %s  s3://%s/%s\n", format_time(entry->deleted_unix_ms, deleted),
        format_bytes(entry->size, bytes),
        format_duration(entry->until_unix_ms > now ? entry->until_unix_ms - now : 0, left), version,
        url->bucket, format_name(entry->key, key));
}

/* ---- the list ---- */

static enum hearth_code list(struct admin *admin, const struct undelete_options *options,
    const struct s3_url *url, struct hearth_err *err)
{
    struct wire_deleted_list_request request = {
        .bucket = view_text(url->bucket), .prefix = url->key};
    struct wire_deleted_list_reply page;
    do {
        if (admin_ask(admin, RPC_DELETED_LIST, &request, &page, err) != HEARTH_OK) {
            return err->code;
        }
        for (size_t i = 0; i < page.entries_count; i++) {
            (options->json ? print_json : print_entry)(url, &page.entries[i]);
            request.after_key = page.entries[i].key;
            request.after_version = page.entries[i].version;
        }
    } while (page.entries_count == WIRE_LIST_MAX);
    return HEARTH_OK;
}

/* ---- one back ---- */

static enum hearth_code bring_back(struct admin *admin, const struct undelete_options *options,
    const struct s3_url *url, struct hearth_err *err)
{
    uint8_t version[VERSION_SIZE];
    struct wire_deleted_entry entry;
    struct wire_undelete_request request = {
        .bucket = view_text(url->bucket), .key = url->key, .replaces = options->replace};
    if (options->version != NULL) {
        if (!hex_decode(view_text(options->version), version, sizeof(version))) {
            return admin_usage(admin, err,
                "--version-id %s: expected 32 hex digits, as --list shows", options->version);
        }
        request.version = view_of(version, sizeof(version));
    }
    if (admin_ask(admin, RPC_UNDELETE, &request, &entry, err) != HEARTH_OK) {
        return err->code;
    }
    if (options->json) {
        print_json(url, &entry);
    } else {
        char bytes[FORMAT_BYTES_SIZE];
        printf("s3://%s/%.*s is back, %s\n", url->bucket, VIEW_ARGS(url->key),
            format_bytes(entry.size, bytes));
    }
    return HEARTH_OK;
}

static enum hearth_code undelete(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct undelete_options *options = call->options;
    const char *text = call->arguments[0];
    struct s3_url url;
    enum hearth_code code =
        options->list ? s3_url_parse(text, &url, err) : s3_url_parse_object(text, &url, err);
    if (code != HEARTH_OK) {
        return admin_usage(admin, err, "expected s3://BUCKET/KEY");
    }
    return options->list ? list(admin, options, &url, err) : bring_back(admin, options, &url, err);
}

static enum program_exit run_undelete(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, undelete, err);
}

static const struct program_option undelete_params[] = {
    {.name = "list",
        .offset = offsetof(struct undelete_options, list),
        .help = "what can be brought back of this key, or of all that begin with it"},
    {.name = "version-id",
        .value = "ID",
        .offset = offsetof(struct undelete_options, version),
        .help = "this one, as --list shows; else the newest"},
    {.name = "replace",
        .offset = offsetof(struct undelete_options, replace),
        .help = "also when the key has an object now, which is then kept in turn"},
    OPTION_JSON(undelete_options),
};

const struct program_verb hearth_admin_verb_undelete = {
    .name = "undelete",
    .arguments = "s3://BUCKET/KEY",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = undelete_params,
    .option_count = sizeof(undelete_params) / sizeof(undelete_params[0]),
    .options_size = sizeof(struct undelete_options),
    .needs_config = true,
    .help = "bring back an object that was deleted or replaced within the last 7 days",
    .run = run_undelete,
};
