/*
 * node_table.h - every node as the coordinator knows it now: who, where, how it is.
 *
 *   database (meta_node.h) --reload--> facts: owner, network, endpoints, state
 *   heartbeats             --seen----> live: last seen, capacity, used --flush--> database
 *                                        \--> health, from the time since the last heartbeat
 *
 *   alive --3 intervals--> suspect --10 intervals--> offline --lost after--> lost
 *     ^----------------------- a heartbeat -------------------------------------'
 *
 * A node that an admin drains, or that failed its audits, is draining or suspended while it would
 * be alive or suspect: it is read from, and gets no new shards.
 *
 * A heartbeat whose volume is another one, or an older copy of the one known, is not counted: what
 * the node held may not be there.  Its slots are missing until the right disk reports again.  Two
 * machines that report as one node are both shut out (node_claim.h).
 *
 * When a node is usually away is learned (node_presence.h): such hours of a silence do not bring it
 * nearer to being lost, but never more than half of it is excused.
 *
 * Suspect nodes are still read from, but take no new shards.
 *
 * Silence counts only while somebody listened: the time between the last heartbeat of anybody and
 * our start does not.  After a start nobody has been heard yet: a node that was not offline before
 * counts as suspect for ten intervals.
 *
 * Thread-safety: any thread.  Reloads follow one another; the lock of the rest is never held over
 * I/O.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_TABLE_H
#define HEARTH_COORDINATOR_FLEET_NODE_TABLE_H

#include "coordinator/fleet/node_claim.h"
#include "coordinator/fleet/node_presence.h"
#include "coordinator/fleet/place_choose.h"
#include "coordinator/meta/meta_health.h"
#include "proto/wire_messages.h"

/* In the order in which readers would ask them; up to NODE_SUSPENDED they answer. */
enum node_health {
    NODE_ALIVE,
    NODE_DRAINING,
    NODE_SUSPECT,
    NODE_SUSPENDED,
    NODE_OFFLINE,
    NODE_LOST,
    NODE_GONE,
};

enum { NODE_PROBATION_MS = 21 * 24 * 60 * 60 * 1000 };

/* Enrolled lately: little is known of it. */
static inline bool node_is_new(const struct meta_node *node, uint64_t now_ms)
{
    return now_ms < node->enrolled_ms + NODE_PROBATION_MS;
}

/* "alive" ...; static storage. */
const char *node_health_text(enum node_health health);

struct node_table;

struct node_table_options {
    struct meta_store *store; /* borrowed */
    struct env *env;
    uint64_t heartbeat_ms;
    uint64_t lost_after_ms; /* for `status`; repair goes by each segment's profile */
};

enum hearth_code node_table_create(
    const struct node_table_options *options, struct node_table **out, struct hearth_err *err);
void node_table_destroy(struct node_table *table); /* accepts NULL */

/* Reads the facts anew: after an enrolment, a change of state or of endpoints. */
enum hearth_code node_table_reload(struct node_table *table, struct hearth_err *err);

struct node_seen {
    uint32_t number;
    enum meta_node_state state; /* before this heartbeat */
    enum claim_verdict verdict;
    bool is_second; /* of what is refused: it changes nothing, the right one is there or it is known
                     */
};

/*
 * A heartbeat came.  HEARTH_NOT_FOUND: no such node.  HEARTH_DENIED: it is gone.
 * HEARTH_CONFLICT: not the one we know, see node_claim.h; *out is set, the node was not seen.
 */
enum hearth_code node_table_seen(struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE],
    const struct meta_node_report *report, struct node_seen *out, struct hearth_err *err);

/* The coordinator's clock, by which it judges. */
uint64_t node_table_now_ms(const struct node_table *table);

/* How often a node should report: as configured, and not more than 500 a second of all nodes. */
uint64_t node_table_interval_ms(struct node_table *table);

/* Writes what heartbeats brought since the last time. */
enum hearth_code node_table_flush(struct node_table *table, struct hearth_err *err);

/* A reader found a shard of it wrong or missing. */
void node_table_reported(struct node_table *table, uint32_t number);

/* Repair found that itself. */
void node_table_accused(struct node_table *table, uint32_t number);

/* ---- asking ---- */

/* false: no such node. */
bool node_table_find(
    struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE], uint32_t *number);

/* What placement needs, copied into the arena. */
enum hearth_code node_table_fleet(
    struct node_table *table, struct arena *arena, struct place_fleet *out, struct hearth_err *err);

/* Per cent of presence to expect, by hour of the week (node_presence.h). false: no such node. */
bool node_table_pattern(struct node_table *table, uint32_t number, uint8_t percent[PRESENCE_HOURS]);

/*
 * Health, and for how long it has been silent without excuse: UINT64_MAX when it was called lost,
 * or is gone. NODE_LOST goes by options.lost_after_ms.  An unknown number is NODE_GONE.
 */
enum node_health node_table_health(struct node_table *table, uint32_t number, uint64_t *silent_ms);

/* Id and the endpoints that were dialled and answered as this node, in the arena.  false: no such
 * node, or out of memory. */
bool node_table_address(
    struct node_table *table, uint32_t number, struct arena *arena, struct wire_node_address *out);

struct node_status {
    struct meta_node node; /* its texts live in the arena */
    enum node_health health;
    uint64_t silent_ms;         /* as node_table_health() says */
    double uptime;              /* node_presence_uptime(), with the silence that lasts */
    float week[PRESENCE_HOURS]; /* node_presence_week() */
    struct meta_health record;
    bool takes_shards;       /* placement may offer it some now */
    uint64_t reports;        /* of readers, since the start */
    uint64_t repair_reports; /* of repair, which nobody can make up */
};

struct node_status_list {
    const struct node_status *nodes; /* by number */
    size_t count;
};

enum hearth_code node_table_list(struct node_table *table, struct arena *arena,
    struct node_status_list *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_TABLE_H */
