/*
 * node_table_inside.h - what the files of the node table share.  Nobody else includes it.
 *
 * Everything with an index is called with the lock held.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_TABLE_INSIDE_H
#define HEARTH_COORDINATOR_FLEET_NODE_TABLE_INSIDE_H

#include "common/cleanup.h"
#include "coordinator/fleet/node_claim.h"
#include "coordinator/fleet/node_presence.h"
#include "coordinator/fleet/node_table.h"
#include "coordinator/meta/meta_health.h"

enum {
    NODE_SUSPECT_INTERVALS = 3,
    NODE_OFFLINE_INTERVALS = 10,
    NODE_SOFTWARE_SIZE = 64,
};

/* What heartbeats say. Kept over reloads of the facts. */
struct node_live {
    uint64_t seen_ms;
    uint64_t reports;
    uint64_t repair_reports;
    struct meta_node_report report;
    char software[NODE_SOFTWARE_SIZE]; /* report.software points here */
    bool is_dirty;                     /* not in the database yet */
    struct node_claim claim;
    struct node_presence presence;
    uint64_t presence_written_ms; /* how far it is in the database */
    uint64_t excused_ms;          /* of the silence since seen_ms: hours it is usually away */
    uint64_t excused_until_ms;    /* when that was worked out */
};

struct node_table {
    /* Set once. */
    struct node_table_options options;
    uint64_t started_ms;
    uint64_t listened_until_ms; /* before our start: the last heartbeat of anybody */

    pthread_mutex_t reloading; /* before .shared.mutex: what is read later is shown later */

    struct {
        pthread_mutex_t mutex;
        struct arena arena;
        struct meta_node_list facts; /* by number, in the arena */
        struct meta_health *health;  /* one for each of facts */
        struct node_live *live;      /* likewise */
    } shared;
};

enum { NODE_NOT_THERE = -1 };

ssize_t node_table_index(const struct node_table *table, uint32_t number);
ssize_t node_table_index_of(const struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE]);

/* At the start; takes the lock itself. */
enum hearth_code node_table_load_presence(struct node_table *table, struct hearth_err *err);

uint64_t node_interval_ms(const struct node_table *table);

/* How long somebody has listened without hearing the node: nobody did while we were not there. */
uint64_t node_silent_ms(const struct node_table *table, size_t index);

enum node_health node_health_at(struct node_table *table, size_t index);

/* What counts of its silence: at most half of it is excused.  UINT64_MAX: it will not be waited
 * for. */
uint64_t node_judged_silent_ms(struct node_table *table, size_t index);

/* The time up to now goes into its pattern; before seen_ms changes. */
void node_count_presence(struct node_table *table, size_t index);

/* Its pattern, with the silence that lasts. */
void node_presence_now(const struct node_table *table, size_t index, struct node_presence *out);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_TABLE_INSIDE_H */
