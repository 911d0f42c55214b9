#include "tools/node_find.h"

#include "tools/node_report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MIN = 8, NUMBER_SIZE = 16 };

static bool is_named(const struct wire_node_info *node, const char *name)
{
    char id[NODE_REPORT_ID_SIZE];
    char number[NUMBER_SIZE];
    snprintf(number, sizeof(number), "%" PRIu32, node->number);
    return strcmp(number, name) == 0 ||
        (strlen(name) >= DIGITS_MIN && strncmp(node_report_id(node, id), name, strlen(name)) == 0);
}

enum hearth_code node_find_in(const struct wire_node_list_reply *nodes, const char *name,
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

enum hearth_code node_find(struct admin *admin, const char *name, const struct wire_node_info **out,
    struct hearth_err *err)
{
    struct wire_node_list_reply nodes;
    enum hearth_code code = admin_ask(admin, RPC_NODE_LIST, &(struct wire_empty){0}, &nodes, err);
    return code == HEARTH_OK ? node_find_in(&nodes, name, out, err) : code;
}

enum hearth_code node_choose(
    struct admin *admin, const char *name, struct node_choice *out, struct hearth_err *err)
{
    const struct wire_node_info *node = NULL;
    *out = (struct node_choice){.number = 0};
    if (name == NULL) {
        return HEARTH_OK;
    }
    if (node_find(admin, name, &node, err) != HEARTH_OK) {
        return err->code;
    }
    assert(node->node_id.size == sizeof(out->id)); /* as its message says */
    out->number = node->number;
    memcpy(out->id, node->node_id.bytes, sizeof(out->id));
    out->node_id = view_of(out->id, sizeof(out->id));
    return HEARTH_OK;
}

enum hearth_code node_find_and_list(
    struct admin *admin, const char *name, bool json, struct hearth_err *err)
{
    const struct wire_node_info *node = NULL;
    enum hearth_code code = node_find(admin, name, &node, err);
    if (code == HEARTH_OK) {
        node_report_list(node, 1, json);
    }
    return code;
}
