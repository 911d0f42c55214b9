/*
 * link_stream_out.c - what goes out on a stream: OPEN, parts of the message, CLOSE or FINISH, and
 * CREDIT for what came in.
 */
#include "proto/link_session.h"

enum { CREDIT_STEP = LINK_WINDOW / 2 };

/* ---- messages ---- */

void link_message_init(struct link_message *message, const struct slice *slices TAKES, size_t count)
{
    *message = (struct link_message){.count = count};
    for (size_t i = 0; i < count; i++) {
        struct slice slice = slices[i];
        if (slice.owner == NULL) {
            slice.owner = buf_copy(slice.view);
            assert(slice.owner != NULL); /* a few bytes */
            slice.view = buf_view(slice.owner);
        }
        message->slices[i] = slice;
        message->size += slice.view.size;
    }
}

void link_message_fini(struct link_message *message)
{
    for (size_t i = 0; i < message->count; i++) {
        buf_unref(message->slices[i].owner);
    }
    message->count = 0;
}

/* ---- turns ---- */

static bool may_send_part(const struct link_stream *stream)
{
    if (!stream->on_pump.has_message) {
        return false;
    }
    if (stream->on_pump.is_begun) {
        return stream->on_pump.out_credit > 0;
    }
    return stream->on_pump.out_credit >= LINK_MESSAGE_COST + (stream->on_pump.left > 0 ? 1 : 0);
}

static bool has_output(const struct link_stream *stream)
{
    return !stream->on_pump.is_opened || stream->on_pump.owed >= CREDIT_STEP ||
        may_send_part(stream) ||
        (!stream->on_pump.has_message && (stream->on_pump.close_due || stream->on_pump.finish_due));
}

void link_stream_want_turn(struct link_stream *stream)
{
    struct link_session *session = stream->on_pump.session;
    if (session != NULL && link_node_is_alone(&stream->on_pump.turn) && has_output(stream)) {
        link_node_join(&session->turns, &stream->on_pump.turn);
        session->ops->changed(session->owner);
    }
}

enum hearth_code link_stream_credit(
    struct link_stream *stream, uint32_t credit, struct hearth_err *err)
{
    if (credit > LINK_WINDOW - stream->on_pump.out_credit) {
        return hearth_fail(err, HEARTH_INVALID, "credit for more than was sent");
    }
    stream->on_pump.out_credit += credit;
    link_stream_want_turn(stream);
    return HEARTH_OK;
}

/* ---- frames; each returns its size ---- */

static size_t emit_plain(
    struct link_stream *stream, uint8_t *bytes, enum link_type type, uint32_t value)
{
    const struct link_head head = {.type = type, .stream = stream->on_pump.id, .value = value};
    link_head_encode(&head, bytes);
    return LINK_HEAD_SIZE;
}

static uint32_t ms_left(const struct link_stream *stream)
{
    uint64_t now_ns = env_now_ns(stream->owner->env);
    uint64_t left_ns = stream->deadline_ns > now_ns ? stream->deadline_ns - now_ns : 0;
    return (uint32_t)(left_ns / 1000000 + 1);
}

static size_t emit_open(struct link_stream *stream, uint8_t *bytes)
{
    const struct view path = view_text(stream->base.row->path);
    assert(path.size <= LINK_PATH_MAX);
    const struct link_head head = {.type = LINK_OPEN,
        .stream = stream->on_pump.id,
        .size = (uint32_t)(RPC_REQUEST_ID_SIZE + path.size),
        .value = ms_left(stream)};
    link_head_encode(&head, bytes);
    memcpy(bytes + LINK_HEAD_SIZE, stream->request_id, RPC_REQUEST_ID_SIZE);
    memcpy(bytes + LINK_HEAD_SIZE + RPC_REQUEST_ID_SIZE, path.bytes, path.size);
    stream->on_pump.is_opened = true;
    return LINK_HEAD_SIZE + head.size;
}

static size_t emit_credit(struct link_stream *stream, uint8_t *bytes)
{
    const uint32_t owed = stream->on_pump.owed;
    stream->on_pump.owed = 0;
    stream->on_pump.in_credit += owed;
    assert(stream->on_pump.in_credit <= LINK_WINDOW);
    return emit_plain(stream, bytes, LINK_CREDIT, owed);
}

/* The message's next `size` bytes, from its slices. */
static void copy_next(struct link_stream *stream, uint8_t *to, size_t size)
{
    stream->on_pump.left -= size;
    while (size > 0) {
        const struct view view = stream->on_pump.message.slices[stream->on_pump.slice].view;
        const size_t in_slice = view.size - stream->on_pump.offset;
        const size_t part = in_slice < size ? in_slice : size;
        memcpy(to, view.bytes + stream->on_pump.offset, part);
        to += part;
        size -= part;
        stream->on_pump.offset += part;
        if (stream->on_pump.offset == view.size) {
            stream->on_pump.slice++;
            stream->on_pump.offset = 0;
        }
    }
}

static void message_sent(struct link_stream *stream)
{
    stream->on_pump.has_message = false;
    stream->on_pump.is_begun = false;
    stream->on_pump.slice = 0;
    stream->on_pump.offset = 0;
    link_message_fini(&stream->on_pump.message);
    {
        UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
        stream->shared.is_sending = false;
    }
    if (stream->handlers->sent != NULL) {
        stream->handlers->sent(stream->handler_context);
    }
    link_stream_take_message(stream); /* most users have the next one ready */
}

static size_t emit_part(struct link_stream *stream, uint8_t *bytes, size_t room)
{
    const bool is_first = !stream->on_pump.is_begun;
    const uint32_t credit =
        stream->on_pump.out_credit - (is_first ? (uint32_t)LINK_MESSAGE_COST : 0);
    size_t size = stream->on_pump.left < credit ? stream->on_pump.left : credit;
    size = size < room - LINK_HEAD_SIZE ? size : room - LINK_HEAD_SIZE;
    const struct link_head head = {.type = is_first ? LINK_MESSAGE : LINK_MORE,
        .stream = stream->on_pump.id,
        .size = (uint32_t)size,
        .value = is_first ? (uint32_t)stream->on_pump.left : 0};
    link_head_encode(&head, bytes);
    copy_next(stream, bytes + LINK_HEAD_SIZE, size);
    stream->on_pump.is_begun = true;
    stream->on_pump.out_credit -= link_head_cost(&head);
    if (stream->on_pump.left == 0) {
        message_sent(stream);
    }
    return LINK_HEAD_SIZE + size;
}

/* The last of the stream: it may be gone afterwards. */
static size_t emit_finish(struct link_stream *stream, uint8_t *bytes)
{
    const char *text = stream->on_pump.finish_text;
    const struct link_head head = {.type = LINK_FINISH,
        .stream = stream->on_pump.id,
        .size = (uint32_t)strlen(text),
        .value = (uint32_t)stream->on_pump.finish_code};
    link_head_encode(&head, bytes);
    memcpy(bytes + LINK_HEAD_SIZE, text, head.size);
    link_stream_end(stream, LINK_ANSWERED, NULL);
    return LINK_HEAD_SIZE + head.size;
}

size_t link_stream_emit(struct link_stream *stream, uint8_t *bytes, size_t room)
{
    assert(room >= LINK_EMIT_ROOM);
    size_t size = 0;
    if (!stream->on_pump.is_opened) {
        size = emit_open(stream, bytes);
    } else if (stream->on_pump.owed >= CREDIT_STEP) {
        size = emit_credit(stream, bytes);
    } else if (may_send_part(stream)) {
        size = emit_part(stream, bytes, room);
    } else if (!stream->on_pump.has_message && stream->on_pump.close_due) {
        stream->on_pump.close_due = false;
        size = emit_plain(stream, bytes, LINK_CLOSE, 0);
    } else if (!stream->on_pump.has_message && stream->on_pump.finish_due) {
        return emit_finish(stream, bytes);
    }
    link_stream_want_turn(stream);
    return size;
}
