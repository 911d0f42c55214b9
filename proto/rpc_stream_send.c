/*
 * rpc_stream_send.c - what goes out on a stream: metadata, messages, the half-close, the status.
 *
 * A client without a connection sends its metadata alone and holds the rest back until they are
 * taken (see rpc_channel_is_ready).
 */
#include "proto/rpc_stream_core.h"
#include "proto/wire.h"

/* ---- batches; the caller holds the mutex ---- */

/* The first batch that sends anything carries our metadata. */
size_t rpc_stream_add_metadata(struct rpc_stream *stream, grpc_op *ops, size_t count)
{
    if (stream->started) {
        return count;
    }
    stream->started = true;
    ops[count] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    if (rpc_stream_at_client(stream)) {
        ops[count].data.send_initial_metadata.count = 1;
        ops[count].data.send_initial_metadata.metadata = &stream->metadata;
    }
    return count + 1;
}

static void start_send_batch(struct rpc_stream *stream, bool closes)
{
    grpc_op ops[3];
    size_t count = rpc_stream_add_metadata(stream, ops, 0);
    ops[count] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    ops[count++].data.send_message.send_message = stream->sending_bytes;
    if (closes) {
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    }
    rpc_stream_start_batch(stream, ops, count, &stream->send_tag);
}

static void start_close_batch(struct rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    rpc_stream_start_batch(stream, &op, 1, &stream->close_tag);
}

void rpc_stream_start_send(struct rpc_stream *stream, grpc_byte_buffer *bytes TAKES, bool closes)
{
    assert(!stream->sending && !stream->closed_here);
    stream->sending = true;
    stream->sending_bytes = bytes;
    stream->closed_here = closes;
    if (stream->taken) {
        start_send_batch(stream, closes);
    } else {
        stream->send_held = true;
        stream->close_held = closes;
    }
}

static void start_close(struct rpc_stream *stream)
{
    assert(!stream->closed_here);
    stream->closed_here = true;
    if (stream->taken) {
        start_close_batch(stream);
    } else {
        stream->close_held = true;
    }
}

/* The metadata went alone, for there was no connection (rpc_channel_is_ready); now there is. */
static void start_held(struct rpc_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->taken = true;
    if (!rpc_stream_may_start(stream)) {
        return;
    }
    if (stream->send_held) {
        start_send_batch(stream, stream->close_held);
    } else if (stream->close_held) {
        start_close_batch(stream);
    }
}

void rpc_stream_on_started(struct rpc_tag *tag, bool success)
{
    struct rpc_stream *stream = ((struct stream_tag *)tag)->stream;
    if (success) {
        start_held(stream);
    }
    rpc_stream_batch_done(stream, false);
}

void rpc_stream_start_status(struct rpc_stream *stream, enum hearth_code code, const char *text)
{
    stream->closed_here = true;
    struct rpc_verdict verdict;
    rpc_verdict_init(&verdict, code, text);
    grpc_op ops[2];
    size_t count = rpc_stream_add_metadata(stream, ops, 0);
    ops[count++] = verdict.op;
    rpc_stream_start_batch(stream, ops, count, &stream->close_tag);
    rpc_verdict_fini(&verdict);
}

/* ---- sending ---- */

static size_t slices_size(const struct slice *slices, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += slices[i].view.size;
    }
    return size;
}

static uint32_t send_max(const struct rpc_stream *stream)
{
    return rpc_stream_at_client(stream) ? stream->row->request_max : stream->row->response_max;
}

void rpc_stream_send(struct rpc_stream *stream, const struct slice *slices TAKES, size_t count)
{
    assert(slices_size(slices, count) <= send_max(stream));
    grpc_byte_buffer *bytes = rpc_bytes_create(slices, count);
    pthread_mutex_lock(&stream->mutex);
    bool starts = rpc_stream_may_start(stream);
    if (starts) {
        rpc_stream_start_send(stream, bytes, false);
    }
    pthread_mutex_unlock(&stream->mutex);
    if (!starts) {
        grpc_byte_buffer_destroy(bytes);
    }
}

enum hearth_code rpc_stream_send_message(
    struct rpc_stream *stream, const void *message, struct hearth_err *err)
{
    const struct wire_message *wire =
        rpc_stream_at_client(stream) ? stream->row->request : stream->row->response;
    struct buf *encoded;
    enum hearth_code code =
        rpc_encode_within(wire, message, send_max(stream), stream->row->path, &encoded, err);
    if (code == HEARTH_OK) {
        struct slice whole = {encoded, buf_view(encoded)};
        rpc_stream_send(stream, &whole, 1);
    }
    return code;
}

static void end_sending(struct rpc_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->sending = false;
    grpc_byte_buffer_destroy(stream->sending_bytes);
    stream->sending_bytes = NULL;
}

void rpc_stream_on_sent(struct rpc_tag *tag, bool success)
{
    struct rpc_stream *stream = ((struct stream_tag *)tag)->stream;
    end_sending(stream);
    if (success && stream->handlers->sent != NULL) {
        stream->handlers->sent(stream->handler_context);
    }
    rpc_stream_batch_done(stream, false);
}

/* Nobody waits for these: the end says how they went. */
void rpc_stream_on_closed_here(struct rpc_tag *tag, bool success)
{
    (void)success;
    rpc_stream_batch_done(((struct stream_tag *)tag)->stream, false);
}

void rpc_stream_send_close(struct rpc_stream *stream)
{
    assert(rpc_stream_at_client(stream));
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (rpc_stream_may_start(stream)) {
        start_close(stream);
    }
}

void rpc_stream_finish(struct rpc_stream *stream, enum hearth_code code, const char *text)
{
    assert(!rpc_stream_at_client(stream));
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (rpc_stream_may_start(stream)) {
        assert(!stream->closed_here);
        rpc_stream_start_status(stream, code, text);
    }
}
