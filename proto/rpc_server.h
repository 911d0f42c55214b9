/*
 * rpc_server.h - answers the calls of peers that proved who they are.
 *
 *   TLS handshake: a certificate of our CA is required ......... or the connection ends
 *   path in the table and handled here? ........................ or UNIMPLEMENTED
 *   certificate in date, class in the row? ..................... or EXPIRED, DENIED
 *   allowed()? ................................................. or DENIED
 *   room? ...................................................... or BUSY
 *   unary: message within its limit, decodes? .................. or INVALID
 *      --> worker thread: handler --> response
 *   stream:
 *      --> pump thread: opened() --> the stream is the service's
 *
 * Strangers never reach HTTP/2: the handshake requires a certificate.
 */
#ifndef HEARTH_PROTO_RPC_SERVER_H
#define HEARTH_PROTO_RPC_SERVER_H

#include "proto/rpc_stream.h"

struct rpc_server;

enum { RPC_ADDRESS_TEXT_SIZE = 80 };

/* One call, as its handler sees it. */
struct rpc_context {
    struct peer_identity peer;
    char address[RPC_ADDRESS_TEXT_SIZE]; /* "ipv4:192.0.2.7:51234"; for logs, proves nothing */
    uint8_t request_id[RPC_REQUEST_ID_SIZE];
    unsigned method;
    uint64_t deadline_ns; /* of the env's monotonic clock */
    struct arena *arena;  /* unary: for the response's memory; freed after it was encoded */
};

/*
 * Unary, on a worker thread; may block, but not past context->deadline_ns for long.  Fill
 * *response (zeroed, of the row's type) and return HEARTH_OK, or fill *err and return its code.
 * request and response borrow from context->arena and live until the handler returns.
 */
typedef enum hearth_code rpc_unary_fn(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err);

/*
 * A stream begins, on a pump thread; must not block.  HEARTH_OK: *handlers (static or outliving
 * the stream) and *handler_context are set and the stream is the service's, to be finished and
 * released; reads may be started here.  Any other code finishes the stream with it and err's
 * message, and the service must forget it.
 */
typedef enum hearth_code rpc_opened_fn(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err);

struct rpc_handler {
    unsigned method;
    rpc_unary_fn *unary;   /* for RPC_UNARY rows */
    rpc_opened_fn *opened; /* for all others */
};

/* false: the call is answered DENIED (a revoked peer). On a pump thread; must not block. */
typedef bool rpc_allowed_fn(void *service, const struct peer_identity *peer);

enum { RPC_ADDRESSES_MAX = 8 };

struct rpc_server_options {
    enum rpc_transport transport;
    struct rpc_runtime *runtime;              /* required */
    struct rpc_credentials *credentials;      /* required; a reference is taken */
    const char *addresses[RPC_ADDRESSES_MAX]; /* "host:port"; first NULL ends; port 0: any free */
    const struct rpc_table *table;            /* NULL: rpc_methods */
    const struct rpc_handler *handlers;       /* borrowed for the server's life */
    unsigned handler_count;
    void *service;           /* passed to handlers */
    rpc_allowed_fn *allowed; /* NULL: every certificate in date */

    unsigned calls_max;   /* 0: 1,024 calls and streams open at once; then BUSY */
    unsigned streams_max; /* 0: 32; calls and streams at once on one connection */
    /* Over the link, of one peer, whatever connections it has: */
    unsigned peer_connections_max; /* 0: 8 */
    unsigned peer_streams_max;     /* 0: streams_max; then BUSY */
    unsigned handshake_timeout_ms; /* 0: 10,000 */
    unsigned keepalive_ms;         /* 0: 25,000 */
    unsigned idle_ms;              /* 0: 600,000; a connection without calls is closed */
    size_t memory_max;             /* 0: 64 MiB in buffers for all connections */
};

/* Listens and serves. HEARTH_EXISTS: an address is in use. HEARTH_INVALID: cannot be listened on.
 */
enum hearth_code rpc_server_start(
    const struct rpc_server_options *options, struct rpc_server **out, struct hearth_err *err);

/* The port of the first address: what port 0 became. */
unsigned rpc_server_port(const struct rpc_server *server);

/* New connections get these; the ones there keep theirs. Any thread. */
void rpc_server_set_credentials(struct rpc_server *server, struct rpc_credentials *credentials);

/* Refuses new calls, waits up to grace_ms for those in flight, then cancels the rest and waits
 * for their closed().  Afterwards no handler runs. Not on a pump or worker thread. Once. */
void rpc_server_stop_blocking(struct rpc_server *server, uint32_t grace_ms);

/* After stop. Accepts NULL. */
void rpc_server_destroy(struct rpc_server *server);

#endif /* HEARTH_PROTO_RPC_SERVER_H */
