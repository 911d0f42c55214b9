/*
 * rpc_stream_open.c - how a stream begins: opened by a client, accepted by a server.
 */
#include "proto/rpc_stream_core.h"

static void tag_init(struct stream_tag *tag, struct rpc_stream *stream,
    void (*fire)(struct rpc_tag *tag, bool success))
{
    tag->tag.fire = fire;
    tag->stream = stream;
}

static struct rpc_stream *create(grpc_call *call TAKES, const struct rpc_method_row *row)
{
    struct rpc_stream *stream = calloc(1, sizeof(*stream));
    assert(stream != NULL);
    atomic_init(&stream->refs, 2);
    pthread_mutex_init(&stream->mutex, NULL);
    stream->call = call;
    stream->row = row;
    grpc_metadata_array_init(&stream->initial);
    rpc_ending_init(&stream->ending);
    tag_init(&stream->read_tag, stream, rpc_stream_on_read);
    tag_init(&stream->send_tag, stream, rpc_stream_on_sent);
    tag_init(&stream->close_tag, stream, rpc_stream_on_closed_here);
    tag_init(&stream->start_tag, stream, rpc_stream_on_started);
    tag_init(&stream->end_tag, stream, rpc_stream_on_end);
    return stream;
}

/* Client: what tells us of the end. */
static void start_waiting_for_status(struct rpc_stream *stream)
{
    grpc_op ops[2] = {
        {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    ops[0].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    ops[1].data.recv_status_on_client.trailing_metadata = &stream->ending.trailers;
    ops[1].data.recv_status_on_client.status = &stream->ending.status;
    ops[1].data.recv_status_on_client.status_details = &stream->ending.details;
    rpc_stream_start_batch(stream, ops, 2, &stream->end_tag);
}

static void start_at_client(
    struct rpc_stream *stream, const struct rpc_request *request, struct buf *first TAKES)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->metadata = rpc_channel_metadata(stream->channel, request);
    stream->taken = rpc_channel_is_ready(stream->channel);
    start_waiting_for_status(stream);
    if (first == NULL || !stream->taken) {
        grpc_op op;
        size_t count = rpc_stream_add_metadata(stream, &op, 0);
        rpc_stream_start_batch(stream, &op, count, &stream->start_tag);
    }
    if (first != NULL) {
        struct slice whole = {first, buf_view(first)};
        rpc_stream_start_send(
            stream, rpc_bytes_create(&whole, 1), stream->row->kind == RPC_SERVER_STREAM);
    }
    grpc_slice_unref(stream->metadata.value); /* the batch has its own */
}

enum hearth_code rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
    const struct rpc_stream_handlers *handlers, void *context, struct rpc_stream **out,
    struct hearth_err *err)
{
    assert(request->method < channel->table->count);
    const struct rpc_method_row *row = &channel->table->rows[request->method];
    assert(row->kind != RPC_UNARY);
    struct buf *first = NULL;
    if (request->message != NULL) {
        enum hearth_code code = rpc_encode_within(
            row->request, request->message, row->request_max, row->path, &first, err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    grpc_completion_queue *queue = rpc_runtime_queue(channel->runtime);
    struct rpc_stream *stream = create(rpc_channel_create_call(channel, request, queue), row);
    stream->channel = rpc_channel_ref(channel);
    stream->handlers = handlers;
    stream->handler_context = context;
    *out = stream;
    start_at_client(stream, request, first);
    return HEARTH_OK;
}

struct rpc_stream *rpc_stream_create_accepted(struct rpc_server *server, grpc_call *call TAKES,
    const struct rpc_method_row *row, const struct rpc_context *context)
{
    struct rpc_stream *stream = create(call, row);
    stream->server = server;
    stream->context = *context;
    stream->taken = true;         /* the client waits for them */
    stream->context.arena = NULL; /* it ends with the call that found the method */
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &stream->cancelled_at_server;
    rpc_stream_start_batch(stream, &op, 1, &stream->end_tag);
    return stream;
}

void rpc_stream_accept(
    struct rpc_stream *stream, const struct rpc_stream_handlers *handlers, void *handler_context)
{
    stream->handlers = handlers;
    stream->handler_context = handler_context;
}
