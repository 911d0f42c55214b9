/*
 * The tables of messages about repair and durability, as in wire_messages.c.
 */
#include "proto/wire.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire_rows.h"

static const struct wire_field repair_info_fields[] = {
    NUMBER(repair_info, segments),
    NUMBER(repair_info, below_n),
    NUMBER(repair_info, below_trigger),
    NUMBER(repair_info, unreadable),
    NUMBER(repair_info, lost),
    NUMBER(repair_info, due),
    NUMBER(repair_info, waiting),
    NUMBER(repair_info, without_place),
    NUMBER(repair_info, bytes),
    NUMBER(repair_info, queued),
    NUMBER(repair_info, oldest_unix_ms),
    NUMBER(repair_info, running),
    NUMBER(repair_info, bytes_per_s),
    NUMBER(repair_info, asked_unix_ms),
    NUMBER(repair_info, repaired_shards),
    NUMBER(repair_info, repaired_segments),
    NUMBER(repair_info, repaired_bytes),
    NUMBER(repair_info, failed),
    NUMBER(repair_info, now_unix_ms),
    NUMBER(repair_info, counted),
};
DESCRIBE(repair_info, repair_info_fields);

static const struct wire_field repair_lost_request_fields[] = {
    BYTES(repair_lost_request, cursor, WIRE_LOST_CURSOR_MAX),
};
DESCRIBE(repair_lost_request, repair_lost_request_fields);

static const struct wire_field lost_object_fields[] = {
    BYTES(lost_object, bucket, WIRE_NAME_MAX),
    BYTES(lost_object, key, WIRE_KEY_MAX),
    ID(lost_object, version, 16),
    ID(lost_object, segment_id, 16),
    NUMBER(lost_object, is_lost),
};
DESCRIBE(lost_object, lost_object_fields);

static const struct wire_field repair_lost_reply_fields[] = {
    MESSAGES(repair_lost_reply, objects, lost_object, WIRE_LOST_MAX),
    BYTES(repair_lost_reply, next_cursor, WIRE_LOST_CURSOR_MAX),
    NUMBER(repair_lost_reply, looked_at),
};
DESCRIBE(repair_lost_reply, repair_lost_reply_fields);

static const struct wire_field durability_info_fields[] = {
    BYTES(durability_info, profile, WIRE_NAME_MAX),
    NUMBER(durability_info, segments),
    NUMBER_TO(durability_info, lost_digits, WIRE_DIGITS_MAX),
    NUMBER_TO(durability_info, worst_lost_digits, WIRE_DIGITS_MAX),
    ID_OR_NONE(durability_info, worst_segment, 16),
    NUMBER_TO(durability_info, unreadable_digits, WIRE_DIGITS_MAX),
    NUMBER_TO(durability_info, worst_unreadable_digits, WIRE_DIGITS_MAX),
    NUMBER_TO(durability_info, held_permille, 1000),
    BYTES(durability_info, bucket, WIRE_NAME_MAX),
    ID_OR_NONE(durability_info, bucket_id, 16),
};
DESCRIBE(durability_info, durability_info_fields);

static const struct wire_field simulate_request_fields[] = {
    BYTES(simulate_request, profile, WIRE_NAME_MAX),
    NUMBER(simulate_request, k),
    NUMBER(simulate_request, n),
    NUMBER(simulate_request, r),
    NUMBER(simulate_request, lost_after_ms),
    NUMBER(simulate_request, repair_ms),
    NUMBER(simulate_request, nodes),
    NUMBER_TO(simulate_request, uptime_ppm, 1000000),
    NUMBER(simulate_request, hazard_permille),
    NUMBER(simulate_request, replace_ms),
    NUMBER(simulate_request, from_fleet),
    NUMBER_TO(simulate_request, ebb_ppm, 1000000),
    NUMBER(simulate_request, no_ebb),
};
DESCRIBE(simulate_request, simulate_request_fields);

static const struct wire_field simulate_reply_fields[] = {
    BYTES(simulate_reply, profile, WIRE_NAME_MAX),
    NUMBER(simulate_reply, k),
    NUMBER(simulate_reply, n),
    NUMBER(simulate_reply, r),
    NUMBER(simulate_reply, lost_after_ms),
    NUMBER(simulate_reply, repair_ms),
    NUMBER(simulate_reply, nodes),
    NUMBER_TO(simulate_reply, uptime_ppm, 1000000),
    NUMBER(simulate_reply, hazard_permille),
    NUMBER(simulate_reply, replace_ms),
    NUMBER_TO(simulate_reply, lost_digits, WIRE_DIGITS_MAX),
    NUMBER_TO(simulate_reply, unreadable_digits, WIRE_DIGITS_MAX),
    NUMBER(simulate_reply, disk_permille),
    NUMBER(simulate_reply, disk_full_permille),
    NUMBER(simulate_reply, moved_permille),
    NUMBER(simulate_reply, repairs_permille),
    NUMBER(simulate_reply, goal),
    NUMBER(simulate_reply, nodes_there),
    BYTES(simulate_reply, warning, WIRE_TEXT_MAX),
    NUMBER_TO(simulate_reply, ebb_ppm, 1000000),
};
DESCRIBE(simulate_reply, simulate_reply_fields);
