/*
 * rpc_workers.h - a bounded queue of jobs and the threads that run them. Knows nothing of gRPC.
 */
#ifndef HEARTH_PROTO_RPC_WORKERS_H
#define HEARTH_PROTO_RPC_WORKERS_H

#include "common/err.h"

#include <stdbool.h>

struct rpc_job {
    void (*run)(struct rpc_job *job); /* on a worker; the job is not touched afterwards */
    struct rpc_job *next;             /* the queue's */
};

struct rpc_workers;

enum hearth_code rpc_workers_create(
    unsigned threads, unsigned queue_max, struct rpc_workers **out, struct hearth_err *err);

/* Runs what is queued, then ends the threads. Nothing may be posted meanwhile. Accepts NULL. */
void rpc_workers_destroy(struct rpc_workers *workers);

/* Any thread; never waits. false: queue_max jobs wait already; the job is still the caller's. */
bool rpc_workers_post(struct rpc_workers *workers, struct rpc_job *job);

#endif /* HEARTH_PROTO_RPC_WORKERS_H */
