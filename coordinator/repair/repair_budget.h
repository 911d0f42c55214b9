/*
 * repair_budget.h - how much of the world repair may take: together, of one node, of one network.
 *
 *   enter: waits until no node or network of a repair has too many of them   --> leave
 *   pass:  bytes that moved are taken from all buckets; the slowest says how long to rest
 *
 * Nodes and networks have places in a table of fixed size.  Those that share one share what it may
 * take: less, never more.
 *
 * Thread-safety: any thread; a leaf.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_BUDGET_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_BUDGET_H

#include "common/env.h"
#include "coordinator/fleet/fleet_view.h"
#include "erasure/ec_slots.h"

enum {
    REPAIR_BUDGET_PLACES = 4096,
    REPAIR_PARTIES_MAX = EC_SLOTS_MAX, /* nodes of one repair: k read, the others written */
};

struct repair_budget_options {
    struct env *env;       /* borrowed */
    uint64_t rate;         /* bytes a second read and written in all; 0: no limit, here and below */
    uint64_t node_rate;    /* to or from one node */
    uint64_t network_rate; /* to or from one network */
    unsigned node_max;     /* repairs at once that a node takes part in */
    unsigned network_max;
};

struct repair_budget;

/* NULL: out of memory. */
struct repair_budget *repair_budget_create(const struct repair_budget_options *options);
void repair_budget_destroy(struct repair_budget *budget); /* accepts NULL */

/* The nodes of one repair, each once. */
struct repair_parties {
    unsigned count;
    uint16_t nodes[REPAIR_PARTIES_MAX]; /* their places in the table */
    uint16_t networks[REPAIR_PARTIES_MAX];
};

void repair_parties_add(struct repair_parties *parties, const struct fleet_node *node);

/* A node more would have to wait. */
bool repair_budget_is_full(struct repair_budget *budget, const struct fleet_node *node);

/* All of them at once, so that two repairs never wait for each other. */
void repair_budget_enter_blocking(
    struct repair_budget *budget, const struct repair_parties *parties);
void repair_budget_leave(struct repair_budget *budget, const struct repair_parties *parties);

/* So many bytes went to or came from each of them. Returns how long to rest before the next. */
uint64_t repair_budget_pass_ns(
    struct repair_budget *budget, const struct repair_parties *parties, uint64_t bytes_each);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_BUDGET_H */
