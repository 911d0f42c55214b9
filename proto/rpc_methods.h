/*
 * rpc_methods.h - every call of Hearth in one table: what it is called on the wire, who may make
 * it, what it carries and how much.
 *
 * The default is refuse: a path that is not in the table is answered UNIMPLEMENTED, a peer whose
 * class is not in the row is answered DENIED before anything of its request is decoded.
 *
 * Servers and channels take a table by pointer, so tests bring their own.
 */
#ifndef HEARTH_PROTO_RPC_METHODS_H
#define HEARTH_PROTO_RPC_METHODS_H

#include "common/pki.h"

struct wire_message;

enum rpc_kind {
    RPC_UNARY,         /* one message each way */
    RPC_CLIENT_STREAM, /* many up, one down */
    RPC_SERVER_STREAM, /* one up, many down */
    RPC_BOTH_STREAM,   /* many both ways */
};

#define RPC_CLASS(class) (1u << PEER_##class)

struct rpc_method_row {
    const char *path; /* "/hearth.Coordinator/Begin" */
    enum rpc_kind kind;
    unsigned classes;     /* RPC_CLASS() of each class that may call */
    bool mutates;         /* lost on the way means HEARTH_UNKNOWN, not HEARTH_UNREACHABLE */
    uint32_t request_max; /* bytes of one message; larger ones are refused with INVALID */
    uint32_t response_max;
    const struct wire_message *request;
    const struct wire_message *response;
};

/* A method number is an index into its table. */
struct rpc_table {
    const struct rpc_method_row *rows;
    unsigned count;
};

/* The methods of proto/hearth.proto, in its order. */
enum rpc_method {
    RPC_OPEN_SESSION,
    RPC_CREATE_BUCKET,
    RPC_DELETE_BUCKET,
    RPC_HEAD_BUCKET,
    RPC_LIST_BUCKETS,
    RPC_SET_BUCKET_ACCESS,
    RPC_BEGIN,
    RPC_OPEN_SEGMENT,
    RPC_OFFER_SLOT,
    RPC_SEAL_SEGMENT,
    RPC_ADD_HOLDERS,
    RPC_COMMIT,
    RPC_ABORT,
    RPC_PUT_INLINE,
    RPC_PUT_INLINE_MANY,
    RPC_COPY,
    RPC_LOOKUP,
    RPC_LOOKUP_MANY,
    RPC_MORE_ORDERS,
    RPC_DELETE,
    RPC_LIST,
    RPC_WHEREIS,
    RPC_REPORT_SHARD,
    RPC_DELETE_MANY,
    RPC_SET_TAGS,
    RPC_CREATE_UPLOAD,
    RPC_COMPLETE_UPLOAD,
    RPC_ABORT_UPLOAD,
    RPC_LIST_PARTS,
    RPC_LIST_UPLOADS,
    RPC_DERIVE_SIGNING_KEY,
    RPC_HEARTBEAT,
    RPC_STATUS,
    RPC_NODE_LIST,
    RPC_NODE_LOST,
    RPC_NODE_SET,
    RPC_SWEEP,
    RPC_AUDITS,
    RPC_AUDIT_EVIDENCE,
    RPC_REPAIR_STATUS,
    RPC_REPAIR_RUN,
    RPC_REPAIR_LOST,
    RPC_SIMULATE,
    RPC_GARBAGE_RELEASE,
    RPC_REBALANCE_PLAN,
    RPC_REBALANCE_COMMAND,
    RPC_REBALANCE_LIST,
    RPC_NODE_DRAIN,
    RPC_NODE_UNDRAIN,
    RPC_NODE_REMOVE,
    RPC_INVITE,
    RPC_BACKUP,
    RPC_RESTORE,
    RPC_FSCK,
    RPC_TENANT_CREATE,
    RPC_TENANT_LIST,
    RPC_KEY_CREATE,
    RPC_KEY_LIST,
    RPC_KEY_REVOKE,
    RPC_BUCKET_RESERVE,
    RPC_BUCKET_USAGES,
    RPC_BUCKET_SET,
    RPC_UNDELETE,
    RPC_DELETED_LIST,
    RPC_GARBAGE_STATUS,
    RPC_GARBAGE_RUN,
    RPC_SHARD_PUT,
    RPC_SHARD_GET,
    RPC_SHARD_COPY,
    RPC_PEER_FETCH,
    RPC_LIST_SHARDS,
    RPC_DIGEST_SHARDS,
    RPC_METHODS,
};

extern const struct rpc_table rpc_methods;

#endif /* HEARTH_PROTO_RPC_METHODS_H */
