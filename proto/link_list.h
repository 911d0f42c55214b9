/*
 * link_list.h - a ring of what is embedded in other structs. A node not in a ring is a ring of one.
 */
#ifndef HEARTH_PROTO_LINK_LIST_H
#define HEARTH_PROTO_LINK_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link_node {
    struct link_node *previous;
    struct link_node *next;
};

#define LINK_OF(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void link_node_init(struct link_node *node)
{
    node->previous = node;
    node->next = node;
}

static inline bool link_node_is_alone(const struct link_node *node)
{
    return node->next == node;
}

static inline void link_node_leave(struct link_node *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    link_node_init(node);
}

/* Last in the ring that `head` heads. */
static inline void link_node_join(struct link_node *head, struct link_node *node)
{
    node->previous = head->previous;
    node->next = head;
    head->previous->next = node;
    head->previous = node;
}

#endif /* HEARTH_PROTO_LINK_LIST_H */
