/*
 * hearth-admin key create, key list, key revoke: who may use a tenant's buckets over S3.
 */
#include "proto/wire_accounts.h"
#include "tools/admin.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"

#include <stdio.h>

enum { RIGHTS_READ_ONLY = 1, RIGHTS_ALL = 7, TOKEN_SIZE = 16 };

struct key_options {
    bool json;
    bool read_only;
};

/* Two lines that a shell can read, and s3.env can be. */
static void print_new_key(const struct wire_key_create_reply *key, bool json)
{
    if (json) {
        json_t *line = json_line_object();
        json_line_bytes(line, "access_key", key->access_key);
        json_line_bytes(line, "secret", key->secret);
        json_line_print(line);
        return;
    }
    printf("AWS_ACCESS_KEY_ID=%.*s\nAWS_SECRET_ACCESS_KEY=%.*s\n", VIEW_ARGS(key->access_key),
        VIEW_ARGS(key->secret));
}

static enum hearth_code create_key(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct key_options *options = call->options;
    uint8_t token[TOKEN_SIZE];
    env_random(env_system(), token, sizeof(token));
    const struct wire_key_create_request request = {
        .tenant = view_text(call->arguments[0]),
        .rights = options->read_only ? RIGHTS_READ_ONLY : RIGHTS_ALL,
        .token = view_of(token, sizeof(token)),
    };
    struct wire_key_create_reply key;
    enum hearth_code code = admin_ask(admin, RPC_KEY_CREATE, &request, &key, err);
    if (code == HEARTH_UNKNOWN) { /* made or not, only the answer is lost: the token gets it */
        code = admin_ask(admin, RPC_KEY_CREATE, &request, &key, err);
    }
    if (code == HEARTH_OK) {
        print_new_key(&key, options->json);
    }
    return code;
}

static const char *rights_text(uint64_t rights)
{
    return rights == RIGHTS_ALL ? "all" : rights == RIGHTS_READ_ONLY ? "read" : "some";
}

static void print_key_json(const struct wire_key_info *key)
{
    json_t *line = json_line_object();
    json_line_bytes(line, "access_key", key->access_key);
    json_line_bytes(line, "tenant", key->tenant);
    json_line_text(line, "rights", rights_text(key->rights));
    json_line_time(line, "created", key->created_unix_ms);
    json_line_print(line);
}

static void print_key(const struct wire_key_info *key)
{
    char tenant[FORMAT_NAME_SIZE];
    char created[FORMAT_TIME_SIZE];
    printf("%-22.*s %-24s %-7s %s\n", VIEW_ARGS(key->access_key), format_name(key->tenant, tenant),
        rights_text(key->rights), format_time(key->created_unix_ms, created));
}

/* `begins`: they are the first. */
static void print_keys(const struct wire_key_info *keys, size_t count, bool begins, bool json)
{
    if (begins && !json) {
        printf("%-22s %-24s %-7s %s\n", "ACCESS KEY", "TENANT", "RIGHTS", "CREATED");
    }
    for (size_t i = 0; i < count; i++) {
        (json ? print_key_json : print_key)(&keys[i]);
    }
}

static enum hearth_code list_keys(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct key_options *options = call->options;
    struct wire_account_list_request request = {
        .tenant = view_text(call->argument_count > 0 ? call->arguments[0] : "")};
    struct wire_key_list_reply page;
    do {
        if (admin_ask(admin, RPC_KEY_LIST, &request, &page, err) != HEARTH_OK) {
            return err->code;
        }
        print_keys(page.keys, page.keys_count, request.after.size == 0, options->json);
        if (page.keys_count > 0) {
            request.after = page.keys[page.keys_count - 1].access_key;
        }
    } while (page.keys_count == WIRE_LIST_MAX);
    return HEARTH_OK;
}

static enum hearth_code revoke_key(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct wire_key_revoke_request request = {.access_key = view_text(call->arguments[0])};
    const struct key_options *options = call->options;
    struct wire_empty nothing;
    if (admin_ask(admin, RPC_KEY_REVOKE, &request, &nothing, err) != HEARTH_OK) {
        return err->code;
    }
    if (options->json) {
        json_t *line = json_line_object();
        json_line_text(line, "access_key", call->arguments[0]);
        json_line_flag(line, "revoked", true);
        json_line_print(line);
    } else {
        printf("%s is revoked; gateways refuse it within a minute\n", call->arguments[0]);
    }
    return HEARTH_OK;
}

/* ---- the verbs ---- */

static enum program_exit run_key_create(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, create_key, err);
}

static enum program_exit run_key_list(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, list_keys, err);
}

static enum program_exit run_key_revoke(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, revoke_key, err);
}

static const struct program_option params[] = {
    OPTION_JSON(key_options),
};
enum { PARAM_COUNT = sizeof(params) / sizeof(params[0]) };

static const struct program_option create_params[] = {
    {.name = "read-only",
        .offset = offsetof(struct key_options, read_only),
        .help = "the key may list and get, and change nothing"},
    OPTION_JSON(key_options),
};

const struct program_verb hearth_admin_verb_key_create = {
    .name = "key create",
    .arguments = "TENANT",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = create_params,
    .option_count = sizeof(create_params) / sizeof(create_params[0]),
    .options_size = sizeof(struct key_options),
    .needs_config = true,
    .help = "an S3 access key of a tenant; its secret is printed now and never again",
    .run = run_key_create,
};

const struct program_verb hearth_admin_verb_key_list = {
    .name = "key list",
    .arguments = "[TENANT]",
    .arguments_max = 1,
    .options = params,
    .option_count = PARAM_COUNT,
    .options_size = sizeof(struct key_options),
    .needs_config = true,
    .help = "the access keys of a tenant, or all",
    .run = run_key_list,
};

const struct program_verb hearth_admin_verb_key_revoke = {
    .name = "key revoke",
    .arguments = "KEY",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = params,
    .option_count = PARAM_COUNT,
    .options_size = sizeof(struct key_options),
    .needs_config = true,
    .help = "end an access key: gateways refuse it within a minute",
    .run = run_key_revoke,
};
