#include "proto/rpc_methods.h"

#include "proto/wire.h"

/*
 * Largest messages.  One without lists fits in 16 KiB: two keys, a handful of ids, names and a
 * certificate.  What carries a manifest or a list has the sum of its largest parts, rounded up.
 */
enum {
    SMALL = 16 << 10,
    RECEIPTS = 64 << 10,    /* 128 receipts, or 128 reasons why not */
    PLACEMENTS = 256 << 10, /* 128 orders, each with 4 addresses */
    BEAT = 64 << 10,        /* 1,024 shard ids each way */
    OBJECT = 8 << 20,       /* a manifest and 92,000 extents, or 16 segments of 128 placements */
    QUESTIONS = 33 * WIRE_QUESTION_MAX, /* 32, with what is around them */
    ANSWERS = 2 << 20,                  /* to these */
    UPLOAD = 128 << 10,                 /* a manifest without extents, tags */
    LIST = 4 << 20,                     /* 1,000 keys of 1,024 bytes, or 1,000 buckets */
    NODES = 16 << 20,                   /* 8,192 nodes */
    CHUNK = WIRE_BACKUP_CHUNK_MAX + 64,
    CELL = WIRE_CELL_MAX + 64,
};

enum {
    CUSTOMER = RPC_CLASS(CLIENT) | RPC_CLASS(GATEWAY),
    GATEWAY = RPC_CLASS(GATEWAY),
    NODE = RPC_CLASS(NODE),
    ADMIN = RPC_CLASS(ADMIN),
    SESSION = RPC_CLASS(SESSION), /* whoever reads and writes shards: nodes cannot tell who asks */
    COORDINATOR = RPC_CLASS(COORDINATOR),
};

#define ROW(path_, kind_, callers, changes, request_, request_max_, response_, response_max_)      \
    {                                                                                              \
        .path = "/hearth." path_, .kind = RPC_##kind_, .classes = (callers), .mutates = (changes), \
        .request = &wire_##request_##_message, .request_max = (request_max_),                      \
        .response = &wire_##response_##_message, .response_max = (response_max_)                   \
    }

/* Only read. */
#define READS(path, callers, request, request_max, response, response_max)                         \
    ROW(path, UNARY, callers, false, request, request_max, response, response_max)

/* Change something. */
#define CHANGES(path, callers, request, request_max, response, response_max)                       \
    ROW(path, UNARY, callers, true, request, request_max, response, response_max)

static const struct rpc_method_row rows[RPC_METHODS] = {
    [RPC_OPEN_SESSION] = READS("Coordinator/OpenSession", CUSTOMER, open_session_request, SMALL,
        open_session_reply, SMALL),
    [RPC_CREATE_BUCKET] = CHANGES(
        "Coordinator/CreateBucket", CUSTOMER, create_bucket_request, SMALL, bucket_info, SMALL),
    [RPC_DELETE_BUCKET] =
        CHANGES("Coordinator/DeleteBucket", CUSTOMER, delete_bucket_request, SMALL, empty, SMALL),
    [RPC_HEAD_BUCKET] =
        READS("Coordinator/HeadBucket", CUSTOMER, head_bucket_request, SMALL, bucket_info, SMALL),
    [RPC_LIST_BUCKETS] =
        READS("Coordinator/ListBuckets", CUSTOMER, empty, SMALL, list_buckets_reply, LIST),
    [RPC_SET_BUCKET_ACCESS] = CHANGES(
        "Coordinator/SetBucketAccess", CUSTOMER, set_bucket_access_request, SMALL, empty, SMALL),
    [RPC_BEGIN] = CHANGES("Coordinator/Begin", CUSTOMER, begin_request, SMALL, begin_reply, SMALL),
    [RPC_OPEN_SEGMENT] = CHANGES("Coordinator/OpenSegment", CUSTOMER, open_segment_request, SMALL,
        open_segment_reply, PLACEMENTS),
    [RPC_OFFER_SLOT] =
        CHANGES("Coordinator/OfferSlot", CUSTOMER, offer_slot_request, SMALL, placement, SMALL),
    [RPC_SEAL_SEGMENT] = CHANGES("Coordinator/SealSegment", CUSTOMER, seal_segment_request,
        RECEIPTS, seal_segment_reply, RECEIPTS),
    [RPC_ADD_HOLDERS] = CHANGES("Coordinator/AddHolders", CUSTOMER, add_holders_request, RECEIPTS,
        seal_segment_reply, RECEIPTS),
    [RPC_COMMIT] =
        CHANGES("Coordinator/Commit", CUSTOMER, commit_request, OBJECT, commit_reply, RECEIPTS),
    [RPC_ABORT] = CHANGES("Coordinator/Abort", CUSTOMER, abort_request, SMALL, empty, SMALL),
    [RPC_PUT_INLINE] = CHANGES(
        "Coordinator/PutInline", CUSTOMER, put_inline_request, OBJECT, commit_reply, RECEIPTS),
    [RPC_PUT_INLINE_MANY] = CHANGES(
        "Coordinator/PutInlineMany", CUSTOMER, many_request, QUESTIONS, many_reply, ANSWERS),
    [RPC_COPY] =
        CHANGES("Coordinator/Copy", CUSTOMER, copy_request, OBJECT, commit_reply, RECEIPTS),
    [RPC_LOOKUP] =
        READS("Coordinator/Lookup", CUSTOMER, lookup_request, SMALL, lookup_reply, OBJECT),
    [RPC_LOOKUP_MANY] =
        READS("Coordinator/LookupMany", CUSTOMER, many_request, QUESTIONS, many_reply, ANSWERS),
    [RPC_MORE_ORDERS] = READS(
        "Coordinator/MoreOrders", CUSTOMER, more_orders_request, SMALL, segment_info, PLACEMENTS),
    [RPC_DELETE] =
        CHANGES("Coordinator/Delete", CUSTOMER, delete_request, SMALL, delete_reply, SMALL),
    [RPC_LIST] = READS("Coordinator/List", CUSTOMER, list_request, SMALL, list_reply, LIST),
    [RPC_WHEREIS] =
        READS("Coordinator/Whereis", CUSTOMER, whereis_request, SMALL, whereis_reply, PLACEMENTS),
    [RPC_REPORT_SHARD] =
        CHANGES("Coordinator/ReportShard", CUSTOMER, report_shard_request, SMALL, empty, SMALL),
    [RPC_DELETE_MANY] =
        CHANGES("Coordinator/DeleteMany", CUSTOMER, delete_many_request, LIST, empty, SMALL),
    [RPC_SET_TAGS] =
        CHANGES("Coordinator/SetTags", CUSTOMER, set_tags_request, SMALL, empty, SMALL),
    [RPC_CREATE_UPLOAD] = CHANGES("Coordinator/CreateUpload", CUSTOMER, create_upload_request,
        UPLOAD, create_upload_reply, SMALL),
    [RPC_COMPLETE_UPLOAD] = CHANGES("Coordinator/CompleteUpload", CUSTOMER, complete_upload_request,
        OBJECT, version_info, SMALL),
    [RPC_ABORT_UPLOAD] =
        CHANGES("Coordinator/AbortUpload", CUSTOMER, abort_upload_request, SMALL, empty, SMALL),
    [RPC_LIST_PARTS] = READS(
        "Coordinator/ListParts", CUSTOMER, list_parts_request, SMALL, list_parts_reply, OBJECT),
    [RPC_LIST_UPLOADS] = READS(
        "Coordinator/ListUploads", CUSTOMER, list_uploads_request, SMALL, list_uploads_reply, LIST),

    [RPC_DERIVE_SIGNING_KEY] = READS("GatewayPlane/DeriveSigningKey", GATEWAY,
        derive_signing_key_request, SMALL, derive_signing_key_reply, SMALL),

    [RPC_HEARTBEAT] =
        CHANGES("NodePlane/Heartbeat", NODE, heartbeat_request, BEAT, heartbeat_reply, BEAT),

    [RPC_STATUS] = READS("AdminPlane/Status", ADMIN, empty, SMALL, status_reply, NODES),
    [RPC_NODE_LIST] = READS("AdminPlane/NodeList", ADMIN, empty, SMALL, node_list_reply, NODES),
    [RPC_NODE_LOST] = CHANGES("AdminPlane/NodeLost", ADMIN, node_lost_request, SMALL, empty, SMALL),
    [RPC_NODE_SET] = CHANGES("AdminPlane/NodeSet", ADMIN, node_set_request, SMALL, empty, SMALL),
    [RPC_SWEEP] = CHANGES("AdminPlane/Sweep", ADMIN, sweep_request, SMALL, sweep_reply, SMALL),
    [RPC_AUDITS] = CHANGES("AdminPlane/Audits", ADMIN, audit_request, SMALL, audit_reply, NODES),
    [RPC_AUDIT_EVIDENCE] = READS("AdminPlane/AuditEvidence", ADMIN, audit_evidence_request, SMALL,
        audit_evidence_reply, LIST),
    [RPC_REPAIR_STATUS] = READS("AdminPlane/RepairStatus", ADMIN, empty, SMALL, repair_info, SMALL),
    [RPC_REPAIR_RUN] = CHANGES("AdminPlane/RepairRun", ADMIN, empty, SMALL, repair_info, SMALL),
    [RPC_REPAIR_LOST] =
        READS("AdminPlane/RepairLost", ADMIN, repair_lost_request, SMALL, repair_lost_reply, LIST),
    [RPC_SIMULATE] =
        READS("AdminPlane/Simulate", ADMIN, simulate_request, SMALL, simulate_reply, SMALL),
    [RPC_GARBAGE_RELEASE] = CHANGES("AdminPlane/GarbageRelease", ADMIN, empty, SMALL, empty, SMALL),
    [RPC_REBALANCE_PLAN] = CHANGES(
        "AdminPlane/RebalancePlan", ADMIN, rebalance_plan_request, SMALL, rebalance_info, SMALL),
    [RPC_REBALANCE_COMMAND] = CHANGES("AdminPlane/RebalanceCommand", ADMIN,
        rebalance_command_request, SMALL, rebalance_info, LIST),
    [RPC_REBALANCE_LIST] = READS("AdminPlane/RebalanceList", ADMIN, rebalance_list_request, SMALL,
        rebalance_list_reply, LIST),
    [RPC_NODE_DRAIN] =
        CHANGES("AdminPlane/NodeDrain", ADMIN, node_drain_request, SMALL, rebalance_info, SMALL),
    [RPC_NODE_UNDRAIN] =
        CHANGES("AdminPlane/NodeUndrain", ADMIN, node_undrain_request, SMALL, empty, SMALL),
    [RPC_NODE_REMOVE] =
        CHANGES("AdminPlane/NodeRemove", ADMIN, node_remove_request, SMALL, empty, SMALL),
    [RPC_INVITE] = CHANGES("AdminPlane/Invite", ADMIN, invite_request, SMALL, invite_reply, SMALL),

    [RPC_BACKUP] =
        ROW("AdminPlane/Backup", SERVER_STREAM, ADMIN, false, empty, SMALL, backup_chunk, CHUNK),
    [RPC_RESTORE] = ROW("AdminPlane/Restore", CLIENT_STREAM, ADMIN, true, restore_chunk, CHUNK,
        restore_reply, SMALL),
    [RPC_FSCK] = ROW(
        "AdminPlane/Fsck", SERVER_STREAM, ADMIN, false, fsck_request, SMALL, fsck_message, SMALL),
    [RPC_TENANT_CREATE] =
        CHANGES("AdminPlane/TenantCreate", ADMIN, tenant_request, SMALL, tenant_info, SMALL),
    [RPC_TENANT_LIST] =
        READS("AdminPlane/TenantList", ADMIN, account_list_request, SMALL, tenant_list_reply, LIST),
    [RPC_KEY_CREATE] =
        CHANGES("AdminPlane/KeyCreate", ADMIN, key_create_request, SMALL, key_create_reply, SMALL),
    [RPC_KEY_LIST] =
        READS("AdminPlane/KeyList", ADMIN, account_list_request, SMALL, key_list_reply, LIST),
    [RPC_KEY_REVOKE] =
        CHANGES("AdminPlane/KeyRevoke", ADMIN, key_revoke_request, SMALL, empty, SMALL),
    [RPC_BUCKET_RESERVE] = CHANGES(
        "AdminPlane/BucketReserve", ADMIN, bucket_reserve_request, SMALL, bucket_usage, SMALL),
    [RPC_BUCKET_USAGES] = READS(
        "AdminPlane/BucketUsages", ADMIN, account_list_request, SMALL, bucket_usages_reply, LIST),
    [RPC_BUCKET_SET] =
        CHANGES("AdminPlane/BucketSet", ADMIN, bucket_set_request, SMALL, bucket_usage, SMALL),
    [RPC_UNDELETE] =
        CHANGES("AdminPlane/Undelete", ADMIN, undelete_request, SMALL, deleted_entry, SMALL),
    [RPC_DELETED_LIST] = READS(
        "AdminPlane/DeletedList", ADMIN, deleted_list_request, SMALL, deleted_list_reply, LIST),
    [RPC_GARBAGE_STATUS] =
        READS("AdminPlane/GarbageStatus", ADMIN, empty, SMALL, garbage_status_reply, NODES),
    [RPC_GARBAGE_RUN] =
        CHANGES("AdminPlane/GarbageRun", ADMIN, empty, SMALL, garbage_run_reply, SMALL),

    [RPC_SHARD_PUT] = ROW("ShardService/Put", CLIENT_STREAM, SESSION, true, shard_put_message, CELL,
        shard_put_reply, SMALL),
    [RPC_SHARD_GET] = ROW("ShardService/Get", SERVER_STREAM, SESSION, false, shard_get_request,
        SMALL, shard_get_message, CELL),
    [RPC_SHARD_COPY] = ROW("NodeMoves/Copy", SERVER_STREAM, COORDINATOR, true, shard_copy_request,
        SMALL, shard_put_reply, SMALL),
    [RPC_PEER_FETCH] = ROW("NodePeers/Fetch", SERVER_STREAM, NODE, false, shard_get_request, SMALL,
        shard_get_message, CELL),

    [RPC_LIST_SHARDS] = ROW("NodeInventory/ListShards", SERVER_STREAM, COORDINATOR, false,
        list_shards_request, SMALL, shard_page, SMALL),
    [RPC_DIGEST_SHARDS] = ROW("NodeInventory/DigestShards", SERVER_STREAM, COORDINATOR, false,
        digest_shards_request, SMALL, shard_digest_page, SMALL),
};

const struct rpc_table rpc_methods = {.rows = rows, .count = RPC_METHODS};
