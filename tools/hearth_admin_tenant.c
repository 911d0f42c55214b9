/*
 * hearth-admin tenant create, tenant list: whose the buckets and access keys are.
 */
#include "proto/wire_accounts.h"
#include "tools/admin.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>

struct tenant_options {
    bool json;
};

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
    const struct tenant_options *options = call->options;
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
    const struct tenant_options *options = call->options;
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

/* ---- the verbs ---- */

static enum program_exit run_tenant_create(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, create_tenant, err);
}

static enum program_exit run_tenant_list(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, list_tenants, err);
}

static const struct program_option params[] = {
    OPTION_JSON(tenant_options),
};
enum { PARAM_COUNT = sizeof(params) / sizeof(params[0]) };

const struct program_verb hearth_admin_verb_tenant_create = {
    .name = "tenant create",
    .arguments = "TENANT",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = params,
    .option_count = PARAM_COUNT,
    .options_size = sizeof(struct tenant_options),
    .needs_config = true,
    .help = "a customer's account: buckets and access keys belong to one",
    .run = run_tenant_create,
};

const struct program_verb hearth_admin_verb_tenant_list = {
    .name = "tenant list",
    .options = params,
    .option_count = PARAM_COUNT,
    .options_size = sizeof(struct tenant_options),
    .needs_config = true,
    .help = "every tenant, and what it stores",
    .run = run_tenant_list,
};
