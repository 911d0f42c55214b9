/*
 * node_name.h - a node as an operator names it: its number, or 8 or more digits of its id.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_NODE_NAME_H
#define HEARTH_COORDINATOR_SERVICE_NODE_NAME_H

#include "coordinator/coordinator.h"

/* Digits of its id, not its number. */
bool node_name_is_id(const struct meta_node *node, struct view name);

/* *out lives in the arena.  HEARTH_NOT_FOUND: nobody.  HEARTH_INVALID: more than one. */
enum hearth_code node_name_find(struct coordinator *coordinator, struct view name,
    struct arena *arena, const struct node_status **out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_NODE_NAME_H */
