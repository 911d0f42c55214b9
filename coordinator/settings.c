#include "coordinator/settings.h"

#include "common/token_bucket.h"

#define FIELD(name) offsetof(struct settings, name)

enum { SECOND_MS = 1000, DAY_MS = 24 * 60 * 60 * SECOND_MS };

static const struct config_param params[] = {
    {"cluster", "directory", CONFIG_PATH, FIELD(directory), .preset = ".", .min = 1,
        .help = "Keys and certificates of the cluster. Who has them is the cluster."},
    {"cluster", "metadata", CONFIG_PATH, FIELD(metadata), .preset = "meta", .min = 1,
        .help = "Where the database is kept; an always-on disk that honours fsync."},
    {"cluster", "profile", CONFIG_TEXT, FIELD(profile), .preset = "local",
        .help = "Redundancy of buckets that do not name a profile."},
    {"cluster", "allow_colocation", CONFIG_BOOL, FIELD(allow_colocation), .preset = "no",
        .help = "For development: shards of a segment may share an owner or a network."},
    {"network", "listen", CONFIG_ADDRESSES, FIELD(listen), .preset = "0.0.0.0:7400", .min = 1,
        .max = 8, .help = "Where members of the cluster are answered."},
    {"network", "enrolment", CONFIG_ADDRESSES, FIELD(enrolment), .preset = "0.0.0.0:7401", .min = 1,
        .max = 8, .help = "Where those who have an invite become members."},
    {"network", "advertise", CONFIG_ADDRESSES, FIELD(advertise), .preset = "", .max = 8,
        .help = "What members are told to dial. Empty: as it listens."},
    {"network", "advertise_enrolment", CONFIG_ADDRESSES, FIELD(advertise_enrolment), .preset = "",
        .max = 8, .help = "What invites say. Empty: as it listens."},
    {"network", "admin", CONFIG_ADDRESSES, FIELD(admin), .preset = "", .max = 1,
        .help = "Where /metrics, /health/live and /health/ready answer anybody who asks, over plain"
                " HTTP; empty: nowhere. For machines of the operator's own: 127.0.0.1:7402."},
    {"nodes", "heartbeat", CONFIG_DURATION, FIELD(heartbeat_ms), .preset = "30s",
        .min = SETTINGS_HEARTBEAT_MIN_MS, .max = SETTINGS_HEARTBEAT_MAX_MS,
        .help = "How often a node reports. Three missed: suspect; ten: offline."},
    {"nodes", "certificate", CONFIG_DURATION, FIELD(certificate_ms), .preset = "30d",
        .min = 60 * SECOND_MS, .help = "How long a member's certificate lasts."},
    {"nodes", "order", CONFIG_DURATION, FIELD(order_ms), .preset = "10min", .min = 5 * SECOND_MS,
        .max = 10 * 60 * SECOND_MS,
        .help =
            "How long leave to write or read a shard lasts, and a tenth more until everybody has"
            " noticed that it ended. A drained node is done, and a shard that moved goes to the"
            " trash, so long after the last. What takes longer to transfer is begun anew."},
    {"duties", "sweep", CONFIG_DURATION, FIELD(sweep_interval_ms), .preset = "30s", .min = 100,
        .max = DAY_MS, .help = "Pause between two passes over all segments."},
    {"duties", "sweep_share", CONFIG_INTEGER, FIELD(sweep_share), .preset = "20", .min = 1,
        .max = 100, .help = "Per cent of one core that a pass takes, but for one asked for."},
    {"duties", "repair", CONFIG_DURATION, FIELD(repair_interval_ms), .preset = "30s", .min = 100,
        .max = DAY_MS, .help = "Pause between two rounds of repair; each pass begins one, too."},
    {"duties", "repair_nines", CONFIG_INTEGER, FIELD(repair_nines), .preset = "0", .max = 18,
        .help = "Repair early enough to lose no more than one segment in 10^this a year. 0: as the "
                "profile was worked out."},
    {"duties", "repair_workers", CONFIG_INTEGER, FIELD(repair_workers), .preset = "4", .min = 1,
        .max = 16, .help = "Segments repaired at once."},
    {"duties", "repair_rate", CONFIG_RATE, FIELD(repair_rate), .preset = "256 MiB/s",
        .max = TOKEN_RATE_MAX, .help = "What repair may read and write in all."},
    {"duties", "repair_node_rate", CONFIG_RATE, FIELD(repair_node_rate), .preset = "2 MiB/s",
        .max = TOKEN_RATE_MAX, .help = "What repair may read from and write to one node."},
    {"duties", "repair_network_rate", CONFIG_RATE, FIELD(repair_network_rate), .preset = "4 MiB/s",
        .max = TOKEN_RATE_MAX, .help = "What repair may read from and write to one network."},
    {"duties", "repair_node_max", CONFIG_INTEGER, FIELD(repair_node_max), .preset = "2", .min = 1,
        .max = 16, .help = "Repairs at once that one node takes part in."},
    {"duties", "repair_network_max", CONFIG_INTEGER, FIELD(repair_network_max), .preset = "4",
        .min = 1, .max = 16, .help = "Repairs at once that one network takes part in."},
    {"duties", "reclaim", CONFIG_DURATION, FIELD(reclaim_interval_ms), .preset = "30s", .min = 100,
        .max = DAY_MS, .help = "Pause between two rounds of collecting garbage."},
    {"duties", "ship", CONFIG_DURATION, FIELD(ship_interval_ms), .preset = "60s", .min = 100,
        .max = DAY_MS, .help = "Pause between two shipments of changed metadata to the nodes."},
    {"duties", "snapshot", CONFIG_DURATION, FIELD(snapshot_interval_ms), .preset = "1d",
        .min = 1000, .max = 365 * (uint64_t)DAY_MS,
        .help = "A whole copy of the metadata is shipped this often, changes in between."},
    {"duties", "shipping", CONFIG_BOOL, FIELD(ships), .preset = "yes",
        .help = "The nodes keep a copy of the metadata, from which a lost coordinator is rebuilt."},
    {"duties", "undelete", CONFIG_DURATION, FIELD(undelete_ms), .preset = "7d", .min = 0,
        .max = 365 * (uint64_t)DAY_MS,
        .help = "So long a deleted object can be brought back. 0s: it cannot."},
    {"duties", "audit", CONFIG_DURATION, FIELD(audit_interval_ms), .preset = "1min", .min = 100,
        .max = DAY_MS, .help = "Pause between two rounds of audits, on average."},
    {"audit", "per_week", CONFIG_INTEGER, FIELD(audit_floor), .preset = "112", .max = 100000,
        .help = "Cells that each node is asked for in a week, at least. 0: no audits."},
    {"audit", "patience", CONFIG_DURATION, FIELD(audit_patience_ms), .preset = "30s", .min = 100,
        .max = 120 * SECOND_MS, .help = "How long a node may take for a cell."},
    {"audit", "recheck", CONFIG_DURATION, FIELD(audit_recheck_ms), .preset = "1h", .min = 100,
        .max = DAY_MS,
        .help = "When a cell that did not come is asked for again; later each time."},
};

const struct config_table settings_table = {
    .params = params,
    .count = sizeof(params) / sizeof(params[0]),
    .values_size = sizeof(struct settings),
};
