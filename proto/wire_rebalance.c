/*
 * The tables of messages about plans of moves, as in wire_messages.c.
 */
#include "proto/wire.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire_rows.h"

static const struct wire_field rebalance_share_fields[] = {
    NUMBER(rebalance_share, node),
    NUMBER(rebalance_share, leaves),
    NUMBER(rebalance_share, held),
    NUMBER(rebalance_share, target),
    NUMBER(rebalance_share, give),
    NUMBER(rebalance_share, take),
};
DESCRIBE(rebalance_share, rebalance_share_fields);

static const struct wire_field rebalance_info_fields[] = {
    NUMBER(rebalance_info, number),
    BYTES(rebalance_info, kind, WIRE_NAME_MAX),
    BYTES(rebalance_info, state, WIRE_NAME_MAX),
    BYTES(rebalance_info, subject, WIRE_TEXT_MAX),
    BYTES(rebalance_info, admin, WIRE_TEXT_MAX),
    BYTES(rebalance_info, reason, WIRE_TEXT_MAX),
    NUMBER(rebalance_info, bytes_max),
    NUMBER(rebalance_info, bandwidth),
    NUMBER(rebalance_info, created_unix_ms),
    NUMBER(rebalance_info, changed_unix_ms),
    NUMBER(rebalance_info, started_unix_ms),
    NUMBER(rebalance_info, moves_planned),
    NUMBER(rebalance_info, bytes_planned),
    NUMBER(rebalance_info, stuck_planned),
    NUMBER(rebalance_info, least_before),
    NUMBER(rebalance_info, most_before),
    NUMBER(rebalance_info, least_after),
    NUMBER(rebalance_info, most_after),
    NUMBER(rebalance_info, violations_before),
    NUMBER(rebalance_info, violations_after),
    NUMBER(rebalance_info, line_ms),
    NUMBER(rebalance_info, pass),
    NUMBER(rebalance_info, pass_moves),
    NUMBER(rebalance_info, pass_left),
    NUMBER(rebalance_info, moves_done),
    NUMBER(rebalance_info, bytes_done),
    NUMBER(rebalance_info, now_unix_ms),
    MESSAGES(rebalance_info, shares, rebalance_share, WIRE_NODES_MAX),
    BYTES(rebalance_info, profile, WIRE_NAME_MAX),
    NUMBER(rebalance_info, disk_before),
    NUMBER(rebalance_info, disk_after),
};
DESCRIBE(rebalance_info, rebalance_info_fields);

static const struct wire_field rebalance_plan_request_fields[] = {
    BYTES(rebalance_plan_request, kind, WIRE_NAME_MAX),
    BYTES(rebalance_plan_request, node, WIRE_NAME_MAX),
    BYTES(rebalance_plan_request, owner, WIRE_NAME_MAX),
    BYTES(rebalance_plan_request, network, WIRE_NAME_MAX),
    NUMBER_TO(rebalance_plan_request, bytes_max, INT64_MAX),
    NUMBER_TO(rebalance_plan_request, bandwidth, INT64_MAX),
    BYTES(rebalance_plan_request, bucket, WIRE_NAME_MAX),
};
DESCRIBE(rebalance_plan_request, rebalance_plan_request_fields);

static const struct wire_field rebalance_command_request_fields[] = {
    NUMBER_TO(rebalance_command_request, number, INT64_MAX),
    BYTES(rebalance_command_request, command, WIRE_NAME_MAX),
};
DESCRIBE(rebalance_command_request, rebalance_command_request_fields);

static const struct wire_field rebalance_list_request_fields[] = {
    NUMBER_TO(rebalance_list_request, number, INT64_MAX),
};
DESCRIBE(rebalance_list_request, rebalance_list_request_fields);

static const struct wire_field rebalance_list_reply_fields[] = {
    MESSAGES(rebalance_list_reply, plans, rebalance_info, WIRE_REBALANCES_MAX),
};
DESCRIBE(rebalance_list_reply, rebalance_list_reply_fields);

static const struct wire_field node_drain_request_fields[] = {
    BYTES(node_drain_request, node, WIRE_NAME_MAX),
    NUMBER_TO(node_drain_request, bandwidth, INT64_MAX),
};
DESCRIBE(node_drain_request, node_drain_request_fields);

static const struct wire_field node_undrain_request_fields[] = {
    BYTES(node_undrain_request, node, WIRE_NAME_MAX),
};
DESCRIBE(node_undrain_request, node_undrain_request_fields);

static const struct wire_field node_remove_request_fields[] = {
    BYTES(node_remove_request, node, WIRE_NAME_MAX),
    NUMBER(node_remove_request, by_force),
    BYTES(node_remove_request, confirmed, WIRE_NAME_MAX),
};
DESCRIBE(node_remove_request, node_remove_request_fields);

static const struct wire_field shard_copy_request_fields[] = {
    BYTES(shard_copy_request, put_order, WIRE_SIGNED_MAX),
    BYTES(shard_copy_request, get_order, WIRE_SIGNED_MAX),
    MESSAGE(shard_copy_request, source, node_address),
    NUMBER_TO(shard_copy_request, cells, WIRE_CELLS_MAX),
    NUMBER_TO(shard_copy_request, size, INT64_MAX),
    NUMBER_TO(shard_copy_request, rate, INT64_MAX),
};
DESCRIBE(shard_copy_request, shard_copy_request_fields);
