/*
 * hearth-admin node list, node show, node lost: who stores, and who will not come back.
 */
#include "common/env.h"
#include "tools/admin.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/node_report.h"

#include <inttypes.h>
#include <stdio.h>

struct list_options {
    bool json;
};

struct lost_options {
    bool found;
};

/* ---- list ---- */

static enum hearth_code ask_nodes(
    struct admin *admin, struct wire_node_list_reply *nodes, struct hearth_err *err)
{
    return admin_ask(admin, RPC_NODE_LIST, &(struct wire_empty){0}, nodes, err);
}

static enum hearth_code list_nodes(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct list_options *options = call->options;
    struct wire_node_list_reply nodes;
    if (ask_nodes(admin, &nodes, err) != HEARTH_OK) {
        return err->code;
    }
    if (!options->json) {
        node_report_heading();
    }
    uint64_t now_unix_ms = env_unix_ms(env_system());
    for (size_t i = 0; i < nodes.nodes_count; i++) {
        if (options->json) {
            node_report_json(&nodes.nodes[i]);
        } else {
            node_report_line(&nodes.nodes[i], now_unix_ms);
        }
    }
    return HEARTH_OK;
}

static enum program_exit run_list(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, list_nodes, err);
}

static const struct program_option list_params[] = {
    {.name = "json",
        .offset = offsetof(struct list_options, json),
        .help = "one JSON object per line"},
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

/* A node is named by its number, its id, or the beginning of its id. */
static bool is_named(const struct wire_node_info *node, const char *name)
{
    char id[NODE_REPORT_ID_SIZE];
    char number[16];
    snprintf(number, sizeof(number), "%" PRIu32, node->number);
    return strcmp(number, name) == 0 ||
        (strlen(name) >= 8 && strncmp(node_report_id(node, id), name, strlen(name)) == 0);
}

static enum hearth_code find_node(const struct wire_node_list_reply *nodes, const char *name,
    const struct wire_node_info **out, struct hearth_err *err)
{
    const struct wire_node_info *found = NULL;
    for (size_t i = 0; i < nodes->nodes_count; i++) {
        if (!is_named(&nodes->nodes[i], name)) {
            continue;
        }
        if (found != NULL) {
            return hearth_fail(err, HEARTH_INVALID, "node %s: more than one begins so", name);
        }
        found = &nodes->nodes[i];
    }
    if (found == NULL) {
        return hearth_fail(err, HEARTH_NOT_FOUND,
            "node %s: no such node (a number, or 8 or more digits of an id, as `node list` says)",
            name);
    }
    *out = found;
    return HEARTH_OK;
}

static enum hearth_code ask_node(struct admin *admin, const struct program_call *call,
    const struct wire_node_info **out, struct hearth_err *err)
{
    struct wire_node_list_reply nodes;
    return ask_nodes(admin, &nodes, err) == HEARTH_OK
        ? find_node(&nodes, call->arguments[0], out, err)
        : err->code;
}

static enum hearth_code show_node(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct list_options *options = call->options;
    const struct wire_node_info *node = NULL;
    if (ask_node(admin, call, &node, err) != HEARTH_OK) {
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

/* ---- lost ---- */

static enum hearth_code declare_lost(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct lost_options *options = call->options;
    const struct wire_node_info *node = NULL;
    if (ask_node(admin, call, &node, err) != HEARTH_OK) {
        return err->code;
    }
    const struct wire_node_lost_request request = {
        .node_id = node->node_id, .found = options->found};
    struct wire_empty reply;
    return admin_ask(admin, RPC_NODE_LOST, &request, &reply, err);
}

static enum program_exit run_lost(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, declare_lost, err);
}

static const struct program_option lost_params[] = {
    {.name = "found",
        .offset = offsetof(struct lost_options, found),
        .help = "the other way: it is not lost after all, what it holds counts again"},
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
