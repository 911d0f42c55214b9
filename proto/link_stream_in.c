/*
 * link_stream_in.c - what the peer sends on a stream: parts into a message, messages to the user.
 *
 * Credit for what the user has asked for is given back as it arrives, for all else when he asks:
 * so a message may be larger than the window, and whoever does not read stops the sender.
 */
#include "proto/link_session.h"

/* What is owed is sent in one frame for some hundred records, not for each. */
static void give_back(struct link_stream *stream, uint32_t cost)
{
    stream->on_pump.owed += cost;
    link_stream_want_turn(stream);
}

void link_stream_drop_in(struct link_stream *stream)
{
    while (stream->on_pump.oldest != NULL) {
        struct link_waiting *waiting = stream->on_pump.oldest;
        stream->on_pump.oldest = waiting->next;
        buf_unref(waiting->message);
        free(waiting);
    }
    stream->on_pump.newest = &stream->on_pump.oldest;
}

/* ---- to the user ---- */

static void stop_reading(struct link_stream *stream)
{
    stream->on_pump.is_reading = false;
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->shared.is_reading = false;
}

static struct buf *take_oldest(struct link_stream *stream)
{
    struct link_waiting *waiting = stream->on_pump.oldest;
    struct buf *message = waiting->message;
    give_back(stream, waiting->cost);
    stream->on_pump.oldest = waiting->next;
    if (waiting->next == NULL) {
        stream->on_pump.newest = &stream->on_pump.oldest;
    }
    free(waiting);
    return message;
}

void link_stream_deliver(struct link_stream *stream)
{
    if (!stream->on_pump.is_reading) {
        return;
    }
    if (stream->on_pump.oldest != NULL) {
        struct buf *message = take_oldest(stream);
        stop_reading(stream);
        stream->handlers->message(stream->handler_context, message);
    } else if (stream->on_pump.peer_closed && !stream->on_pump.peer_closed_told) {
        stream->on_pump.peer_closed_told = true;
        stop_reading(stream);
        stream->handlers->message(stream->handler_context, NULL);
    }
}

void link_stream_ask(struct link_stream *stream)
{
    assert(!stream->on_pump.is_reading);
    stream->on_pump.is_reading = true;
    if (stream->on_pump.oldest == NULL && stream->on_pump.partial != NULL) {
        give_back(stream, stream->on_pump.charged);
        stream->on_pump.charged = 0;
    }
    link_stream_settle(stream);
}

/* ---- from the peer ---- */

/* Refused, the stream may be gone afterwards. */
static enum hearth_code begin_message(
    struct link_stream *stream, const struct link_head *head, uint8_t **to, struct hearth_err *err)
{
    *to = NULL;
    if (stream->on_pump.partial != NULL || stream->on_pump.peer_closed) {
        return hearth_fail(err, HEARTH_INVALID, "a message where none may begin");
    }
    if (head->value > rpc_stream_receive_max(&stream->base)) {
        link_stream_refuse(stream, "a message over the limit", head->value);
        return HEARTH_OK;
    }
    struct buf *partial = buf_create(head->value);
    if (partial == NULL) {
        link_stream_refuse(stream, "no memory for a message", head->value);
        return HEARTH_OK;
    }
    stream->on_pump.partial = partial;
    *to = partial->bytes;
    return HEARTH_OK;
}

static enum hearth_code take_credit(
    struct link_stream *stream, const struct link_head *head, struct hearth_err *err)
{
    const uint32_t cost = link_head_cost(head);
    if (cost > stream->on_pump.in_credit) {
        return hearth_fail(err, HEARTH_INVALID, "more than the window of a stream");
    }
    stream->on_pump.in_credit -= cost;
    return HEARTH_OK;
}

enum hearth_code link_stream_part(
    struct link_stream *stream, const struct link_head *head, uint8_t **to, struct hearth_err *err)
{
    if (take_credit(stream, head, err) != HEARTH_OK) {
        return err->code;
    }
    if (head->type == LINK_MESSAGE) {
        return begin_message(stream, head, to, err);
    }
    struct buf *partial = stream->on_pump.partial;
    if (partial == NULL || head->size > partial->capacity - partial->size) {
        return hearth_fail(err, HEARTH_INVALID, "more than the message has");
    }
    *to = partial->bytes + partial->size;
    return HEARTH_OK;
}

static void put_aside(struct link_stream *stream, struct buf *message TAKES)
{
    struct link_waiting *waiting = malloc(sizeof(*waiting));
    assert(waiting != NULL); /* at most LINK_WINDOW / LINK_MESSAGE_COST of them */
    *waiting = (struct link_waiting){.message = message, .cost = stream->on_pump.charged};
    *stream->on_pump.newest = waiting;
    stream->on_pump.newest = &waiting->next;
}

void link_stream_part_done(struct link_stream *stream, const struct link_head *head)
{
    struct buf *partial = stream->on_pump.partial;
    partial->size += head->size;
    if (stream->on_pump.is_reading) { /* then nothing waits before it */
        give_back(stream, link_head_cost(head));
    } else {
        stream->on_pump.charged += link_head_cost(head);
    }
    if (partial->size == partial->capacity) {
        stream->on_pump.partial = NULL;
        put_aside(stream, partial);
        stream->on_pump.charged = 0;
        link_stream_deliver(stream);
    }
}

enum hearth_code link_stream_peer_close(struct link_stream *stream, struct hearth_err *err)
{
    if (stream->on_pump.partial != NULL || stream->on_pump.peer_closed) {
        return hearth_fail(err, HEARTH_INVALID, "a half-close where none may be");
    }
    stream->on_pump.peer_closed = true;
    link_stream_deliver(stream);
    return HEARTH_OK;
}
