/*
 * core.h - what the rpc_*.c files share of gRPC: the runtime's queues, tags, bytes and status.
 * Private to them: no header that others include may include this one.
 */
#ifndef HEARTH_PROTO_CORE_H
#define HEARTH_PROTO_CORE_H

#include "proto/rpc_transport.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

/* Metadata of ours. A key that ends in -bin holds any bytes. */
#define RPC_KEY_REQUEST_ID "hearth-request-bin"
#define RPC_KEY_CODE       "hearth-code"

enum { CORE_METADATA_MAX = 8 * 1024 };

/* ---- rpc_runtime.c ---- */

/* What an event of a queue leads to: embedded in what it is about. */
struct core_tag {
    void (*fire)(struct core_tag *tag, bool success);
};

/* A queue for a new call: all its events come from one thread. */
grpc_completion_queue *core_runtime_queue(struct rpc_runtime *runtime);

grpc_completion_queue *core_runtime_queue_at(struct rpc_runtime *runtime, unsigned index);

/* Starts a batch that is right by construction; anything but GRPC_CALL_OK is a bug of ours. */
void core_batch(grpc_call *call, const grpc_op *ops, size_t count, struct core_tag *tag);

/* From now, on gRPC's own clock. */
gpr_timespec core_deadline(uint32_t deadline_ms);

/* ---- core_bytes.c ---- */

/* Takes the slices' references; zero copy where there is an owner. */
grpc_byte_buffer *core_bytes_create(const struct slice *slices TAKES, size_t count);

/* All of it, in one buf of ours.  NULL: no memory, or it says that it is compressed, which we
 * never offer. */
struct buf *core_bytes_gather(grpc_byte_buffer *bytes);

struct view core_slice_view(const grpc_slice *slice);

/* The value of a key; false: it is not there. */
bool core_metadata_find(const grpc_metadata_array *metadata, const char *key, struct view *value);

/* ---- core_args.c ---- */

/* Arguments of a channel or server, gathered; texts and pointers are borrowed. */
struct core_args {
    grpc_arg args[32];
    grpc_channel_args list;
};

/* Those that both ends share; zero means the default, as in the options. */
void core_args_init(struct core_args *args, unsigned keepalive_ms);
void core_args_int(struct core_args *args, const char *key, int value);
void core_args_text(struct core_args *args, const char *key, const char *value);
void core_args_pointer(
    struct core_args *args, const char *key, void *pointer, const grpc_arg_pointer_vtable *vtable);
void core_args_add(struct core_args *args, grpc_arg arg);

/* ---- core_status.c ---- */

/* How a client's call ended, as gRPC tells it. */
struct core_ending {
    grpc_metadata_array trailers;
    grpc_status_code status;
    grpc_slice details;
};

void core_ending_init(struct core_ending *ending);
void core_ending_fini(struct core_ending *ending);

/* What else decides what it means. */
struct core_attempt {
    const char *address;
    const char *connect_problem; /* why the peer's identity was refused; NULL: it was not */
    bool is_fixed;               /* nobody else is ever expected at the address */
    bool sent;                   /* the request may have reached the peer */
    bool mutates;
    bool cancelled; /* by us */
};

enum hearth_code core_ending_read(
    const struct core_ending *ending, const struct core_attempt *attempt, struct hearth_err *err);

/* The other way: the trailer and status that carry a code.  Valid for one batch's start; then
 * fini. */
struct core_verdict {
    grpc_metadata trailer;
    grpc_slice details;
    char code_text[12];
    grpc_op op; /* SEND_STATUS_FROM_SERVER, ready for the batch */
};

/* `text` may be NULL when code is HEARTH_OK. */
void core_verdict_init(struct core_verdict *verdict, enum hearth_code code, const char *text);
void core_verdict_fini(struct core_verdict *verdict);

/* ---- core_channel.c ---- */

/* Whom we expect there, and what the last handshake said. Shared with gRPC's credentials, which
 * outlive the channel. */
struct core_expectation;

struct core_channel {
    struct rpc_channel base; /* first */
    atomic_uint refs;        /* the owner's and one of each call */
    struct rpc_runtime *runtime;
    grpc_channel *channel;
    struct core_expectation *expectation;
    char *address;
};

struct core_channel *core_channel_ref(struct core_channel *channel);
void core_channel_unref(struct core_channel *channel);

/* A call on `queue` with the request's deadline, nothing sent. */
grpc_call *core_channel_create_call(
    struct core_channel *channel, const struct rpc_request *request, grpc_completion_queue *queue);

/* The metadata every request begins with; its value to be unreffed after the batch's start. */
grpc_metadata core_channel_metadata(
    struct core_channel *channel, const struct rpc_request *request);

/*
 * Whether there is a connection to put a call on; without one, asks gRPC to make it.
 *
 * This is what tells "certainly not sent" from "perhaps".  gRPC does not: its UNAVAILABLE covers
 * both, the address it gives a call is known only when the peer has answered, and a failed send
 * may have reached the wire.  So with a connection everything of a call is sent at once, and what
 * fails counts as sent.  Without one its metadata go first and alone, which no server can act on;
 * only when the transport has taken them does the rest follow, and only then it counts as sent.
 */
bool core_channel_is_ready(struct core_channel *channel);

/* What the end of a call means; fills *err and returns its code unless HEARTH_OK. */
enum hearth_code core_channel_ending(struct core_channel *channel, const struct rpc_method_row *row,
    const struct core_ending *ending, bool sent, bool cancelled, struct hearth_err *err);

/* ---- core_call.c, core_stream_open.c: what a channel's ops are ---- */

enum hearth_code core_call_start(struct rpc_channel *channel, const struct rpc_request *request,
    struct arena *arena, void *response, rpc_call_done_fn *done, void *context,
    struct rpc_call **out, struct hearth_err *err);
void core_stream_open(
    struct rpc_channel *channel, const struct rpc_opening *opening, struct rpc_stream **out);

struct core_server;
struct core_stream;

/* ---- core_stream.c ---- */

/* A call that arrived: a stream of the server's, with one reference for core_stream_accept(). */
struct core_stream *core_stream_create_accepted(struct core_server *server, grpc_call *call TAKES,
    const struct rpc_method_row *row, const struct rpc_context *context);

/* From here on its handlers run. */
void core_stream_accept(
    struct core_stream *stream, const struct rpc_stream_handlers *handlers, void *handler_context);

/* ---- core_server.c ---- */

/* A call is over and its handlers have returned. */
void core_server_forget_call(struct core_server *server);

#endif /* HEARTH_PROTO_CORE_H */
