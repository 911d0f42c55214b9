/*
 * core_stream_send.c - what goes out on a stream: metadata, messages, the half-close, the status.
 *
 * A client without a connection sends its metadata alone and holds the rest back until they are
 * taken (see core_channel_is_ready).
 */
#include "proto/core_stream.h"

/* ---- batches; the caller holds the mutex ---- */

/* The first batch that sends anything carries our metadata. */
size_t core_stream_add_metadata(struct core_stream *stream, grpc_op *ops, size_t count)
{
    if (stream->started) {
        return count;
    }
    stream->started = true;
    ops[count] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    if (core_stream_at_client(stream)) {
        ops[count].data.send_initial_metadata.count = 1;
        ops[count].data.send_initial_metadata.metadata = &stream->metadata;
    }
    return count + 1;
}

static void start_send_batch(struct core_stream *stream, bool closes)
{
    grpc_op ops[3];
    size_t count = core_stream_add_metadata(stream, ops, 0);
    ops[count] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    ops[count++].data.send_message.send_message = stream->sending_bytes;
    if (closes) {
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    }
    core_stream_start_batch(stream, ops, count, &stream->send_tag);
}

static void start_close_batch(struct core_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    core_stream_start_batch(stream, &op, 1, &stream->close_tag);
}

void core_stream_start_send(struct core_stream *stream, grpc_byte_buffer *bytes TAKES, bool closes)
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

static void start_close(struct core_stream *stream)
{
    assert(!stream->closed_here);
    stream->closed_here = true;
    if (stream->taken) {
        start_close_batch(stream);
    } else {
        stream->close_held = true;
    }
}

/* The metadata went alone, for there was no connection (core_channel_is_ready); now there is. */
static void start_held(struct core_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->taken = true;
    if (!core_stream_may_start(stream)) {
        return;
    }
    if (stream->send_held) {
        start_send_batch(stream, stream->close_held);
    } else if (stream->close_held) {
        start_close_batch(stream);
    }
}

void core_stream_on_started(struct core_tag *tag, bool success)
{
    struct core_stream *stream = ((struct stream_tag *)tag)->stream;
    if (success) {
        start_held(stream);
    }
    core_stream_batch_done(stream, false);
}

void core_stream_start_status(struct core_stream *stream, enum hearth_code code, const char *text)
{
    stream->closed_here = true;
    struct core_verdict verdict;
    core_verdict_init(&verdict, code, text);
    grpc_op ops[2];
    size_t count = core_stream_add_metadata(stream, ops, 0);
    ops[count++] = verdict.op;
    core_stream_start_batch(stream, ops, count, &stream->close_tag);
    core_verdict_fini(&verdict);
}

/* ---- sending ---- */

void core_stream_send(struct rpc_stream *base, const struct slice *slices TAKES, size_t count)
{
    struct core_stream *stream = (struct core_stream *)base;
    grpc_byte_buffer *bytes = core_bytes_create(slices, count);
    pthread_mutex_lock(&stream->mutex);
    bool starts = core_stream_may_start(stream);
    if (starts) {
        core_stream_start_send(stream, bytes, false);
    }
    pthread_mutex_unlock(&stream->mutex);
    if (!starts) {
        grpc_byte_buffer_destroy(bytes);
    }
}

static void end_sending(struct core_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->sending = false;
    grpc_byte_buffer_destroy(stream->sending_bytes);
    stream->sending_bytes = NULL;
}

void core_stream_on_sent(struct core_tag *tag, bool success)
{
    struct core_stream *stream = ((struct stream_tag *)tag)->stream;
    end_sending(stream);
    if (success && stream->handlers->sent != NULL) {
        stream->handlers->sent(stream->handler_context);
    }
    core_stream_batch_done(stream, false);
}

/* Nobody waits for these: the end says how they went. */
void core_stream_on_closed_here(struct core_tag *tag, bool success)
{
    (void)success;
    core_stream_batch_done(((struct stream_tag *)tag)->stream, false);
}

void core_stream_send_close(struct rpc_stream *base)
{
    struct core_stream *stream = (struct core_stream *)base;
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (core_stream_may_start(stream)) {
        start_close(stream);
    }
}

void core_stream_finish(struct rpc_stream *base, enum hearth_code code, const char *text)
{
    struct core_stream *stream = (struct core_stream *)base;
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (core_stream_may_start(stream)) {
        assert(!stream->closed_here);
        core_stream_start_status(stream, code, text);
    }
}
