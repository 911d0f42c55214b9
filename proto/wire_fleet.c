/*
 * The tables of messages about the fleet, as in wire_messages.c.
 */
#include "proto/wire.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire_rows.h"

static const struct wire_field sweep_info_fields[] = {
    NUMBER(sweep_info, pass),
    NUMBER(sweep_info, started_unix_ms),
    NUMBER(sweep_info, finished_unix_ms),
    NUMBER(sweep_info, segments),
    NUMBER(sweep_info, busy_ms),
    NUMBER(sweep_info, running),
    NUMBER(sweep_info, running_segments),
    NUMBER_TO(sweep_info, running_permille, 1000),
};
DESCRIBE(sweep_info, sweep_info_fields);

static const struct wire_field sweep_request_fields[] = {
    NUMBER(sweep_request, begins),
};
DESCRIBE(sweep_request, sweep_request_fields);

static const struct wire_field sweep_reply_fields[] = {
    NUMBER(sweep_reply, begun),
    MESSAGE(sweep_reply, sweep, sweep_info),
};
DESCRIBE(sweep_reply, sweep_reply_fields);

static const struct wire_field node_info_fields[] = {
    NUMBER(node_info, number),
    ID(node_info, node_id, 20),
    BYTES(node_info, owner, WIRE_NAME_MAX),
    BYTES(node_info, network, WIRE_NAME_MAX),
    BYTES(node_info, place, WIRE_NAME_MAX),
    BYTES(node_info, state, WIRE_NAME_MAX),
    MESSAGES(node_info, endpoints, endpoint, WIRE_ENDPOINTS_MAX),
    NUMBER(node_info, last_seen_unix_ms),
    NUMBER(node_info, capacity),
    NUMBER(node_info, used),
    NUMBER(node_info, trash),
    NUMBER(node_info, free),
    NUMBER(node_info, shards),
    BYTES(node_info, software, WIRE_NAME_MAX),
    NUMBER(node_info, read_only),
    NUMBER(node_info, reports),
    NUMBER(node_info, repair_reports),
    NUMBER(node_info, enrolled_unix_ms),
    NUMBER_TO(node_info, uptime_ppm, 1000000),
    NUMBER(node_info, hazard_permille),
    ID_OR_NONE(node_info, pattern, WIRE_WEEK_HOURS),
    ID_OR_NONE(node_info, volume, 16),
    NUMBER(node_info, start_count),
    BYTES(node_info, attention, WIRE_NAME_MAX),
    NUMBER(node_info, on_probation),
    NUMBER(node_info, takes_shards),
    NUMBER(node_info, uplink_bits),
};
DESCRIBE(node_info, node_info_fields);

static const struct wire_field node_list_reply_fields[] = {
    MESSAGES(node_list_reply, nodes, node_info, WIRE_NODES_MAX),
};
DESCRIBE(node_list_reply, node_list_reply_fields);

static const struct wire_field status_moves_fields[] = {
    NUMBER(status_moves, plans),
    NUMBER(status_moves, paused),
    NUMBER(status_moves, bytes_left),
    NUMBER(status_moves, bytes_per_s),
    NUMBER(status_moves, stuck),
};
DESCRIBE(status_moves, status_moves_fields);

static const struct wire_field status_audits_fields[] = {
    NUMBER(status_audits, passed),
    NUMBER(status_audits, failed),
    NUMBER(status_audits, offline),
    NUMBER(status_audits, contained),
    NUMBER(status_audits, unknown),
    NUMBER(status_audits, never),
    NUMBER(status_audits, overdue),
};
DESCRIBE(status_audits, status_audits_fields);

static const struct wire_field status_reply_fields[] = {
    ID(status_reply, cluster_id, 16),
    NUMBER(status_reply, now_unix_ms),
    NUMBER(status_reply, buckets),
    NUMBER(status_reply, objects),
    NUMBER(status_reply, bytes),
    NUMBER(status_reply, segments),
    NUMBER(status_reply, segments_below_n),
    NUMBER(status_reply, segments_below_r),
    NUMBER(status_reply, segments_unreadable),
    NUMBER(status_reply, repair_queue),
    NUMBER(status_reply, repaired_total),
    NUMBER(status_reply, intents_open),
    NUMBER(status_reply, bodies_doomed),
    NUMBER(status_reply, shards_dead),
    NUMBER(status_reply, sweep_finished_unix_ms),
    NUMBER(status_reply, sweep_started_unix_ms),
    NUMBER(status_reply, colocation_allowed),
    MESSAGES(status_reply, nodes, node_info, WIRE_NODES_MAX),
    BYTES(status_reply, human, WIRE_HUMAN_MAX),
    NUMBER(status_reply, repair_waiting),
    NUMBER(status_reply, repair_without_place),
    NUMBER(status_reply, garbage_held),
    MESSAGE(status_reply, sweep, sweep_info),
    NUMBER(status_reply, capacity),
    NUMBER(status_reply, used),
    NUMBER(status_reply, trash),
    NUMBER(status_reply, free),
    NUMBER(status_reply, usable),
    MESSAGE_OR_NONE(status_reply, repair, repair_info),
    MESSAGE_OR_NONE(status_reply, durability, durability_info),
    MESSAGES(status_reply, profiles, durability_info, WIRE_PROFILES_MAX),
    MESSAGES(status_reply, bucket_durability, durability_info, WIRE_STATUS_BUCKETS_MAX),
    NUMBER(status_reply, garbage_withheld),
    NUMBER(status_reply, garbage_withholding),
    NUMBER(status_reply, garbage_withheld_bytes),
    NUMBER(status_reply, garbage_day),
    MESSAGE(status_reply, moves, status_moves),
    MESSAGE(status_reply, audits, status_audits),
};
DESCRIBE(status_reply, status_reply_fields);

static const struct wire_field node_set_request_fields[] = {
    ID(node_set_request, node_id, 20),
    NUMBER(node_set_request, uplink_bits),
};
DESCRIBE(node_set_request, node_set_request_fields);

static const struct wire_field node_lost_request_fields[] = {
    ID(node_lost_request, node_id, 20),
    NUMBER(node_lost_request, found),
};
DESCRIBE(node_lost_request, node_lost_request_fields);
