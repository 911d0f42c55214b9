/*
 * hearth-admin tenant create, tenant list; key create, key list, key revoke: whose the buckets are,
 * and who may use them over S3.
 */
#include "proto/wire_accounts.h"
#include "tools/admin.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>

enum { RIGHTS_READ_ONLY = 1, RIGHTS_ALL = 7, TOKEN_SIZE = 16 };

struct account_options {
    bool json;
    bool read_only;
};

/* ---- tenants ---- */

static void print_tenant_json(const struct wire_tenant_info *tenant)
{
    json_t *line = json_line_object();
    json_line_bytes(line, "tenant", tenant->name);
    json_line_time(line, "created", tenant->created_unix_ms);
    json_line_number(line, "buckets", tenant->buckets);
    json_line_number(line, "access_keys", tenant->access_keys);
    json_line_number(line, "objects", tenant->objects);
    json_line_number(line, "bytes", tenant->bytes);
    json_line_print(line);
}

static void print_tenant(const struct wire_tenant_info *tenant)
{
    char name[FORMAT_NAME_SIZE];
    char bytes[FORMAT_BYTES_SIZE];
    char created[FORMAT_TIME_SIZE];
    printf("%-24s %8" PRIu64 " %5" PRIu64 " %10" PRIu64 " %10s  %s\n",
        format_name(tenant->name, name), tenant->buckets, tenant->access_keys, tenant->objects,
        format_bytes(tenant->bytes, bytes), format_time(tenant->created_unix_ms, created));
}

/* `begins`: they are the first. */
static void print_tenants(
    const struct wire_tenant_info *tenants, size_t count, bool begins, bool json)
{
    if (begins && !json) {
        printf("%-24s %8s %5s %10s %10s  %s\n", "TENANT", "BUCKETS", "KEYS", "OBJECTS", "BYTES",
            "CREATED");
    }
    for (size_t i = 0; i < count; i++) {
        (json ? print_tenant_json : print_tenant)(&tenants[i]);
    }
}

static enum hearth_code create_tenant(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct account_options *options = call->options;
    const struct wire_tenant_request request = {.tenant = view_text(call->arguments[0])};
    struct wire_tenant_info tenant;
    enum hearth_code code = admin_ask(admin, RPC_TENANT_CREATE, &request, &tenant, err);
    if (code == HEARTH_OK) {
        print_tenants(&tenant, 1, true, options->json);
    }
    return code;
}

static enum hearth_code list_tenants(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct account_options *options = call->options;
    struct wire_account_list_request request = {.tenant = {0}};
    struct wire_tenant_list_reply page;
    do {
        if (admin_ask(admin, RPC_TENANT_LIST, &request, &page, err) != HEARTH_OK) {
            return err->code;
        }
        print_tenants(page.tenants, page.tenants_count, request.after.size == 0, options->json);
        if (page.tenants_count > 0) {
            request.after = page.tenants[page.tenants_count - 1].name;
        }
    } while (page.tenants_count == WIRE_LIST_MAX);
    return HEARTH_OK;
}

/* ---- access keys ---- */

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
    const struct account_options *options = call->options;
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
    const struct account_options *options = call->options;
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
    const struct account_options *options = call->options;
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

static enum program_exit run_tenant_create(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, create_tenant, err);
}

static enum program_exit run_tenant_list(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, list_tenants, err);
}

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
    OPTION_JSON(account_options),
    {.name = "read-only",
        .offset = offsetof(struct account_options, read_only),
        .help = "the key may list and get, and change nothing"},
};
enum { PARAMS_OF_LISTS = 1, PARAMS_OF_KEYS = 2 };

const struct program_verb hearth_admin_verb_tenant_create = {
    .name = "tenant create",
    .arguments = "TENANT",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = params,
    .option_count = PARAMS_OF_LISTS,
    .options_size = sizeof(struct account_options),
    .needs_config = true,
    .help = "a customer's account: buckets and access keys belong to one",
    .run = run_tenant_create,
};

const struct program_verb hearth_admin_verb_tenant_list = {
    .name = "tenant list",
    .options = params,
    .option_count = PARAMS_OF_LISTS,
    .options_size = sizeof(struct account_options),
    .needs_config = true,
    .help = "every tenant, and what it stores",
    .run = run_tenant_list,
};

const struct program_verb hearth_admin_verb_key_create = {
    .name = "key create",
    .arguments = "TENANT",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = params,
    .option_count = PARAMS_OF_KEYS,
    .options_size = sizeof(struct account_options),
    .needs_config = true,
    .help = "an S3 access key of a tenant; its secret is printed now and never again",
    .run = run_key_create,
};

const struct program_verb hearth_admin_verb_key_list = {
    .name = "key list",
    .arguments = "[TENANT]",
    .arguments_max = 1,
    .options = params,
    .option_count = PARAMS_OF_LISTS,
    .options_size = sizeof(struct account_options),
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
    .option_count = PARAMS_OF_LISTS,
    .options_size = sizeof(struct account_options),
    .needs_config = true,
    .help = "end an access key: gateways refuse it within a minute",
    .run = run_key_revoke,
};
