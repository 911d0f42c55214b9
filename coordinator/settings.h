/*
 * settings.h - what hearth-coordinator.conf can say.  settings.c has the one table.
 */
#ifndef HEARTH_COORDINATOR_SETTINGS_H
#define HEARTH_COORDINATOR_SETTINGS_H

#include "common/config.h"

#define SETTINGS_FILE "hearth-coordinator.conf" /* in the cluster's directory */

/* More often: heartbeats are all a node does. More rarely: nobody notices that one is gone. */
enum { SETTINGS_HEARTBEAT_MIN_MS = 200, SETTINGS_HEARTBEAT_MAX_MS = 10 * 60 * 1000 };

struct settings {
    const char *directory; /* keys and certificates */
    const char *metadata;  /* directory of the database */
    struct config_addresses listen;
    struct config_addresses enrolment;
    struct config_addresses admin;               /* empty: nowhere */
    struct config_addresses advertise;           /* empty: as it listens */
    struct config_addresses advertise_enrolment; /* empty: as it listens */
    const char *profile;                         /* of buckets that name none */
    bool allow_colocation;
    uint64_t heartbeat_ms;
    uint64_t certificate_ms;
    uint64_t order_ms;
    uint64_t sweep_interval_ms;
    uint64_t sweep_share; /* percent */
    uint64_t repair_interval_ms;
    uint64_t repair_nines; /* 0: as the profiles were worked out */
    uint64_t repair_workers;
    uint64_t repair_rate; /* bytes a second read and written; 0: no limit */
    uint64_t repair_node_rate;
    uint64_t repair_network_rate;
    uint64_t repair_node_max; /* repairs at once */
    uint64_t repair_network_max;
    uint64_t reclaim_interval_ms;
    uint64_t ship_interval_ms;
    uint64_t snapshot_interval_ms;
    bool ships;
    uint64_t undelete_ms;
    uint64_t audit_interval_ms;
    uint64_t audit_floor; /* audits of each node and week, at least */
    uint64_t audit_patience_ms;
    uint64_t audit_recheck_ms;
};

extern const struct config_table settings_table;

#endif /* HEARTH_COORDINATOR_SETTINGS_H */
