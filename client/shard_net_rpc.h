/*
 * shard_net_rpc.h - the shard_net that speaks to real nodes.
 *
 * Thread-safety: as shard_net.h says.
 */
#ifndef HEARTH_CLIENT_SHARD_NET_RPC_H
#define HEARTH_CLIENT_SHARD_NET_RPC_H

#include "client/shard_net.h"
#include "proto/rpc_runtime.h"

/* The runtime is borrowed, ca_pem copied. Nobody is spoken to before shard_net_identify(). */
enum hearth_code shard_net_rpc_create(struct rpc_runtime *runtime, const char *ca_pem,
    struct shard_net **out, struct hearth_err *err);

/* Every call was dropped; waits for the last of them to end. Accepts NULL. */
void shard_net_rpc_destroy(struct shard_net *net);

#endif /* HEARTH_CLIENT_SHARD_NET_RPC_H */
