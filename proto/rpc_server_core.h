/*
 * rpc_server_core.h - what rpc_server.c (its life) and rpc_server_call.c (one call) share.
 * Private to them.
 */
#ifndef HEARTH_PROTO_RPC_SERVER_CORE_H
#define HEARTH_PROTO_RPC_SERVER_CORE_H

#include "proto/rpc_core.h"
#include "proto/rpc_peers.h"

struct rpc_server {
    /* Set once, before start. */
    struct rpc_runtime *runtime;
    const struct rpc_table *table;
    const struct rpc_handler **handlers; /* by method; NULL: not served here */
    void *service;
    rpc_allowed_fn *allowed;
    unsigned calls_max;
    struct rpc_peers *peers;
    grpc_server *server;
    int port;
    struct rpc_tag stopped_tag;

    /* Any thread, holding credentials_mutex. */
    pthread_mutex_t credentials_mutex;
    struct rpc_credentials *credentials;
    bool credentials_fetched; /* by gRPC, since they last changed */

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned requests; /* asked of gRPC, not arrived */
    unsigned calls;    /* arrived, not over */
    bool stopped;      /* gRPC has let go of every connection */
};

/* Asks gRPC for the next call of a queue; it brings its successor itself. */
void rpc_server_call_expect(struct rpc_server *server, grpc_completion_queue *queue);

/* A request became a call, or (not arrived) the server stops. false: calls_max are open. */
bool rpc_server_count_arrival(struct rpc_server *server, bool arrived);

#endif /* HEARTH_PROTO_RPC_SERVER_CORE_H */
