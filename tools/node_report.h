/*
 * node_report.h - a node, said to people and to programs.
 */
#ifndef HEARTH_TOOLS_NODE_REPORT_H
#define HEARTH_TOOLS_NODE_REPORT_H

#include "proto/wire_fleet.h"

enum { NODE_REPORT_ID_SIZE = 2 * 20 + 1 };
char *node_report_id(const struct wire_node_info *node, char text[NODE_REPORT_ID_SIZE]);

/* A table: one heading, one line a node; or one object a line. */
void node_report_list(const struct wire_node_info *nodes, size_t count, bool json);

/* All there is to say of one. */
void node_report_page(const struct wire_node_info *node, uint64_t now_unix_ms);

/* The same as one object on one line. */
void node_report_json(const struct wire_node_info *node);

#endif /* HEARTH_TOOLS_NODE_REPORT_H */
