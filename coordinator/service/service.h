/*
 * service.h - what the services share: who asks, for which bucket, and translations
 * between the wire's structs and the metadata's.
 *
 *   session_service   OpenSession                    bucket_service   CreateBucket ...
 *   segment_service   OpenSegment ... AddHolders     object_service   Begin, Commit, Copy ...
 *   shard_service     MoreOrders, Whereis ...        lookup_service   Lookup, List
 *   upload_service    CreateUpload ... ListUploads
 *   node_service      Heartbeat                      admin_service    Status, NodeList, Invite ...
 *   gateway_service   DeriveSigningKey               account_service  TenantCreate, KeyCreate ...
 *
 * Every handler of the customer's begins with service_tenant() or something that calls it: the
 * default is refuse.  Nodes and admins are who their certificate says.
 * Handlers run on worker threads and may block in the metadata.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_SERVICE_H

#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_object.h"
#include "coordinator/meta/meta_tenant.h"
#include "coordinator/service/segment_receipts.h"
#include "proto/rpc_server.h"
#include "proto/wire_uploads.h"

/* Bits of a grant's rights. */
enum service_right {
    SERVICE_READS = 1,
    SERVICE_WRITES = 2,
    SERVICE_OWNS = 4, /* makes and removes buckets */
    SERVICE_ALL = SERVICE_READS | SERVICE_WRITES | SERVICE_OWNS,
};

/* Whom the caller acts for. HEARTH_DENIED: nobody, or without that right. */
enum hearth_code service_tenant(struct coordinator *coordinator, const struct rpc_context *context,
    enum service_right right, struct meta_id *tenant, struct hearth_err *err);

/* The caller's bucket of that name. HEARTH_NOT_FOUND, HEARTH_DENIED. */
enum hearth_code service_bucket(struct coordinator *coordinator, const struct rpc_context *context,
    enum service_right right, struct view name, struct meta_bucket *out, struct hearth_err *err);

/*
 * The caller's bucket of that name, to write to.  A manifest is sealed for a bucket's id: when the
 * bucket was deleted and made again since, HEARTH_CONFLICT.  bucket_id empty: not said.
 */
enum hearth_code service_bucket_sealed_for(struct coordinator *coordinator,
    const struct rpc_context *context, struct view name, struct view bucket_id,
    struct meta_bucket *out, struct hearth_err *err);

/* An intent of the caller's tenant. HEARTH_NOT_FOUND also for somebody else's. */
enum hearth_code service_intent(struct coordinator *coordinator, const struct rpc_context *context,
    struct view id, struct meta_intent *out, struct hearth_err *err);

/*
 * A profile that somebody named, and not because it is the cluster's own, needs so many nodes that
 * take shards, of as many owners and networks.  HEARTH_FLEET_TOO_SMALL says how many are missing.
 */
enum hearth_code service_fleet_carries(struct coordinator *coordinator,
    const struct profile *profile, unsigned nodes, struct arena *arena, struct hearth_err *err);

/* The wire has checked the sizes. */
struct meta_id service_id(struct view bytes);
struct view service_copy(struct arena *arena, const void *bytes, size_t size);

/* The caller said whose certificate will show its orders. */
enum hearth_code service_check_session(struct view session_id, struct hearth_err *err);

/* Checks the receipts of a SealSegment, alone or inside a Commit. `receipts` is borrowed by `seal`.
 */
enum hearth_code service_seal(struct coordinator *coordinator,
    const struct wire_seal_segment_request *in, const struct meta_intent *intent,
    struct arena *arena, struct segment_receipts *receipts, struct meta_seal *seal,
    struct hearth_err *err);

/* A version as the wire has it, in the arena. */
struct wire_version_info service_version(const struct meta_object_info *info, struct arena *arena);

/* An ETag as the wire has it. */
struct meta_etag service_etag(struct view bytes);

/* The version that somebody asks for, in `room`; NULL: the newest. */
const struct meta_version *service_wanted_version(struct view bytes, struct meta_version *room);

/* NULL: no part. HEARTH_INVALID: a number that no part has. */
enum hearth_code service_part(
    const struct wire_part_place *part, struct meta_part *out, struct hearth_err *err);

/* NULL is no condition. */
struct meta_condition service_condition(const struct wire_precondition *precondition);

/* A node_dialled_fn; context is the struct coordinator. Notes which addresses are right. */
void node_service_dialled(
    void *context, uint32_t number, const struct meta_endpoint *endpoints, size_t count);

/* The handlers of each service, for the server's table. */
extern const struct rpc_handler session_handlers[];
extern const unsigned session_handler_count;
extern const struct rpc_handler bucket_handlers[];
extern const unsigned bucket_handler_count;
extern const struct rpc_handler segment_handlers[];
extern const unsigned segment_handler_count;
extern const struct rpc_handler shard_handlers[];
extern const unsigned shard_handler_count;
extern const struct rpc_handler object_handlers[];
extern const unsigned object_handler_count;
extern const struct rpc_handler lookup_handlers[];
extern const unsigned lookup_handler_count;
extern const struct rpc_handler upload_handlers[];
extern const unsigned upload_handler_count;
extern const struct rpc_handler node_handlers[];
extern const unsigned node_handler_count;
extern const struct rpc_handler admin_handlers[];
extern const unsigned admin_handler_count;
extern const struct rpc_handler rebalance_handlers[];
extern const unsigned rebalance_handler_count;
extern const struct rpc_handler drain_handlers[];
extern const unsigned drain_handler_count;
extern const struct rpc_handler account_handlers[];
extern const unsigned account_handler_count;
extern const struct rpc_handler garbage_handlers[];
extern const unsigned garbage_handler_count;
extern const struct rpc_handler gateway_handlers[];
extern const unsigned gateway_handler_count;

#endif /* HEARTH_COORDINATOR_SERVICE_SERVICE_H */
