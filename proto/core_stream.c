/*
 * core_stream.c - what comes in on a stream of gRPC's, and its end.
 */
#include "proto/core_stream.h"

#include <stdio.h>

void core_stream_start_batch(
    struct core_stream *stream, const grpc_op *ops, size_t count, struct stream_tag *tag)
{
    stream->batches++;
    core_batch(stream->call, ops, count, &tag->tag);
}

static void stream_unref(struct core_stream *stream)
{
    if (atomic_fetch_sub(&stream->refs, 1) > 1) {
        return;
    }
    assert(stream->state == STREAM_OVER && stream->call == NULL);
    grpc_byte_buffer_destroy(stream->sending_bytes);
    grpc_metadata_array_destroy(&stream->initial);
    core_ending_fini(&stream->ending);
    if (stream->channel != NULL) {
        core_channel_unref(stream->channel);
    }
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
}

/* ---- the end ---- */

static enum hearth_code client_outcome(
    struct core_stream *stream, bool cancelled, struct hearth_err *err)
{
    if (stream->refusal[0] != '\0') {
        return rpc_nonsense(stream->channel->address, stream->base.row, stream->refusal, err);
    }
    return core_channel_ending(
        stream->channel, stream->base.row, &stream->ending, stream->taken, cancelled, err);
}

static enum hearth_code server_outcome(const struct core_stream *stream, struct hearth_err *err)
{
    if (stream->refusal[0] != '\0') {
        return hearth_fail(err, HEARTH_INVALID, "%s", stream->refusal);
    }
    if (stream->cancelled_at_server != 0 || !stream->closed_here) {
        return hearth_fail(err, HEARTH_CANCELLED, "the peer cancelled, left or ran out of time");
    }
    return HEARTH_OK;
}

/* The call, which nobody else sees from now on, and whether we had cancelled it. */
static grpc_call *take_call(struct core_stream *stream, bool *cancelled)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    grpc_call *call = stream->call;
    stream->call = NULL;
    *cancelled = stream->cancelled;
    return call;
}

static void tell_closed(struct core_stream *stream)
{
    bool cancelled;
    grpc_call *call = take_call(stream, &cancelled);
    struct hearth_err err = {.code = HEARTH_OK};
    enum hearth_code code = core_stream_at_client(stream) ? client_outcome(stream, cancelled, &err)
                                                          : server_outcome(stream, &err);
    grpc_call_unref(call);
    stream->handlers->closed(stream->handler_context, code, &err);
    if (stream->server != NULL) {
        core_server_forget_call(stream->server);
    }
    stream_unref(stream);
}

/* A batch came back; true: it was the last one of all. */
static bool is_last_batch(struct core_stream *stream, bool ends)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    assert(stream->batches > 0);
    stream->batches--;
    if (ends) {
        assert(stream->state == STREAM_OPEN);
        stream->state = STREAM_ENDED;
    }
    if (stream->state != STREAM_ENDED || stream->batches > 0) {
        return false;
    }
    stream->state = STREAM_OVER;
    return true;
}

void core_stream_batch_done(struct core_stream *stream, bool ends)
{
    if (is_last_batch(stream, ends)) {
        tell_closed(stream);
    }
}

void core_stream_on_end(struct core_tag *tag, bool success)
{
    assert(success); /* receiving the end always succeeds */
    core_stream_batch_done(((struct stream_tag *)tag)->stream, true);
}

/* ---- reading ---- */

void core_stream_read(struct rpc_stream *base)
{
    struct core_stream *stream = (struct core_stream *)base;
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (!core_stream_may_start(stream)) {
        return;
    }
    assert(!stream->reading && !stream->peer_closed);
    stream->reading = true;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &stream->received;
    core_stream_start_batch(stream, &op, 1, &stream->read_tag);
}

/* What the peer sent breaks the rules: the server says so, the client turns away. */
static void refuse(struct core_stream *stream, const char *what, size_t size)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    snprintf(stream->refusal, sizeof(stream->refusal), "%s of %zu bytes", what, size);
    if (core_stream_at_client(stream)) {
        grpc_call_cancel(stream->call, NULL);
    } else if (stream->state == STREAM_OPEN && !stream->closed_here) {
        core_stream_start_status(stream, HEARTH_INVALID, stream->refusal);
    }
}

static struct buf *take_received(struct core_stream *stream)
{
    size_t size = grpc_byte_buffer_length(stream->received);
    struct buf *message = NULL;
    if (size > rpc_stream_receive_max(&stream->base)) {
        refuse(stream, "a message over the limit", size);
    } else {
        message = core_bytes_gather(stream->received);
        if (message == NULL) {
            refuse(stream, "an unreadable message", size);
        }
    }
    grpc_byte_buffer_destroy(stream->received);
    stream->received = NULL;
    return message;
}

/* true: the peer said that it is done, rather than being cut off. */
static bool is_half_close(struct core_stream *stream, bool success)
{
    return success && grpc_call_failed_before_recv_message(stream->call) == 0;
}

static void end_reading(struct core_stream *stream, bool half_closed)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->reading = false;
    stream->peer_closed = stream->peer_closed || half_closed;
}

void core_stream_on_read(struct core_tag *tag, bool success)
{
    struct core_stream *stream = ((struct stream_tag *)tag)->stream;
    if (stream->received != NULL) {
        struct buf *message = take_received(stream);
        end_reading(stream, false);
        if (message != NULL) {
            stream->handlers->message(stream->handler_context, message);
        }
    } else if (is_half_close(stream, success)) {
        end_reading(stream, true);
        stream->handlers->message(stream->handler_context, NULL);
    }
    core_stream_batch_done(stream, false);
}

void core_stream_cancel(struct rpc_stream *base)
{
    struct core_stream *stream = (struct core_stream *)base;
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (stream->call != NULL) {
        stream->cancelled = true;
        grpc_call_cancel(stream->call, NULL);
    }
}

void core_stream_release(struct rpc_stream *base)
{
    struct core_stream *stream = (struct core_stream *)base;
    assert(stream->state == STREAM_OVER);
    stream_unref(stream);
}
