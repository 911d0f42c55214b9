/*
 * rpc_runtime.h - the threads and queues under every channel and server of a process.
 *
 *   gRPC's completion queue --> pump thread --> a stream's or call's handler (must not block)
 *                                          \--> bounded queue --> worker threads: unary handlers
 *                                                                 (may block)
 *   the link's sockets --> its own pump thread --> a stream's handler (must not block)
 *
 * main makes one.  gRPC is initialised by it: a process must not fork afterwards.  It raises the
 * process's limit of open descriptors to what it may be.
 */
#ifndef HEARTH_PROTO_RPC_RUNTIME_H
#define HEARTH_PROTO_RPC_RUNTIME_H

#include "common/env.h"
#include "common/err.h"

struct rpc_runtime;

struct rpc_runtime_options {
    struct env *env;    /* NULL: env_system() */
    unsigned pumps;     /* 0: 1. A call lives on one pump; more only help past one core of TLS */
    unsigned workers;   /* 0: 4; unary handlers that run at once */
    unsigned queue_max; /* 0: 256; unary calls waiting for a worker. At it: HEARTH_BUSY */
};

enum hearth_code rpc_runtime_create(
    const struct rpc_runtime_options *options, struct rpc_runtime **out, struct hearth_err *err);

/* Waits for the workers' last calls and gRPC's last events.  Every server and channel of it must
 * be destroyed before, every stream and call released.  Accepts NULL. */
void rpc_runtime_destroy(struct rpc_runtime *runtime);

#endif /* HEARTH_PROTO_RPC_RUNTIME_H */
