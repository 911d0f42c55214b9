/*
 * coordinator_rpc.h - heartbeats over the network: one channel to one coordinator at a time.
 *
 *   address 0 --fails--> address 1 --fails--> ... --fails--> address 0
 *
 * The first failure moves on to the next address: heartbeat.c decides when to try.
 *
 * Thread-safety: the seam on the loop thread; credentials from any thread.
 */
#ifndef HEARTH_STORAGED_COORDINATOR_RPC_H
#define HEARTH_STORAGED_COORDINATOR_RPC_H

#include "proto/rpc_channel.h"
#include "storaged/coordinator_link.h"
#include "storaged/loop.h"

enum { COORDINATOR_CALL_MS = 10000 }; /* deadline of a heartbeat; less than half an interval */

struct coordinator_rpc;

struct coordinator_rpc_options {
    struct loop *loop;
    struct rpc_runtime *runtime;
    struct rpc_credentials *credentials; /* a reference is taken */
    const char *const *addresses;        /* "host:port"; borrowed */
    unsigned address_count;              /* >= 1 */
};

enum hearth_code coordinator_rpc_create(const struct coordinator_rpc_options *options,
    struct coordinator_rpc **out, struct hearth_err *err);

/* No call may be under way. Accepts NULL. */
void coordinator_rpc_destroy(struct coordinator_rpc *rpc);

struct coordinator_link *coordinator_rpc_link(struct coordinator_rpc *rpc);

/* From the next call on. A reference is taken. Any thread. */
void coordinator_rpc_set_credentials(
    struct coordinator_rpc *rpc, struct rpc_credentials *credentials);

#endif /* HEARTH_STORAGED_COORDINATOR_RPC_H */
