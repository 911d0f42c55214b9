/*
 * hearth-admin node list, node show, node set, node lost: who stores, and who will not come back.
 */
#include "common/env.h"
#include "tools/admin.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/node_find.h"
#include "tools/node_report.h"
#include "tools/option.h"

struct list_options {
    bool json;
};

struct set_options {
    const char *uplink;
    bool json;
};

struct lost_options {
    bool found;
    bool json;
};

/* ---- list ---- */

static enum hearth_code list_nodes(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct list_options *options = call->options;
    struct wire_node_list_reply nodes;
    if (admin_ask(admin, RPC_NODE_LIST, &(struct wire_empty){0}, &nodes, err) != HEARTH_OK) {
        return err->code;
    }
    node_report_list(nodes.nodes, nodes.nodes_count, options->json);
    return HEARTH_OK;
}

static enum program_exit run_list(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, list_nodes, err);
}

static const struct program_option list_params[] = {
    OPTION_JSON(list_options),
};

const struct program_verb hearth_admin_verb_node_list = {
    .name = "node list",
    .options = list_params,
    .option_count = sizeof(list_params) / sizeof(list_params[0]),
    .options_size = sizeof(struct list_options),
    .needs_config = true,
    .help = "every node: where it is, what it holds, when it was last heard",
    .run = run_list,
};

/* ---- one node ---- */

static enum hearth_code show_node(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct list_options *options = call->options;
    const struct wire_node_info *node = NULL;
    if (node_find(admin, call->arguments[0], &node, err) != HEARTH_OK) {
        return err->code;
    }
    if (options->json) {
        node_report_json(node);
    } else {
        node_report_page(node, env_unix_ms(env_system()));
    }
    return HEARTH_OK;
}

static enum program_exit run_show(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show_node, err);
}

const struct program_verb hearth_admin_verb_node_show = {
    .name = "node show",
    .arguments = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = list_params,
    .option_count = sizeof(list_params) / sizeof(list_params[0]),
    .options_size = sizeof(struct list_options),
    .needs_config = true,
    .help = "all about one node, by its number or the beginning of its id",
    .run = run_show,
};

/* ---- set ---- */

static enum hearth_code set_node(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct set_options *options = call->options;
    const struct wire_node_info *node = NULL;
    struct wire_node_set_request request;
    if (config_parse_bits(options->uplink, &request.uplink_bits, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "--uplink");
    }
    if (node_find(admin, call->arguments[0], &node, err) != HEARTH_OK) {
        return err->code;
    }
    request.node_id = node->node_id;
    struct wire_empty reply;
    enum hearth_code code = admin_ask(admin, RPC_NODE_SET, &request, &reply, err);
    return code == HEARTH_OK ? node_find_and_list(admin, call->arguments[0], options->json, err)
                             : code;
}

static enum program_exit run_set(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, set_node, err);
}

static const struct program_option set_params[] = {
    {.name = "uplink",
        .value = "BITS",
        .required = true,
        .offset = offsetof(struct set_options, uplink),
        .help = "what its line sends, bits a second, like 40M; 0: not known"},
    OPTION_JSON(set_options),
};

const struct program_verb hearth_admin_verb_node_set = {
    .name = "node set",
    .arguments = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = set_params,
    .option_count = sizeof(set_params) / sizeof(set_params[0]),
    .options_size = sizeof(struct set_options),
    .needs_config = true,
    .help = "what an operator knows of a node and it does not say itself",
    .run = run_set,
};

/* ---- lost ---- */

static enum hearth_code declare_lost(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct lost_options *options = call->options;
    const struct wire_node_info *node = NULL;
    if (node_find(admin, call->arguments[0], &node, err) != HEARTH_OK) {
        return err->code;
    }
    const struct wire_node_lost_request request = {
        .node_id = node->node_id, .found = options->found};
    struct wire_empty reply;
    enum hearth_code code = admin_ask(admin, RPC_NODE_LOST, &request, &reply, err);
    return code == HEARTH_OK ? node_find_and_list(admin, call->arguments[0], options->json, err)
                             : code;
}

static enum program_exit run_lost(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, declare_lost, err);
}

static const struct program_option lost_params[] = {
    {.name = "found",
        .offset = offsetof(struct lost_options, found),
        .help = "the other way: it is not lost after all, what it holds counts again"},
    OPTION_JSON(lost_options),
};

const struct program_verb hearth_admin_verb_node_lost = {
    .name = "node lost",
    .arguments = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = lost_params,
    .option_count = sizeof(lost_params) / sizeof(lost_params[0]),
    .options_size = sizeof(struct lost_options),
    .needs_config = true,
    .help = "a node will not come back: rebuild now what it held",
    .run = run_lost,
};
