/*
 * wire.h - from our structs to protobuf bytes and back.
 *
 *   struct wire_x --wire_encode(&wire_x_message)--> buf ... network ...
 *   struct wire_x <--wire_decode(&wire_x_message)-- bytes
 *
 * One table per message (wire_messages.c) says where each field is and how large it may be; both
 * directions check it, so code behind a decode never meets an id of the wrong size, an oversized
 * text or too many of anything.  Meaning (does the bucket exist?) is checked elsewhere.
 *
 * The types protoc-c makes stop here: no file outside proto/ sees them.
 *
 * Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_WIRE_H
#define HEARTH_PROTO_WIRE_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "proto/wire_accounts.h"
#include "proto/wire_audit.h"
#include "proto/wire_fleet.h"
#include "proto/wire_fsck.h"
#include "proto/wire_garbage.h"
#include "proto/wire_inventory.h"
#include "proto/wire_messages.h"
#include "proto/wire_rebalance.h"
#include "proto/wire_repair.h"
#include "proto/wire_uploads.h"

/* Every message of hearth.proto, in its order. */
/* clang-format off */
#define WIRE_MESSAGE_TABLE(X) \
    X(empty) X(endpoint) X(node_address) X(placement) X(slot_receipt) X(extent) \
    X(precondition) X(version_info) X(profile) X(bucket_key) X(bucket_info) \
    X(open_session_request) X(open_session_reply) X(create_bucket_request) \
    X(delete_bucket_request) X(head_bucket_request) X(set_bucket_access_request) \
    X(list_buckets_reply) X(begin_request) \
    X(begin_reply) X(open_segment_request) X(open_segment_reply) X(offer_slot_request) \
    X(seal_segment_request) X(bad_slot) X(seal_segment_reply) X(add_holders_request) \
    X(commit_request) X(commit_reply) X(abort_request) X(put_inline_request) X(copy_request) \
    X(lookup_request) X(segment_info) X(lookup_reply) X(many_request) X(answer) X(many_reply) X(more_orders_request) X(delete_request) \
    X(delete_reply) X(list_request) X(list_entry) X(list_reply) X(whereis_request) \
    X(whereis_reply) X(report_shard_request) X(derive_signing_key_request) \
    X(derive_signing_key_reply) X(trash_result) X(damaged_shard) X(heartbeat_request) X(order_key) \
    X(segment_estimate) X(repair_info) X(repair_lost_request) X(lost_object) \
    X(repair_lost_reply) X(durability_info) X(simulate_request) X(simulate_reply) \
    X(heartbeat_reply) X(sweep_info) X(sweep_request) X(sweep_reply) X(audit_node) X(audit_request) X(audit_reply) X(audit_evidence_request) X(evidence_info) X(audit_evidence_reply) X(node_info) X(node_list_reply) X(status_reply) X(node_lost_request) X(node_set_request) \
    X(invite_request) X(invite_reply) X(fsck_request) X(fsck_finding) X(fsck_space) X(fsck_count) X(fsck_message) X(backup_chunk) X(restore_chunk) X(restore_reply) X(tenant_request) X(rebalance_share) X(rebalance_info) X(rebalance_plan_request) \
    X(rebalance_command_request) X(rebalance_list_request) X(rebalance_list_reply) X(node_drain_request) \
    X(node_undrain_request) X(node_remove_request) X(account_list_request) X(tenant_info) \
    X(tenant_list_reply) X(key_create_request) X(key_create_reply) X(key_info) X(key_list_reply) \
    X(key_revoke_request) X(bucket_settings) X(bucket_reserve_request) X(bucket_set_request) \
    X(bucket_usage) X(bucket_usages_reply) X(shard_put_open) X(shard_put_footer) \
    X(shard_put_message) X(shard_put_reply) X(shard_copy_request) X(shard_get_request) X(shard_get_message) \
    X(enrol_request) X(enrol_reply) X(part_place) X(delete_many_request) X(set_tags_request) \
    X(create_upload_request) X(create_upload_reply) X(part_ref) X(complete_upload_request) \
    X(abort_upload_request) X(list_parts_request) X(part_info) X(upload_info) \
    X(list_parts_reply) X(list_uploads_request) X(list_uploads_reply) X(list_shards_request) \
    X(shard_entry) X(shard_page) X(digest_shards_request) X(shard_digest_page) \
    X(undelete_request) X(deleted_entry) X(deleted_list_request) X(deleted_list_reply) X(garbage_node) \
    X(garbage_status_reply) X(garbage_run_reply)
/* clang-format on */

/* The table of struct wire_begin_request is wire_begin_request_message, and so on. */
struct wire_message;
#define X(name) extern const struct wire_message wire_##name##_message;
WIRE_MESSAGE_TABLE(X)
#undef X

/* "FooBar", as hearth.proto says it. Static storage. */
const char *wire_message_name(const struct wire_message *message);

/* Of the struct that `message` describes. */
size_t wire_message_size(const struct wire_message *message);

/* Asserts that the table of `message` and what protoc-c made agree, field by field. */
void wire_message_check(const struct wire_message *message);

/*
 * `in` is the struct that `message` describes; *out is a new buf with one reference, the caller's.
 * HEARTH_INVALID: a field is outside its limits; the text names it.
 */
enum hearth_code wire_encode(
    const struct wire_message *message, const void *in, struct buf **out, struct hearth_err *err);

/*
 * Fills `out`, the struct that `message` describes, with views into the arena; `bytes` is not
 * needed afterwards.  Takes from the arena at most a fixed multiple of the size of `bytes`.
 * HEARTH_INVALID: not such a message, or a field outside its limits; `out` is then undefined.
 */
enum hearth_code wire_decode(const struct wire_message *message, struct view bytes,
    struct arena *arena, void *out, struct hearth_err *err);

#endif /* HEARTH_PROTO_WIRE_H */
