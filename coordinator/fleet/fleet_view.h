/*
 * fleet_view.h - every node as it was at one moment: what the background duties know of the fleet.
 *
 *   node_table --fleet_view_take--> an immutable snapshot, shared by counting its users
 *
 * The sweep takes one when a pass begins and hands it to each watcher; whoever works something off
 * later takes its own.  Duties read nothing else about nodes.
 *
 * Thread-safety: a view never changes; take, keep and release from any thread.
 */
#ifndef HEARTH_COORDINATOR_FLEET_FLEET_VIEW_H
#define HEARTH_COORDINATOR_FLEET_FLEET_VIEW_H

#include "coordinator/fleet/fleet_tide.h"
#include "coordinator/fleet/node_table.h"

struct fleet_node {
    uint32_t number; /* 0: there is no such node; everything else says gone then */
    uint32_t owner;
    struct meta_network network;
    enum meta_node_state state; /* what was decided about it */
    enum node_health health;    /* and how it is; see node_table.h */
    uint64_t silent_ms;         /* UINT64_MAX: called lost, or gone */
    double uptime;              /* (0, 1]: share of the time it answers, measured, old days fade */
    float swing[FLEET_TIDES];   /* so much more at each of the fleet's tides */
    double hazard;              /* losses a year: its owner's record, and its own age */
    uint64_t capacity;          /* bytes */
    uint64_t used;
    uint64_t free;
    uint64_t uplink_bits; /* of its line, a second, as an operator said; 0: not known */
    bool takes_shards;    /* placement may offer it new ones now */
    bool is_probation;    /* enrolled lately: little is known of it */
};

struct fleet_view {
    uint64_t taken_ms; /* by the coordinator's clock */
    size_t count;
    const struct fleet_node *nodes; /* nodes[i].number is i + 1, or 0 */
};

/* *out is the caller's until fleet_view_release(). */
enum hearth_code fleet_view_take(
    struct node_table *table, const struct fleet_view **out, struct hearth_err *err);

/* One user more, who releases it too. Returns `view`. */
const struct fleet_view *fleet_view_keep(const struct fleet_view *view);
void fleet_view_release(const struct fleet_view *view); /* accepts NULL */

/* Never NULL: an unknown number is a node that is gone. Borrowed from the view. */
const struct fleet_node *fleet_view_node(const struct fleet_view *view, uint32_t number);

/* It answers: a reader would get its shards now. */
static inline bool fleet_node_answers(const struct fleet_node *node)
{
    return node->health <= NODE_SUSPENDED;
}

#endif /* HEARTH_COORDINATOR_FLEET_FLEET_VIEW_H */
