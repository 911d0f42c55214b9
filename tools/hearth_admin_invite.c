/*
 * hearth-admin node invite, tenant invite: a word to hand over, with which a machine can join.
 */
#include "tools/admin_option.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"

#include <stdio.h>
#include <unistd.h>

struct invite_options {
    const char *owner;
    const char *network;
    const char *place;
    const char *uplink;
    const char *valid;
    bool gateway;
    bool json;
};

enum { VALID_DEFAULT_MS = 24 * 60 * 60 * 1000 };

static void print_invite(
    const struct invite_options *options, const struct wire_invite_reply *reply)
{
    char text[FORMAT_TIME_SIZE];
    if (options->json) {
        json_t *line = json_line_object();
        json_line_bytes(line, "invite", reply->invite);
        json_line_time(line, "expires", reply->expires_unix_ms);
        json_line_print(line);
        return;
    }
    printf("%.*s\n", VIEW_ARGS(reply->invite)); /* alone on its line: scripts take it as it is */
    if (isatty(STDOUT_FILENO)) {
        printf("Good once, until %s. Who has it can join: hand it over like a key.\n",
            format_time(reply->expires_unix_ms, text));
    }
}

static struct view text_or_empty(const char *text)
{
    return view_text(text == NULL ? "" : text);
}

static enum hearth_code invite(struct admin *admin, const struct invite_options *options,
    struct wire_invite_request *request, struct hearth_err *err)
{
    uint64_t valid_ms = VALID_DEFAULT_MS;
    if (admin_option_duration(admin, "valid", options->valid, &valid_ms, err) != HEARTH_OK) {
        return err->code;
    }
    if (valid_ms < 1000 || valid_ms / 1000 > UINT32_MAX) {
        return admin_usage(admin, err, "--valid %s: expected 1s to 49710d", options->valid);
    }
    request->valid_s = (uint32_t)(valid_ms / 1000);
    struct wire_invite_reply reply;
    if (admin_ask(admin, RPC_INVITE, request, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    print_invite(options, &reply);
    return HEARTH_OK;
}

static enum hearth_code invite_node(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct invite_options *options = call->options;
    struct wire_invite_request request = {
        .kind = view_text("node"),
        .owner = text_or_empty(options->owner),
        .network = text_or_empty(options->network),
        .place = text_or_empty(options->place),
    };
    if (options->uplink != NULL &&
        config_parse_bits(options->uplink, &request.uplink_bits, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "--uplink");
    }
    return invite(admin, options, &request, err);
}

static enum hearth_code invite_tenant(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct invite_options *options = call->options;
    struct wire_invite_request request = {
        .kind = view_text(options->gateway ? "gateway" : "client"),
        .tenant = view_text(call->arguments[0]),
    };
    return invite(admin, options, &request, err);
}

static enum program_exit run_invite_node(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, invite_node, err);
}

static enum program_exit run_invite_tenant(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, invite_tenant, err);
}

static const struct program_option node_params[] = {
    {.name = "owner",
        .value = "NAME",
        .required = true,
        .offset = offsetof(struct invite_options, owner),
        .help = "whose node it is: shards of a segment never share an owner"},
    {.name = "network",
        .value = "NAME",
        .offset = offsetof(struct invite_options, network),
        .help = "its failure domain (default: the address prefix it is seen in)"},
    {.name = "place",
        .value = "NAME",
        .offset = offsetof(struct invite_options, place),
        .help = "where it is, for placement rules"},
    {.name = "uplink",
        .value = "BITS",
        .offset = offsetof(struct invite_options, uplink),
        .help =
            "what its line sends, bits a second, like 40M: for its share and how long moves take"},
    {.name = "valid",
        .value = "DURATION",
        .offset = offsetof(struct invite_options, valid),
        .help = "for how long the invite is good (default 1d)"},
    OPTION_JSON(invite_options),
};

static const struct program_option tenant_params[] = {
    {.name = "gateway",
        .offset = offsetof(struct invite_options, gateway),
        .help = "for a gateway that is to serve the tenant, instead of its own machine"},
    {.name = "valid",
        .value = "DURATION",
        .offset = offsetof(struct invite_options, valid),
        .help = "for how long the invite is good (default 1d)"},
    OPTION_JSON(invite_options),
};

const struct program_verb hearth_admin_verb_node_invite = {
    .name = "node invite",
    .options = node_params,
    .option_count = sizeof(node_params) / sizeof(node_params[0]),
    .options_size = sizeof(struct invite_options),
    .needs_config = true,
    .help = "a word with which one node can join",
    .run = run_invite_node,
};

const struct program_verb hearth_admin_verb_tenant_invite = {
    .name = "tenant invite",
    .arguments = "TENANT",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = tenant_params,
    .option_count = sizeof(tenant_params) / sizeof(tenant_params[0]),
    .options_size = sizeof(struct invite_options),
    .needs_config = true,
    .help = "a word with which one customer's machine can join; makes the tenant if there is none",
    .run = run_invite_tenant,
};
