/*
 * shard_source_rpc.h - cells from other nodes over the link, with this node's own certificate.
 *
 * The connection to the node asked last is kept: a node that is emptied gives many shards.
 *
 * Thread-safety: the seam on the loop thread; credentials from any thread.
 */
#ifndef HEARTH_STORAGED_SHARD_SOURCE_RPC_H
#define HEARTH_STORAGED_SHARD_SOURCE_RPC_H

#include "proto/rpc_channel.h"
#include "storaged/loop.h"
#include "storaged/shard_source.h"

/* Loop and runtime are borrowed; of the credentials a reference is taken. */
enum hearth_code shard_source_rpc_create(struct loop *loop, struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, struct shard_source **out, struct hearth_err *err);

/* Until no fetch is under way, while the loop still runs; each must have been cancelled or be near
 * its end. */
void shard_source_rpc_drain_blocking(struct shard_source *source);

/* No fetch may be under way. Accepts NULL. */
void shard_source_rpc_destroy(struct shard_source *source);

/* For connections made from now on. A reference is taken. */
void shard_source_rpc_set_credentials(
    struct shard_source *source, struct rpc_credentials *credentials);

#endif /* HEARTH_STORAGED_SHARD_SOURCE_RPC_H */
