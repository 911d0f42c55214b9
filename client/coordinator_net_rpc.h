/*
 * coordinator_net_rpc.h - the coordinator that is really there, over mutual TLS.
 *
 *   ask --> the channel to the address that answered last; nobody there: the next address
 *   refresh --> our certificate is renewed when its time has come, and new channels show it
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_COORDINATOR_NET_RPC_H
#define HEARTH_CLIENT_COORDINATOR_NET_RPC_H

#include "client/coordinator.h"
#include "proto/identity.h"
#include "proto/rpc_runtime.h"

struct coordinator_net_rpc_options {
    struct rpc_runtime *runtime;              /* borrowed */
    struct identity *identity;                /* borrowed; nobody else touches it from now on */
    const struct config_addresses *addresses; /* borrowed; at least one */
};

/* Speaks to nobody yet. */
enum hearth_code coordinator_net_rpc_create(const struct coordinator_net_rpc_options *options,
    struct coordinator **out, struct hearth_err *err);

/* No question may be under way. Accepts NULL. */
void coordinator_net_rpc_destroy(struct coordinator *coordinator);

#endif /* HEARTH_CLIENT_COORDINATOR_NET_RPC_H */
