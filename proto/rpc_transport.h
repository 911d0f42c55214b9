/*
 * rpc_transport.h - what a transport has to give, and what all of them share.
 *
 *   rpc_channel.h, rpc_stream.h, rpc_server.h
 *        |  rpc_channel.c, rpc_stream.c, rpc_server.c: whatever is the same for all
 *        v
 *   core_*  gRPC's C core: the coordinator's services
 *   link_*  our own frames over TLS: the shard service
 *
 * A transport's channel, stream and server begin with the struct of ours that is named here.
 * Private to proto/.
 */
#ifndef HEARTH_PROTO_RPC_TRANSPORT_H
#define HEARTH_PROTO_RPC_TRANSPORT_H

#include "common/buf.h"
#include "proto/rpc_server.h"
#include "proto/rpc_workers.h"

enum {
    /* Nobody may keep a call of a server open longer, whatever deadline he names. */
    RPC_DEADLINE_MAX_MS = 3600 * 1000,
    /* What is left is told in steps of up to a hundredth, rounded up, and read by another clock. */
    RPC_DEADLINE_ROUNDING_MS = RPC_DEADLINE_MAX_MS / 100,
    RPC_KEEPALIVE_MS = 25 * 1000,
    RPC_LOOKAHEAD_BYTES = 256 * 1024,
    RPC_CALLS_MAX = 1024,
    RPC_STREAMS_MAX = 32,
    RPC_HANDSHAKE_TIMEOUT_MS = 10 * 1000,
    RPC_CONNECT_TIMEOUT_MS = 5000,
    RPC_IDLE_MS = 600 * 1000,
    RPC_MEMORY_MAX = 64 << 20,
    RPC_BACKOFF_FIRST_MS = 200,
    RPC_BACKOFF_MAX_MS = 5000,
};

static inline unsigned rpc_or_default(unsigned value, unsigned standard)
{
    return value > 0 ? value : standard;
}

struct link_pump;

struct rpc_runtime {
    struct env *env;
    struct rpc_workers *workers;
    struct rpc_pump *pumps; /* gRPC's */
    unsigned pump_count;
    atomic_uint next_pump;
    struct link_pump *link;
};

struct rpc_credentials {
    atomic_uint refs;
    struct pki_certificate certificate;
    char *ca_pem;
    char *certificate_pem;
    char *key_pem;
    struct grpc_ssl_session_cache *sessions;
    struct ssl_ctx_st *tls; /* the link's, for both ends */
};

/* ---- streams ---- */

struct rpc_stream_ops {
    void (*read)(struct rpc_stream *stream);
    void (*send)(struct rpc_stream *stream, const struct slice *slices TAKES, size_t count);
    void (*send_close)(struct rpc_stream *stream);
    void (*finish)(struct rpc_stream *stream, enum hearth_code code, const char *text);
    void (*cancel)(struct rpc_stream *stream);
    void (*release)(struct rpc_stream *stream);
};

/* Set once. */
struct rpc_stream {
    const struct rpc_stream_ops *ops;
    const struct rpc_method_row *row;
    bool at_client;
    struct rpc_context context; /* server */
};

/* The largest message that this end may send, or get. */
uint32_t rpc_stream_send_max(const struct rpc_stream *stream);
uint32_t rpc_stream_receive_max(const struct rpc_stream *stream);

/* The request's message in bytes; HEARTH_INVALID: cannot be encoded, or over the row's limit. */
enum hearth_code rpc_encode_within(const struct wire_message *wire, const void *message,
    uint32_t size_max, const char *path, struct buf **out, struct hearth_err *err);

/* ---- channels ---- */

/* A stream to be opened. */
struct rpc_opening {
    const struct rpc_method_row *row;
    const struct rpc_request *request;
    struct buf *first; /* given away; NULL: none.  An RPC_SERVER_STREAM half-closes after it */
    const struct rpc_stream_handlers *handlers;
    void *context;
};

struct rpc_channel_ops {
    void (*open_stream)(
        struct rpc_channel *channel, const struct rpc_opening *opening, struct rpc_stream **out);
    /* NULL: it carries streams alone. */
    enum hearth_code (*start_call)(struct rpc_channel *channel, const struct rpc_request *request,
        struct arena *arena, void *response, rpc_call_done_fn *done, void *context,
        struct rpc_call **out, struct hearth_err *err);
    void (*destroy)(struct rpc_channel *channel);
};

/* Set once. */
struct rpc_channel {
    const struct rpc_channel_ops *ops;
    const struct rpc_table *table;
};

/* Who must be at the other end. */
struct rpc_expectation {
    uint8_t cluster[PKI_CLUSTER_SIZE];
    enum peer_class class;
    bool any_id;
    uint8_t id[PKI_ID_SIZE];
};

struct rpc_expectation rpc_expectation_of(const struct rpc_channel_options *options);

/* HEARTH_DENIED: it is somebody else. The chain to our CA was verified before. */
enum hearth_code rpc_expectation_check(const struct rpc_expectation *expectation,
    const struct pki_certificate *peer, struct hearth_err *err);

/* RPC_REQUEST_ID_SIZE bytes of the request's, or drawn. */
void rpc_request_id(
    struct env *env, const struct rpc_request *request, uint8_t id[RPC_REQUEST_ID_SIZE]);

/* The peer answered, but not with what the method's row says: what that means for the caller. */
enum hearth_code rpc_nonsense(const char *address, const struct rpc_method_row *row,
    const char *what, struct hearth_err *err);

enum hearth_code core_channel_create(
    const struct rpc_channel_options *options, struct rpc_channel **out, struct hearth_err *err);
enum hearth_code link_channel_create(
    const struct rpc_channel_options *options, struct rpc_channel **out, struct hearth_err *err);

/* ---- servers ---- */

struct rpc_server_ops {
    unsigned (*port)(const struct rpc_server *server);
    void (*set_credentials)(struct rpc_server *server, struct rpc_credentials *credentials);
    void (*stop_blocking)(struct rpc_server *server, uint32_t grace_ms);
    void (*destroy)(struct rpc_server *server);
};

/* Set once. */
struct rpc_server {
    const struct rpc_server_ops *ops;
    struct rpc_runtime *runtime;
    const struct rpc_table *table;
    const struct rpc_handler **handlers; /* by method; NULL: not served here */
    void *service;
    rpc_allowed_fn *allowed;
    unsigned calls_max;
};

void rpc_server_init(struct rpc_server *server, const struct rpc_server_options *options);
void rpc_server_fini(struct rpc_server *server);

/* The largest request that is served here: what the transport must let through. */
uint32_t rpc_server_request_max(const struct rpc_server *server);

/* ---- what every call is asked, in this order; each fills its part of the context ---- */

enum hearth_code rpc_server_find_method(const struct rpc_server *server, struct view path,
    struct rpc_context *context, struct hearth_err *err);
enum hearth_code rpc_server_check_peer(const struct rpc_server *server,
    const struct pki_certificate *peer, struct rpc_context *context, struct hearth_err *err);
/* From now; negative: it has passed already. */
enum hearth_code rpc_server_take_deadline(const struct rpc_server *server, int64_t left_ms,
    struct rpc_context *context, struct hearth_err *err);

/* Tells the method's handler of a stream; as rpc_opened_fn. */
enum hearth_code rpc_server_open_stream(const struct rpc_server *server, struct rpc_stream *stream,
    const struct rpc_stream_handlers **handlers, void **handler_context, struct hearth_err *err);

/* In two: "host:port", "[v6]:port". */
bool rpc_split_address(const char *address, char *host, size_t host_size, const char **port);

enum hearth_code core_server_start(
    const struct rpc_server_options *options, struct rpc_server **out, struct hearth_err *err);
enum hearth_code link_server_start(
    const struct rpc_server_options *options, struct rpc_server **out, struct hearth_err *err);

#endif /* HEARTH_PROTO_RPC_TRANSPORT_H */
