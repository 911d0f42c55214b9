/*
 * hearth-admin node list, node show, node lost: who stores, and who will not come back.
 */
#include "common/codec.h"
#include "tools/admin.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"

#include <inttypes.h>
#include <stdio.h>

enum { NODE_ID_SIZE = 20, NODE_ID_TEXT_SIZE = 2 * NODE_ID_SIZE + 1, ADDRESS_TEXT_SIZE = 300 };

struct list_options {
    bool json;
};

static char *id_text(const struct wire_node_info *node, char text[NODE_ID_TEXT_SIZE])
{
    hex_encode(node->node_id.bytes, node->node_id.size, text);
    return text;
}

static char *address_text(const struct wire_endpoint *endpoint, char text[ADDRESS_TEXT_SIZE])
{
    bool is_v6 = memchr(endpoint->host.bytes, ':', endpoint->host.size) != NULL;
    snprintf(text, ADDRESS_TEXT_SIZE, "%s%.*s%s:%" PRIu32, is_v6 ? "[" : "",
        VIEW_ARGS(endpoint->host), is_v6 ? "]" : "", endpoint->port);
    return text;
}

/* ---- list ---- */

static void print_node(const struct wire_node_info *node, uint64_t now_unix_ms)
{
    char id[NODE_ID_TEXT_SIZE];
    char owner[FORMAT_NAME_SIZE];
    char network[FORMAT_NAME_SIZE];
    char address[ADDRESS_TEXT_SIZE] = "-";
    char used[FORMAT_BYTES_SIZE];
    char capacity[FORMAT_BYTES_SIZE];
    char seen[FORMAT_DURATION_SIZE] = "never";
    if (node->endpoints_count > 0) {
        address_text(&node->endpoints[0], address);
    }
    if (node->last_seen_unix_ms > 0) {
        uint64_t ago =
            now_unix_ms > node->last_seen_unix_ms ? now_unix_ms - node->last_seen_unix_ms : 0;
        format_duration(ago, seen);
    }
    printf("%-6" PRIu32 " %-8.*s %-12.8s %-12.12s %-16.16s %-21s %9s %9s %8" PRIu64
           " %12s %7" PRIu64 " %9" PRIu64 "%s\n",
        node->number, VIEW_ARGS(node->state), id_text(node, id), format_name(node->owner, owner),
        format_name(node->network, network), address, format_bytes(node->used, used),
        format_bytes(node->capacity, capacity), node->shards, seen, node->reports,
        node->repair_reports, node->read_only ? "  read-only" : "");
}

static void print_heading(void)
{
    printf("%-6s %-8s %-12s %-12s %-16s %-21s %9s %9s %8s %12s %7s %9s\n", "NUMBER", "STATE", "ID",
        "OWNER", "NETWORK", "ADDRESS", "USED", "OF", "SHARDS", "SEEN BEFORE", "REPORTS",
        "BY REPAIR");
}

static void print_node_json(const struct wire_node_info *node)
{
    char id[NODE_ID_TEXT_SIZE];
    char address[ADDRESS_TEXT_SIZE];
    json_t *line = json_line_object();
    json_line_number(line, "number", node->number);
    json_line_text(line, "id", id_text(node, id));
    json_line_bytes(line, "state", node->state);
    json_line_bytes(line, "owner", node->owner);
    json_line_bytes(line, "network", node->network);
    json_line_bytes(line, "place", node->place);
    json_t *addresses = json_line_array();
    for (size_t i = 0; i < node->endpoints_count; i++) {
        json_line_append(addresses, json_string(address_text(&node->endpoints[i], address)));
    }
    json_line_set(line, "addresses", addresses);
    json_line_time(line, "last_seen", node->last_seen_unix_ms);
    json_line_number(line, "last_seen_unix_ms", node->last_seen_unix_ms);
    json_line_number(line, "capacity", node->capacity);
    json_line_number(line, "used", node->used);
    json_line_number(line, "trash", node->trash);
    json_line_number(line, "free", node->free);
    json_line_number(line, "shards", node->shards);
    json_line_number(line, "reports", node->reports);
    json_line_number(line, "repair_reports", node->repair_reports);
    json_line_flag(line, "read_only", node->read_only);
    json_line_bytes(line, "software", node->software);
    json_line_print(line);
}

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
        print_heading();
    }
    uint64_t now_unix_ms = env_unix_ms(env_system());
    for (size_t i = 0; i < nodes.nodes_count; i++) {
        if (options->json) {
            print_node_json(&nodes.nodes[i]);
        } else {
            print_node(&nodes.nodes[i], now_unix_ms);
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
    char id[NODE_ID_TEXT_SIZE];
    char number[16];
    snprintf(number, sizeof(number), "%" PRIu32, node->number);
    return strcmp(number, name) == 0 ||
        (strlen(name) >= 8 && strncmp(id_text(node, id), name, strlen(name)) == 0);
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
        print_node_json(node);
    } else {
        print_heading();
        print_node(node, env_unix_ms(env_system()));
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
    .help = "one node, by its number or the beginning of its id, as `node list` shows it",
    .run = run_show,
};

/* ---- lost ---- */

static enum hearth_code declare_lost(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct wire_node_info *node = NULL;
    if (ask_node(admin, call, &node, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_node_lost_request request = {.node_id = node->node_id};
    struct wire_empty reply;
    return admin_ask(admin, RPC_NODE_LOST, &request, &reply, err);
}

static enum program_exit run_lost(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, declare_lost, err);
}

const struct program_verb hearth_admin_verb_node_lost = {
    .name = "node lost",
    .arguments = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .needs_config = true,
    .help = "a node will not come back: rebuild now what it held",
    .run = run_lost,
};
