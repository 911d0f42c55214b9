/*
 * rpc_channel.h - one connection to one peer, and the unary calls made over it.
 *
 *   create --> rpc_call_blocking, rpc_call_start, rpc_stream_open ... --> destroy
 *
 * The connection is made by the first call and made again, with back-off, after it was lost.  The
 * peer is who its certificate says only if all of this holds: the certificate is of our CA, its
 * key hashes to the expected id, and its names are of the expected class and our cluster.
 *
 * What a call that got no answer of the peer's own ends with:
 *
 *   HEARTH_UNREACHABLE  the request certainly was not sent; or it was, and the method does not
 *                       mutate
 *   HEARTH_UNKNOWN      the method mutates and the peer may have had the request
 *   HEARTH_DEADLINE     the deadline passed after the request may have been sent
 *   HEARTH_CANCELLED    we cancelled it
 *   HEARTH_DENIED       who answers at a coordinator's address is not one of our cluster: asking
 *                       again does not help (a node may be elsewhere now: UNREACHABLE)
 *
 * Every other code was sent by the peer, with its message.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_PROTO_RPC_CHANNEL_H
#define HEARTH_PROTO_RPC_CHANNEL_H

#include "common/arena.h"
#include "proto/rpc_credentials.h"
#include "proto/rpc_methods.h"
#include "proto/rpc_runtime.h"

enum {
    RPC_REQUEST_ID_SIZE = 16,
    RPC_MESSAGE_TEXT_MAX = 400, /* bytes of an error's message on the wire */
    RPC_HOST_PORT_SIZE = 262,   /* "[host]:port" with the longest host there is, and its end */
};

/* How it travels. The link carries streams alone, and is all that nodes serve. */
enum rpc_transport { RPC_GRPC, RPC_LINK };

struct rpc_channel;

struct rpc_channel_options {
    struct rpc_runtime *runtime;         /* required */
    struct rpc_credentials *credentials; /* required; the channel takes a reference of its own */
    const char *address;                 /* required: "host:port", "[v6]:port" */
    enum rpc_transport transport;        /* as the server's */
    enum peer_class peer_class;          /* required: who is expected there */
    const uint8_t *peer_id; /* PKI_ID_SIZE bytes; NULL (coordinators only): any of this class */
    const struct rpc_table *table; /* NULL: rpc_methods */
    unsigned connect_timeout_ms;   /* 0: 5,000 */
    unsigned keepalive_ms;         /* 0: 25,000. Home routers forget a silent connection in 30 s */
};

enum hearth_code rpc_channel_create(
    const struct rpc_channel_options *options, struct rpc_channel **out, struct hearth_err *err);

/* Calls and streams still open go on, holding what they need; cancel them first to end soon.
 * Accepts NULL. */
void rpc_channel_destroy(struct rpc_channel *channel);

/* What to ask; used by unary calls and streams alike. */
struct rpc_request {
    unsigned method;           /* enum rpc_method, or the row of a test's own table */
    const void *message;       /* of the row's request type; borrowed for the starting call */
    uint32_t deadline_ms;      /* required: from now */
    const uint8_t *request_id; /* RPC_REQUEST_ID_SIZE bytes; NULL: drawn at random */
};

/*
 * Calls and waits, at most deadline_ms.  On success *response (of the row's response type) is
 * filled, its memory from `arena`.  Never call it on a pump thread or a loop.
 */
enum hearth_code rpc_call_blocking(struct rpc_channel *channel, const struct rpc_request *request,
    struct arena *arena, void *response, struct hearth_err *err);

/* ---- the same without waiting ---- */

struct rpc_call;

/* `err` is set when code is not HEARTH_OK, and borrowed for the call. */
typedef void rpc_call_done_fn(void *context, enum hearth_code code, const struct hearth_err *err);

/*
 * Starts a call.  On HEARTH_OK done() runs exactly once, on a pump thread, never before this
 * returns or inside any call of ours; arena and response are the call's until then.  Any other
 * code: the request itself is wrong (INVALID), and done() will not run.  *out is to be released,
 * at any time; NULL for out: nobody will cancel it.
 */
enum hearth_code rpc_call_start(struct rpc_channel *channel, const struct rpc_request *request,
    struct arena *arena, void *response, rpc_call_done_fn *done, void *context,
    struct rpc_call **out, struct hearth_err *err);

/* done() will run soon, with HEARTH_CANCELLED unless the answer was there first. */
void rpc_call_cancel(struct rpc_call *call);

void rpc_call_release(struct rpc_call *call); /* accepts NULL; does not cancel */

/* An endpoint as an address: "host:port", "[v6]:port". */
void rpc_host_port(struct view host, unsigned port, char text[RPC_HOST_PORT_SIZE]);

/* A peer's text, cut, and without what could steer a terminal or break a log line. */
void rpc_copy_text(struct view text, char out[RPC_MESSAGE_TEXT_MAX + 1]);

#endif /* HEARTH_PROTO_RPC_CHANNEL_H */
