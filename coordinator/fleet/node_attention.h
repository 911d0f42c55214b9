/*
 * node_attention.h - what a person has to do about a node.
 *
 * Pure.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_ATTENTION_H
#define HEARTH_COORDINATOR_FLEET_NODE_ATTENTION_H

#include "coordinator/fleet/node_table.h"

/* One sentence, static storage; "": nothing. */
const char *node_attention(const struct node_status *status);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_ATTENTION_H */
