/*
 * One table per message: where its fields are in our struct, and how large they may be.
 */
#include "proto/wire.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire_rows.h"

#include <assert.h>

const struct wire_message wire_empty_message = {
    .size = sizeof(struct wire_empty),
    .descriptor = &hearth__empty__descriptor,
};

static const struct wire_field endpoint_fields[] = {
    NUMBER_TO(endpoint, kind, 2),
    BYTES(endpoint, host, WIRE_HOST_MAX),
    NUMBER_TO(endpoint, port, UINT16_MAX),
};
DESCRIBE(endpoint, endpoint_fields);

static const struct wire_field node_address_fields[] = {
    ID(node_address, node_id, 20),
    MESSAGES(node_address, endpoints, endpoint, WIRE_ENDPOINTS_MAX),
};
DESCRIBE(node_address, node_address_fields);

static const struct wire_field placement_fields[] = {
    NUMBER_TO(placement, slot, WIRE_SLOTS_MAX - 1),
    NUMBER_TO(placement, number, UINT16_MAX),
    BYTES(placement, order, WIRE_SIGNED_MAX),
    MESSAGE(placement, node, node_address),
};
DESCRIBE(placement, placement_fields);

static const struct wire_field slot_receipt_fields[] = {
    NUMBER_TO(slot_receipt, slot, WIRE_SLOTS_MAX - 1),
    NUMBER_TO(slot_receipt, number, UINT16_MAX),
    BYTES(slot_receipt, receipt, WIRE_SIGNED_MAX),
};
DESCRIBE(slot_receipt, slot_receipt_fields);

static const struct wire_field extent_fields[] = {
    ID(extent, segment_id, 16),
    NUMBER(extent, offset),
    NUMBER(extent, length),
};
DESCRIBE(extent, extent_fields);

static const struct wire_field precondition_fields[] = {
    NUMBER(precondition, must_not_exist),
    NUMBER(precondition, must_exist),
    ID_OR_NONE(precondition, must_have_etag, 16),
    NUMBER(precondition, must_have_parts),
};
DESCRIBE(precondition, precondition_fields);

static const struct wire_field version_info_fields[] = {
    ID(version_info, version, 16),
    NUMBER(version_info, size),
    ID(version_info, etag, 16),
    NUMBER(version_info, parts),
    NUMBER(version_info, created_unix_ms),
};
DESCRIBE(version_info, version_info_fields);

static const struct wire_field profile_fields[] = {
    BYTES(profile, name, WIRE_NAME_MAX),
    NUMBER_TO(profile, k, WIRE_SLOTS_MAX),
    NUMBER_TO(profile, n, WIRE_SLOTS_MAX),
    NUMBER_TO(profile, w, WIRE_SLOTS_MAX),
    NUMBER_TO(profile, r, WIRE_SLOTS_MAX),
    NUMBER_TO(profile, fill, WIRE_SLOTS_MAX),
    NUMBER(profile, inline_max),
};
DESCRIBE(profile, profile_fields);

static const struct wire_field bucket_key_fields[] = {
    NUMBER(bucket_key, version),
    BYTES(bucket_key, wrapped, WIRE_WRAPPED_KEY_MAX),
};
DESCRIBE(bucket_key, bucket_key_fields);

static const struct wire_field bucket_info_fields[] = {
    BYTES(bucket_info, name, WIRE_NAME_MAX),
    ID(bucket_info, bucket_id, 16),
    NUMBER(bucket_info, created_unix_ms),
    MESSAGE(bucket_info, profile, profile),
    MESSAGES(bucket_info, keys, bucket_key, WIRE_BUCKET_KEYS_MAX),
    NUMBER(bucket_info, public_read),
    NUMBER(bucket_info, quota_bytes),
    NUMBER(bucket_info, quota_objects),
};
DESCRIBE(bucket_info, bucket_info_fields);

static const struct wire_field open_session_request_fields[] = {
    BYTES(open_session_request, public_key, WIRE_PUBLIC_KEY_MAX),
};
DESCRIBE(open_session_request, open_session_request_fields);

static const struct wire_field open_session_reply_fields[] = {
    BYTES(open_session_reply, certificate, WIRE_CERTIFICATE_MAX),
    NUMBER(open_session_reply, expires_unix_ms),
    NUMBER(open_session_reply, now_unix_ms),
    ID(open_session_reply, tenant_id, 16),
    BYTES(open_session_reply, tenant_name, WIRE_NAME_MAX),
    ID_OR_NONE(open_session_reply, root_key_id, 8),
};
DESCRIBE(open_session_reply, open_session_reply_fields);

static const struct wire_field create_bucket_request_fields[] = {
    BYTES(create_bucket_request, name, WIRE_NAME_MAX),
    ID(create_bucket_request, bucket_id, 16),
    BYTES(create_bucket_request, profile, WIRE_NAME_MAX),
    MESSAGE(create_bucket_request, key, bucket_key),
    ID(create_bucket_request, root_key_id, 8),
    ID(create_bucket_request, token, 16),
};
DESCRIBE(create_bucket_request, create_bucket_request_fields);

static const struct wire_field delete_bucket_request_fields[] = {
    BYTES(delete_bucket_request, name, WIRE_NAME_MAX),
    ID(delete_bucket_request, token, 16),
};
DESCRIBE(delete_bucket_request, delete_bucket_request_fields);

static const struct wire_field head_bucket_request_fields[] = {
    BYTES(head_bucket_request, name, WIRE_NAME_MAX),
};
DESCRIBE(head_bucket_request, head_bucket_request_fields);

static const struct wire_field set_bucket_access_request_fields[] = {
    BYTES(set_bucket_access_request, name, WIRE_NAME_MAX),
    NUMBER(set_bucket_access_request, public_read),
};
DESCRIBE(set_bucket_access_request, set_bucket_access_request_fields);

static const struct wire_field list_buckets_reply_fields[] = {
    MESSAGES(list_buckets_reply, buckets, bucket_info, WIRE_LIST_MAX),
};
DESCRIBE(list_buckets_reply, list_buckets_reply_fields);

static const struct wire_field begin_request_fields[] = {
    BYTES(begin_request, bucket, WIRE_NAME_MAX),
    BYTES(begin_request, key, WIRE_KEY_MAX),
    MESSAGE_OR_NONE(begin_request, precondition, precondition),
    ID(begin_request, token, 16),
    ID_OR_NONE(begin_request, bucket_id, 16),
    MESSAGE_OR_NONE(begin_request, part, part_place),
    NUMBER(begin_request, size_expected),
};
DESCRIBE(begin_request, begin_request_fields);

static const struct wire_field begin_reply_fields[] = {
    ID(begin_reply, intent_id, 16),
    NUMBER(begin_reply, expires_unix_ms),
};
DESCRIBE(begin_reply, begin_reply_fields);

static const struct wire_field open_segment_request_fields[] = {
    ID(open_segment_request, intent_id, 16),
    ID(open_segment_request, segment_id, 16),
    ID(open_segment_request, vk, 32),
    NUMBER(open_segment_request, length_max),
    ID_OR_NONE(open_segment_request, session_id, 20),
};
DESCRIBE(open_segment_request, open_segment_request_fields);

static const struct wire_field open_segment_reply_fields[] = {
    NUMBER_TO(open_segment_reply, k, WIRE_SLOTS_MAX),
    NUMBER_TO(open_segment_reply, n, WIRE_SLOTS_MAX),
    NUMBER_TO(open_segment_reply, w, WIRE_SLOTS_MAX),
    MESSAGES(open_segment_reply, placements, placement, WIRE_SLOTS_MAX),
    NUMBER(open_segment_reply, orders_expire_unix_ms),
};
DESCRIBE(open_segment_reply, open_segment_reply_fields);

static const struct wire_field offer_slot_request_fields[] = {
    ID(offer_slot_request, intent_id, 16),
    ID(offer_slot_request, segment_id, 16),
    NUMBER_TO(offer_slot_request, slot, WIRE_SLOTS_MAX - 1),
    BYTES_LIST(offer_slot_request, failed_node_ids, 20, 20, WIRE_SLOTS_MAX),
    ID_OR_NONE(offer_slot_request, session_id, 20),
};
DESCRIBE(offer_slot_request, offer_slot_request_fields);

static const struct wire_field seal_segment_request_fields[] = {
    ID(seal_segment_request, intent_id, 16),
    ID(seal_segment_request, segment_id, 16),
    NUMBER(seal_segment_request, length),
    MESSAGES(seal_segment_request, receipts, slot_receipt, WIRE_SLOTS_MAX),
};
DESCRIBE(seal_segment_request, seal_segment_request_fields);

static const struct wire_field bad_slot_fields[] = {
    NUMBER_TO(bad_slot, slot, WIRE_SLOTS_MAX - 1),
    NUMBER(bad_slot, code),
    BYTES(bad_slot, reason, WIRE_TEXT_MAX),
};
DESCRIBE(bad_slot, bad_slot_fields);

static const struct wire_field seal_segment_reply_fields[] = {
    NUMBER(seal_segment_reply, generation),
    NUMBER(seal_segment_reply, holders),
    MESSAGES(seal_segment_reply, bad_slots, bad_slot, WIRE_SLOTS_MAX),
};
DESCRIBE(seal_segment_reply, seal_segment_reply_fields);

static const struct wire_field add_holders_request_fields[] = {
    ID(add_holders_request, segment_id, 16),
    MESSAGES(add_holders_request, receipts, slot_receipt, WIRE_SLOTS_MAX),
};
DESCRIBE(add_holders_request, add_holders_request_fields);

static const struct wire_field commit_request_fields[] = {
    ID(commit_request, intent_id, 16),
    ID(commit_request, body_id, 16),
    NUMBER(commit_request, bucket_key_version),
    BYTES(commit_request, manifest, WIRE_MANIFEST_MAX),
    NUMBER(commit_request, size),
    ID(commit_request, etag, 16),
    NUMBER(commit_request, parts),
    MESSAGES(commit_request, extents, extent, WIRE_EXTENTS_MAX),
    MESSAGE_OR_NONE(commit_request, seal, seal_segment_request),
    BYTES(commit_request, tags, WIRE_TAGS_MAX),
};
DESCRIBE(commit_request, commit_request_fields);

static const struct wire_field commit_reply_fields[] = {
    ID(commit_reply, version, 16),
    NUMBER(commit_reply, created_unix_ms),
    MESSAGE_OR_NONE(commit_reply, sealed, seal_segment_reply),
};
DESCRIBE(commit_reply, commit_reply_fields);

static const struct wire_field abort_request_fields[] = {
    ID(abort_request, intent_id, 16),
};
DESCRIBE(abort_request, abort_request_fields);

static const struct wire_field put_inline_request_fields[] = {
    BYTES(put_inline_request, bucket, WIRE_NAME_MAX),
    BYTES(put_inline_request, key, WIRE_KEY_MAX),
    MESSAGE_OR_NONE(put_inline_request, precondition, precondition),
    ID(put_inline_request, token, 16),
    ID(put_inline_request, body_id, 16),
    NUMBER(put_inline_request, bucket_key_version),
    BYTES(put_inline_request, manifest, WIRE_MANIFEST_MAX),
    NUMBER(put_inline_request, size),
    ID(put_inline_request, etag, 16),
    NUMBER(put_inline_request, parts),
    ID_OR_NONE(put_inline_request, bucket_id, 16),
    MESSAGE_OR_NONE(put_inline_request, part, part_place),
    BYTES(put_inline_request, tags, WIRE_TAGS_MAX),
};
DESCRIBE(put_inline_request, put_inline_request_fields);

static const struct wire_field copy_request_fields[] = {
    BYTES(copy_request, source_bucket, WIRE_NAME_MAX),
    BYTES(copy_request, source_key, WIRE_KEY_MAX),
    ID(copy_request, source_version, 16),
    MESSAGE(copy_request, put, put_inline_request),
    MESSAGES(copy_request, extents, extent, WIRE_EXTENTS_MAX),
};
DESCRIBE(copy_request, copy_request_fields);

static const struct wire_field lookup_request_fields[] = {
    BYTES(lookup_request, bucket, WIRE_NAME_MAX),
    BYTES(lookup_request, key, WIRE_KEY_MAX),
    ID_OR_NONE(lookup_request, version, 16),
    NUMBER(lookup_request, offset),
    NUMBER(lookup_request, length),
    NUMBER(lookup_request, cursor),
    NUMBER(lookup_request, head_only),
    NUMBER(lookup_request, suffix),
    ID_OR_NONE(lookup_request, session_id, 20),
    NUMBER(lookup_request, with_estimate),
};
DESCRIBE(lookup_request, lookup_request_fields);

static const struct wire_field segment_estimate_fields[] = {
    NUMBER_TO(segment_estimate, held, WIRE_SLOTS_MAX),
    NUMBER_TO(segment_estimate, reachable, WIRE_SLOTS_MAX),
    NUMBER_TO(segment_estimate, trigger, WIRE_SLOTS_MAX),
    NUMBER(segment_estimate, unreadable_digits),
    NUMBER(segment_estimate, lost_digits),
    NUMBER(segment_estimate, reason),
    NUMBERS(segment_estimate, uptime_ppm, 1000000, WIRE_SLOTS_MAX),
    NUMBERS(segment_estimate, states, WIRE_HOLDER_REACHABLE, WIRE_SLOTS_MAX),
};
DESCRIBE(segment_estimate, segment_estimate_fields);

static const struct wire_field segment_info_fields[] = {
    ID(segment_info, segment_id, 16),
    NUMBER(segment_info, length),
    NUMBER(segment_info, codec),
    NUMBER_TO(segment_info, k, WIRE_SLOTS_MAX),
    NUMBER_TO(segment_info, n, WIRE_SLOTS_MAX),
    ID(segment_info, vk, 32),
    NUMBER(segment_info, generation),
    MESSAGES(segment_info, holders, placement, WIRE_SLOTS_MAX),
    MESSAGE_OR_NONE(segment_info, estimate, segment_estimate),
};
DESCRIBE(segment_info, segment_info_fields);

static const struct wire_field lookup_reply_fields[] = {
    MESSAGE(lookup_reply, info, version_info),
    ID(lookup_reply, body_id, 16),
    NUMBER(lookup_reply, bucket_key_version),
    BYTES(lookup_reply, manifest, WIRE_MANIFEST_MAX),
    NUMBER(lookup_reply, first_extent),
    MESSAGES(lookup_reply, extents, extent, WIRE_EXTENTS_MAX),
    MESSAGES(lookup_reply, segments, segment_info, WIRE_SEGMENTS_MAX),
    NUMBER(lookup_reply, next_cursor),
    BYTES(lookup_reply, tags, WIRE_TAGS_MAX),
};
DESCRIBE(lookup_reply, lookup_reply_fields);

static const struct wire_field many_request_fields[] = {
    BYTES_LIST(many_request, questions, 0, WIRE_QUESTION_MAX, WIRE_QUESTIONS_MAX),
};
DESCRIBE(many_request, many_request_fields);

static const struct wire_field answer_fields[] = {
    NUMBER(answer, code),
    BYTES(answer, text, WIRE_TEXT_MAX),
    BYTES(answer, reply, WIRE_ANSWERS_SIZE_MAX),
};
DESCRIBE(answer, answer_fields);

static const struct wire_field many_reply_fields[] = {
    MESSAGES(many_reply, answers, answer, WIRE_QUESTIONS_MAX),
};
DESCRIBE(many_reply, many_reply_fields);

static const struct wire_field more_orders_request_fields[] = {
    BYTES(more_orders_request, bucket, WIRE_NAME_MAX),
    BYTES(more_orders_request, key, WIRE_KEY_MAX),
    ID_OR_NONE(more_orders_request, version, 16),
    ID(more_orders_request, segment_id, 16),
    NUMBERS(more_orders_request, failed_slots, WIRE_SLOTS_MAX - 1, WIRE_SLOTS_MAX),
    ID_OR_NONE(more_orders_request, session_id, 20),
};
DESCRIBE(more_orders_request, more_orders_request_fields);

static const struct wire_field delete_request_fields[] = {
    BYTES(delete_request, bucket, WIRE_NAME_MAX),
    BYTES(delete_request, key, WIRE_KEY_MAX),
    MESSAGE_OR_NONE(delete_request, precondition, precondition),
    ID(delete_request, token, 16),
};
DESCRIBE(delete_request, delete_request_fields);

static const struct wire_field delete_reply_fields[] = {
    NUMBER(delete_reply, existed),
};
DESCRIBE(delete_reply, delete_reply_fields);

static const struct wire_field list_request_fields[] = {
    BYTES(list_request, bucket, WIRE_NAME_MAX),
    BYTES(list_request, prefix, WIRE_KEY_MAX),
    BYTES(list_request, delimiter, WIRE_KEY_MAX),
    BYTES(list_request, start_after, WIRE_KEY_MAX),
    BYTES(list_request, token, WIRE_LIST_TOKEN_MAX),
    NUMBER(list_request, max),
};
DESCRIBE(list_request, list_request_fields);

static const struct wire_field list_entry_fields[] = {
    BYTES(list_entry, key, WIRE_KEY_MAX),
    MESSAGE(list_entry, info, version_info),
};
DESCRIBE(list_entry, list_entry_fields);

static const struct wire_field list_reply_fields[] = {
    MESSAGES(list_reply, entries, list_entry, WIRE_LIST_MAX),
    BYTES_LIST(list_reply, prefixes, 0, WIRE_KEY_MAX, WIRE_LIST_MAX),
    BYTES(list_reply, next_token, WIRE_LIST_TOKEN_MAX),
};
DESCRIBE(list_reply, list_reply_fields);

static const struct wire_field whereis_request_fields[] = {
    BYTES_LIST(whereis_request, node_ids, 20, 20, WIRE_SLOTS_MAX),
};
DESCRIBE(whereis_request, whereis_request_fields);

static const struct wire_field whereis_reply_fields[] = {
    MESSAGES(whereis_reply, nodes, node_address, WIRE_SLOTS_MAX),
};
DESCRIBE(whereis_reply, whereis_reply_fields);

static const struct wire_field report_shard_request_fields[] = {
    ID(report_shard_request, segment_id, 16),
    NUMBER_TO(report_shard_request, slot, WIRE_SLOTS_MAX - 1),
    NUMBER_TO(report_shard_request, number, UINT16_MAX),
    ID(report_shard_request, node_id, 20),
    NUMBER(report_shard_request, code),
    BYTES(report_shard_request, detail, WIRE_TEXT_MAX),
};
DESCRIBE(report_shard_request, report_shard_request_fields);

static const struct wire_field trash_result_fields[] = {
    ID(trash_result, shard_id, 16),
    NUMBER_TO(trash_result, outcome, 2),
};
DESCRIBE(trash_result, trash_result_fields);

static const struct wire_field damaged_shard_fields[] = {
    ID(damaged_shard, shard_id, 16),
    ID(damaged_shard, locator, 20),
};
DESCRIBE(damaged_shard, damaged_shard_fields);

static const struct wire_field heartbeat_request_fields[] = {
    ID(heartbeat_request, volume_uuid, 16),
    NUMBER(heartbeat_request, start_count),
    NUMBER(heartbeat_request, sequence),
    MESSAGES(heartbeat_request, endpoints, endpoint, WIRE_ENDPOINTS_MAX),
    NUMBER(heartbeat_request, capacity),
    NUMBER(heartbeat_request, used),
    NUMBER(heartbeat_request, trash),
    NUMBER(heartbeat_request, free),
    NUMBER(heartbeat_request, shards),
    BYTES(heartbeat_request, software, WIRE_NAME_MAX),
    NUMBER(heartbeat_request, read_only),
    MESSAGES(heartbeat_request, trash_results, trash_result, WIRE_TRASH_MAX),
    MESSAGES(heartbeat_request, damaged, damaged_shard, WIRE_DAMAGED_MAX),
    ID_OR_NONE(heartbeat_request, instance, 16),
    NUMBER(heartbeat_request, trash_withheld),
    NUMBER(heartbeat_request, trash_day),
};
DESCRIBE(heartbeat_request, heartbeat_request_fields);

static const struct wire_field order_key_fields[] = {
    NUMBER(order_key, key_id),
    ID(order_key, order_key, 32),
    ID(order_key, receipt_key, 32),
};
DESCRIBE(order_key, order_key_fields);

static const struct wire_field heartbeat_reply_fields[] = {
    NUMBER(heartbeat_reply, next_interval_ms),
    NUMBER(heartbeat_reply, now_unix_ms),
    MESSAGES(heartbeat_reply, order_keys, order_key, WIRE_ORDER_KEYS_MAX),
    BYTES_LIST(heartbeat_reply, trash, 16, 16, WIRE_TRASH_MAX),
    NUMBER(heartbeat_reply, recovery_epoch),
    NUMBER(heartbeat_reply, trash_sum),
    NUMBER(heartbeat_reply, purge_until_unix_ms),
    NUMBER(heartbeat_reply, trash_released),
};
DESCRIBE(heartbeat_reply, heartbeat_reply_fields);

static const struct wire_field invite_request_fields[] = {
    BYTES(invite_request, kind, WIRE_NAME_MAX),
    BYTES(invite_request, owner, WIRE_NAME_MAX),
    BYTES(invite_request, network, WIRE_NAME_MAX),
    BYTES(invite_request, place, WIRE_NAME_MAX),
    BYTES(invite_request, tenant, WIRE_NAME_MAX),
    NUMBER(invite_request, valid_s),
    NUMBER(invite_request, uplink_bits),
};
DESCRIBE(invite_request, invite_request_fields);

static const struct wire_field invite_reply_fields[] = {
    BYTES(invite_reply, invite, WIRE_INVITE_MAX),
    NUMBER(invite_reply, expires_unix_ms),
};
DESCRIBE(invite_reply, invite_reply_fields);

static const struct wire_field backup_chunk_fields[] = {
    BYTES(backup_chunk, bytes, WIRE_BACKUP_CHUNK_MAX),
};
DESCRIBE(backup_chunk, backup_chunk_fields);

static const struct wire_field restore_chunk_fields[] = {
    NUMBER(restore_chunk, size),
    BYTES(restore_chunk, bytes, WIRE_BACKUP_CHUNK_MAX),
};
DESCRIBE(restore_chunk, restore_chunk_fields);

static const struct wire_field restore_reply_fields[] = {
    NUMBER(restore_reply, recovery_epoch),
    NUMBER(restore_reply, backup_unix_ms),
    NUMBER(restore_reply, versions),
    BYTES(restore_reply, aside, WIRE_PATH_MAX),
};
DESCRIBE(restore_reply, restore_reply_fields);

static const struct wire_field shard_put_open_fields[] = {
    BYTES(shard_put_open, order, WIRE_SIGNED_MAX),
    NUMBER(shard_put_open, size_expected),
};
DESCRIBE(shard_put_open, shard_put_open_fields);

static const struct wire_field shard_put_footer_fields[] = {
    NUMBER(shard_put_footer, cells),
    NUMBER(shard_put_footer, size),
    ID(shard_put_footer, tag_digest, 32),
};
DESCRIBE(shard_put_footer, shard_put_footer_fields);

static const struct wire_field shard_put_message_fields[] = {
    MESSAGE(shard_put_message, open, shard_put_open),
    BYTES(shard_put_message, cell, WIRE_CELL_MAX),
    MESSAGE(shard_put_message, footer, shard_put_footer),
};
DESCRIBE(shard_put_message, shard_put_message_fields);

/* wire.c finds the step of a message that has one at its start, numbered as in hearth.proto. */
static_assert(offsetof(struct wire_shard_put_message, step) == 0, "the step is first");
static_assert(sizeof(enum wire_shard_put_step) == sizeof(uint32_t), "and moved as 4 bytes");
static_assert((int)WIRE_SHARD_PUT_OPEN == HEARTH__SHARD_PUT_MESSAGE__STEP_OPEN, "same number");
static_assert((int)WIRE_SHARD_PUT_CELL == HEARTH__SHARD_PUT_MESSAGE__STEP_CELL, "same number");
static_assert((int)WIRE_SHARD_PUT_FOOTER == HEARTH__SHARD_PUT_MESSAGE__STEP_FOOTER, "same number");

static const struct wire_field shard_put_reply_fields[] = {
    BYTES(shard_put_reply, receipt, WIRE_SIGNED_MAX),
};
DESCRIBE(shard_put_reply, shard_put_reply_fields);

static const struct wire_field shard_get_request_fields[] = {
    BYTES(shard_get_request, order, WIRE_SIGNED_MAX),
    NUMBER(shard_get_request, first_stripe),
    NUMBER(shard_get_request, stripes),
};
DESCRIBE(shard_get_request, shard_get_request_fields);

static const struct wire_field shard_get_message_fields[] = {
    BYTES(shard_get_message, cell, WIRE_CELL_MAX),
};
DESCRIBE(shard_get_message, shard_get_message_fields);

static const struct wire_field enrol_request_fields[] = {
    NUMBER(enrol_request, format),
    ID_OR_NONE(enrol_request, token, 16),
    BYTES(enrol_request, public_key, WIRE_PUBLIC_KEY_MAX),
    BYTES(enrol_request, signature, WIRE_SIGNATURE_MAX),
};
DESCRIBE(enrol_request, enrol_request_fields);

static const struct wire_field enrol_reply_fields[] = {
    NUMBER(enrol_reply, code),
    BYTES(enrol_reply, message, WIRE_TEXT_MAX),
    BYTES(enrol_reply, certificate, WIRE_CERTIFICATE_MAX),
    BYTES(enrol_reply, ca_certificate, WIRE_CERTIFICATE_MAX),
    ID_OR_NONE(enrol_reply, cluster_id, 16),
    BYTES_LIST(enrol_reply, coordinators, 0, WIRE_NAME_MAX, WIRE_COORDINATORS_MAX),
    ID_OR_NONE(enrol_reply, tenant_id, 16),
    BYTES(enrol_reply, tenant_name, WIRE_NAME_MAX),
    NUMBER(enrol_reply, now_unix_ms),
};
DESCRIBE(enrol_reply, enrol_reply_fields);
