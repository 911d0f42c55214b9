/*
 * rpc_core.h - what the rpc_*.c files share of gRPC: the runtime's queues, tags, bytes and status.
 * Private to them: no header that others include may include this one.
 */
#ifndef HEARTH_PROTO_RPC_CORE_H
#define HEARTH_PROTO_RPC_CORE_H

#include "common/buf.h"
#include "proto/rpc_server.h"
#include "proto/rpc_workers.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

/* Metadata of ours. A key that ends in -bin holds any bytes. */
#define RPC_KEY_REQUEST_ID "hearth-request-bin"
#define RPC_KEY_CODE       "hearth-code"

enum {
    /* Nobody may keep a call of a server open longer, whatever deadline he names. */
    RPC_DEADLINE_MAX_MS = 3600 * 1000,
    RPC_KEEPALIVE_MS = 25 * 1000,
    RPC_LOOKAHEAD_BYTES = 256 * 1024,
    RPC_METADATA_MAX = 8 * 1024,
};

/* ---- rpc_runtime.c ---- */

/* What an event of a queue leads to: embedded in what it is about. */
struct rpc_tag {
    void (*fire)(struct rpc_tag *tag, bool success);
};

struct rpc_runtime {
    struct env *env;
    struct rpc_workers *workers;
    struct rpc_pump *pumps;
    unsigned pump_count;
    atomic_uint next_pump;
};

/* A queue for a new call: all its events come from one thread. */
grpc_completion_queue *rpc_runtime_queue(struct rpc_runtime *runtime);

grpc_completion_queue *rpc_runtime_queue_at(struct rpc_runtime *runtime, unsigned index);

/* Starts a batch that is right by construction; anything but GRPC_CALL_OK is a bug of ours. */
void rpc_batch(grpc_call *call, const grpc_op *ops, size_t count, struct rpc_tag *tag);

/* From now, on gRPC's own clock. */
gpr_timespec rpc_deadline(uint32_t deadline_ms);

/* ---- rpc_bytes.c ---- */

/* Takes the slices' references; zero copy where there is an owner. */
grpc_byte_buffer *rpc_bytes_create(const struct slice *slices TAKES, size_t count);

/* All of it, in one buf of ours.  NULL: no memory, or it says that it is compressed, which we
 * never offer. */
struct buf *rpc_bytes_gather(grpc_byte_buffer *bytes);

struct view rpc_slice_view(const grpc_slice *slice);

/* The value of a key; false: it is not there. */
bool rpc_metadata_find(const grpc_metadata_array *metadata, const char *key, struct view *value);

/* ---- rpc_args.c ---- */

/* Arguments of a channel or server, gathered; texts and pointers are borrowed. */
struct rpc_args {
    grpc_arg args[32];
    grpc_channel_args list;
};

/* Those that both ends share; zero means the default, as in the options. */
void rpc_args_init(struct rpc_args *args, unsigned keepalive_ms, unsigned lookahead_bytes);
void rpc_args_int(struct rpc_args *args, const char *key, int value);
void rpc_args_text(struct rpc_args *args, const char *key, const char *value);
void rpc_args_pointer(
    struct rpc_args *args, const char *key, void *pointer, const grpc_arg_pointer_vtable *vtable);
void rpc_args_add(struct rpc_args *args, grpc_arg arg);

/* ---- rpc_credentials.c ---- */

struct rpc_credentials {
    atomic_uint refs;
    struct pki_certificate certificate;
    char *ca_pem;
    char *certificate_pem;
    char *key_pem;
    grpc_ssl_session_cache *sessions;
};

/* ---- rpc_status.c ---- */

/* How a client's call ended, as gRPC tells it. */
struct rpc_ending {
    grpc_metadata_array trailers;
    grpc_status_code status;
    grpc_slice details;
};

void rpc_ending_init(struct rpc_ending *ending);
void rpc_ending_fini(struct rpc_ending *ending);

/* What else decides what it means. */
struct rpc_attempt {
    const char *address;
    const char *connect_problem; /* why the peer's identity was refused; NULL: it was not */
    bool is_fixed;               /* nobody else is ever expected at the address */
    bool sent;                   /* the request may have reached the peer */
    bool mutates;
    bool cancelled; /* by us */
};

enum hearth_code rpc_ending_read(
    const struct rpc_ending *ending, const struct rpc_attempt *attempt, struct hearth_err *err);

/* The other way: the trailer and status that carry a code.  Valid for one batch's start; then
 * fini. */
struct rpc_verdict {
    grpc_metadata trailer;
    grpc_slice details;
    char code_text[12];
    grpc_op op; /* SEND_STATUS_FROM_SERVER, ready for the batch */
};

/* `text` may be NULL when code is HEARTH_OK. */
void rpc_verdict_init(struct rpc_verdict *verdict, enum hearth_code code, const char *text);
void rpc_verdict_fini(struct rpc_verdict *verdict);

/* ---- rpc_channel.c ---- */

/* Who must be at the other end. Shared with gRPC's credentials, which outlive the channel. */
struct rpc_expectation;

struct rpc_channel {
    atomic_uint refs; /* the owner's and one of each call */
    struct rpc_runtime *runtime;
    const struct rpc_table *table;
    grpc_channel *channel;
    struct rpc_expectation *expectation;
    char *address;
};

struct rpc_channel *rpc_channel_ref(struct rpc_channel *channel);
void rpc_channel_unref(struct rpc_channel *channel);

/* A call on `queue` with the request's deadline, nothing sent. */
grpc_call *rpc_channel_create_call(
    struct rpc_channel *channel, const struct rpc_request *request, grpc_completion_queue *queue);

/* The metadata every request begins with; its value to be unreffed after the batch's start. */
grpc_metadata rpc_channel_metadata(struct rpc_channel *channel, const struct rpc_request *request);

/* The request's message in bytes; HEARTH_INVALID: cannot be encoded, or over the row's limit. */
enum hearth_code rpc_encode_within(const struct wire_message *wire, const void *message,
    uint32_t size_max, const char *path, struct buf **out, struct hearth_err *err);

/*
 * Whether there is a connection to put a call on; without one, asks gRPC to make it.
 *
 * This is what tells "certainly not sent" from "perhaps".  gRPC does not: its UNAVAILABLE covers
 * both, the address it gives a call is known only when the peer has answered, and a failed send
 * may have reached the wire.  So with a connection everything of a call is sent at once, and what
 * fails counts as sent.  Without one its metadata go first and alone, which no server can act on;
 * only when the transport has taken them does the rest follow, and only then it counts as sent.
 */
bool rpc_channel_is_ready(struct rpc_channel *channel);

/* What the end of a call means; fills *err and returns its code unless HEARTH_OK. */
enum hearth_code rpc_channel_ending(struct rpc_channel *channel, const struct rpc_method_row *row,
    const struct rpc_ending *ending, bool sent, bool cancelled, struct hearth_err *err);

/* The peer answered, but not with what the method's row says: what that means for the caller. */
enum hearth_code rpc_channel_nonsense(struct rpc_channel *channel, const struct rpc_method_row *row,
    const char *what, struct hearth_err *err);

/* ---- rpc_stream.c ---- */

/* A call that arrived: a stream of the server's, with one reference for rpc_stream_accept(). */
struct rpc_stream *rpc_stream_create_accepted(struct rpc_server *server, grpc_call *call TAKES,
    const struct rpc_method_row *row, const struct rpc_context *context);

/* From here on its handlers run. */
void rpc_stream_accept(
    struct rpc_stream *stream, const struct rpc_stream_handlers *handlers, void *handler_context);

/* ---- rpc_server.c ---- */

/* A call is over and its handlers have returned. */
void rpc_server_forget_call(struct rpc_server *server);

#endif /* HEARTH_PROTO_RPC_CORE_H */
