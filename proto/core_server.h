/*
 * core_server_core.h - what core_server.c (its life) and core_server_call.c (one call) share.
 * Private to them.
 */
#ifndef HEARTH_PROTO_CORE_SERVER_H
#define HEARTH_PROTO_CORE_SERVER_H

#include "proto/core.h"
#include "proto/core_peers.h"

struct core_server {
    struct rpc_server base; /* first */

    /* Set once, before start. */
    struct core_peers *peers;
    grpc_server *server;
    int port;
    struct core_tag stopped_tag;

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
void core_server_call_expect(struct core_server *server, grpc_completion_queue *queue);

/* A request became a call, or (not arrived) the server stops. false: calls_max are open. */
bool core_server_count_arrival(struct core_server *server, bool arrived);

#endif /* HEARTH_PROTO_CORE_SERVER_H */
