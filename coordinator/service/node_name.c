#include "coordinator/service/node_name.h"

#include "common/codec.h"

#include <inttypes.h>
#include <stdio.h>

enum { ID_TEXT_SIZE = 2 * META_PRINCIPAL_SIZE + 1, ID_DIGITS_MIN = 8 };

bool node_name_is_id(const struct meta_node *node, struct view name)
{
    char id[ID_TEXT_SIZE];
    hex_encode(node->id.bytes, sizeof(node->id.bytes), id);
    return name.size >= ID_DIGITS_MIN && name.size < sizeof(id) &&
        memcmp(id, name.bytes, name.size) == 0;
}

static bool is_number_of(const struct meta_node *node, struct view name)
{
    char number[16];
    snprintf(number, sizeof(number), "%" PRIu32, node->number);
    return view_equal(view_text(number), name);
}

enum hearth_code node_name_find(struct coordinator *coordinator, struct view name,
    struct arena *arena, const struct node_status **out, struct hearth_err *err)
{
    struct node_status_list list;
    const struct node_status *found = NULL;
    if (node_table_list(coordinator->nodes, arena, &list, err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!is_number_of(&list.nodes[i].node, name) &&
            !node_name_is_id(&list.nodes[i].node, name)) {
            continue;
        }
        if (found != NULL) {
            return hearth_fail(
                err, HEARTH_INVALID, "node %.*s: more than one begins so", VIEW_ARGS(name));
        }
        found = &list.nodes[i];
    }
    *out = found;
    return found != NULL ? HEARTH_OK
                         : hearth_fail(err, HEARTH_NOT_FOUND,
                               "node %.*s: no such node (a number, or 8 or more digits of an id, "
                               "as `node list` says)",
                               VIEW_ARGS(name));
}
