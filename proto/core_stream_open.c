/*
 * core_stream_open.c - how a stream begins: opened by a client, accepted by a server.
 */
#include "proto/core_stream.h"

static void tag_init(struct stream_tag *tag, struct core_stream *stream,
    void (*fire)(struct core_tag *tag, bool success))
{
    tag->tag.fire = fire;
    tag->stream = stream;
}

static const struct rpc_stream_ops stream_ops = {
    .read = core_stream_read,
    .send = core_stream_send,
    .send_close = core_stream_send_close,
    .finish = core_stream_finish,
    .cancel = core_stream_cancel,
    .release = core_stream_release,
};

static struct core_stream *create(grpc_call *call TAKES, const struct rpc_method_row *row)
{
    struct core_stream *stream = calloc(1, sizeof(*stream));
    assert(stream != NULL);
    stream->base.ops = &stream_ops;
    atomic_init(&stream->refs, 2);
    pthread_mutex_init(&stream->mutex, NULL);
    stream->call = call;
    stream->base.row = row;
    grpc_metadata_array_init(&stream->initial);
    core_ending_init(&stream->ending);
    tag_init(&stream->read_tag, stream, core_stream_on_read);
    tag_init(&stream->send_tag, stream, core_stream_on_sent);
    tag_init(&stream->close_tag, stream, core_stream_on_closed_here);
    tag_init(&stream->start_tag, stream, core_stream_on_started);
    tag_init(&stream->end_tag, stream, core_stream_on_end);
    return stream;
}

/* Client: what tells us of the end. */
static void start_waiting_for_status(struct core_stream *stream)
{
    grpc_op ops[2] = {
        {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    ops[0].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    ops[1].data.recv_status_on_client.trailing_metadata = &stream->ending.trailers;
    ops[1].data.recv_status_on_client.status = &stream->ending.status;
    ops[1].data.recv_status_on_client.status_details = &stream->ending.details;
    core_stream_start_batch(stream, ops, 2, &stream->end_tag);
}

static void start_at_client(
    struct core_stream *stream, const struct rpc_request *request, struct buf *first TAKES)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->metadata = core_channel_metadata(stream->channel, request);
    stream->taken = core_channel_is_ready(stream->channel);
    start_waiting_for_status(stream);
    if (first == NULL || !stream->taken) {
        grpc_op op;
        size_t count = core_stream_add_metadata(stream, &op, 0);
        core_stream_start_batch(stream, &op, count, &stream->start_tag);
    }
    if (first != NULL) {
        struct slice whole = {first, buf_view(first)};
        core_stream_start_send(
            stream, core_bytes_create(&whole, 1), stream->base.row->kind == RPC_SERVER_STREAM);
    }
    grpc_slice_unref(stream->metadata.value); /* the batch has its own */
}

void core_stream_open(
    struct rpc_channel *base, const struct rpc_opening *opening, struct rpc_stream **out)
{
    struct core_channel *channel = (struct core_channel *)base;
    grpc_completion_queue *queue = core_runtime_queue(channel->runtime);
    struct core_stream *stream =
        create(core_channel_create_call(channel, opening->request, queue), opening->row);
    stream->base.at_client = true;
    stream->channel = core_channel_ref(channel);
    stream->handlers = opening->handlers;
    stream->handler_context = opening->context;
    *out = &stream->base;
    start_at_client(stream, opening->request, opening->first);
}

struct core_stream *core_stream_create_accepted(struct core_server *server, grpc_call *call TAKES,
    const struct rpc_method_row *row, const struct rpc_context *context)
{
    struct core_stream *stream = create(call, row);
    stream->server = server;
    stream->base.context = *context;
    stream->taken = true;              /* the client waits for them */
    stream->base.context.arena = NULL; /* it ends with the call that found the method */
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &stream->cancelled_at_server;
    core_stream_start_batch(stream, &op, 1, &stream->end_tag);
    return stream;
}

void core_stream_accept(
    struct core_stream *stream, const struct rpc_stream_handlers *handlers, void *handler_context)
{
    stream->handlers = handlers;
    stream->handler_context = handler_context;
}
