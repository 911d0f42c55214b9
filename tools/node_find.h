/*
 * node_find.h - which node is meant: a node is named by its number, or by the first 8 or more
 * digits of its id.
 */
#ifndef HEARTH_TOOLS_NODE_FIND_H
#define HEARTH_TOOLS_NODE_FIND_H

#include "tools/admin.h"

/* *out points into the list. HEARTH_NOT_FOUND. HEARTH_INVALID: more than one begins so. */
enum hearth_code node_find_in(const struct wire_node_list_reply *nodes, const char *name,
    const struct wire_node_info **out, struct hearth_err *err);

/* Asks; *out lives in admin_arena(). */
enum hearth_code node_find(struct admin *admin, const char *name, const struct wire_node_info **out,
    struct hearth_err *err);

/* Who is meant by an option --node; a copy, for answers are forgotten while one waits. */
struct node_choice {
    uint32_t number; /* 0: each of them */
    uint8_t id[20];
    struct view node_id; /* empty, or those bytes */
};

/* name NULL: each of them. */
enum hearth_code node_choose(
    struct admin *admin, const char *name, struct node_choice *out, struct hearth_err *err);

/* How it is now, as `node list` has it: what a verb says that changed something about a node. */
enum hearth_code node_find_and_list(
    struct admin *admin, const char *name, bool json, struct hearth_err *err);

#endif /* HEARTH_TOOLS_NODE_FIND_H */
