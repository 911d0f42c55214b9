#include "proto/link_session.h"

#include <stdio.h>

void link_session_init(struct link_session *session, struct link_base *base, enum link_side side,
    unsigned streams_max, const struct link_session_ops *ops, void *owner)
{
    assert(streams_max > 0 && streams_max <= RPC_STREAMS_MAX);
    session->base = base;
    session->side = side;
    session->streams_max = streams_max;
    session->ops = ops;
    session->owner = owner;
    link_node_init(&session->streams);
    link_node_init(&session->turns);
}

void link_session_fini(struct link_session *session, const char *why)
{
    while (!link_node_is_alone(&session->streams)) {
        struct link_node *first = session->streams.next;
        link_stream_end(LINK_OF(first, struct link_stream, on_pump.node), LINK_LOST, why);
        assert(session->streams.next != first);
    }
    assert(session->stream_count == 0 && link_node_is_alone(&session->turns));
}

static bool fail(struct link_session *session, const struct hearth_err *err)
{
    session->has_failed = true;
    session->err = *err;
    return false;
}

static struct link_stream *find(const struct link_session *session, uint32_t id)
{
    for (struct link_node *at = session->streams.next; at != &session->streams; at = at->next) {
        struct link_stream *stream = LINK_OF(at, struct link_stream, on_pump.node);
        if (stream->on_pump.id == id) {
            return stream;
        }
    }
    return NULL;
}

void link_session_add(struct link_session *session, struct link_stream *stream)
{
    link_node_join(&session->streams, &stream->on_pump.node);
    session->stream_count++;
}

void link_session_remove(struct link_session *session, struct link_stream *stream)
{
    link_node_leave(&stream->on_pump.node);
    link_node_leave(&stream->on_pump.turn);
    session->stream_count--;
    if (session->receiving == stream) { /* the rest of its part is for nobody */
        session->receiving = NULL;
        session->to = NULL;
    }
    session->ops->changed(session->owner);
}

bool link_session_next_id(struct link_session *session, uint32_t *id)
{
    if (!session->is_greeted || session->peer_goes || session->last_id == UINT32_MAX ||
        session->stream_count >= session->streams_max) {
        return false;
    }
    *id = ++session->last_id;
    return true;
}

/* ---- control frames ---- */

/* A peer that asks and never reads the answers is sent away. */
static void put_control(
    struct link_session *session, const struct link_head *head, const void *payload)
{
    struct hearth_err err;
    if (LINK_CONTROL_MAX - session->control_size < LINK_HEAD_SIZE + head->size) {
        hearth_fail(&err, HEARTH_BUSY, "it does not read what it asks for");
        fail(session, &err);
        session->ops->changed(session->owner);
        return;
    }
    uint8_t *at = session->control + session->control_size;
    link_head_encode(head, at);
    if (head->size > 0) {
        memcpy(at + LINK_HEAD_SIZE, payload, head->size);
    }
    session->control_size += LINK_HEAD_SIZE + head->size;
    session->ops->changed(session->owner);
}

static void put_plain(
    struct link_session *session, enum link_type type, uint32_t stream, uint32_t value)
{
    const struct link_head head = {.type = type, .stream = stream, .value = value};
    put_control(session, &head, NULL);
}

void link_session_greet(struct link_session *session)
{
    assert(session->side == LINK_SERVER && !session->is_greeted);
    session->is_greeted = true;
    put_plain(session, LINK_HELLO, 0, session->streams_max);
}

void link_session_ping(struct link_session *session, uint32_t value)
{
    put_plain(session, LINK_PING, 0, value);
}

void link_session_go_away(struct link_session *session)
{
    assert(session->side == LINK_SERVER);
    if (!session->we_go) {
        session->we_go = true;
        put_plain(session, LINK_GOAWAY, 0, 0);
    }
}

void link_session_reset(struct link_session *session, uint32_t stream)
{
    put_plain(session, LINK_RESET, stream, 0);
}

void link_session_finish(
    struct link_session *session, uint32_t stream, enum hearth_code code, const char *text)
{
    char clean[RPC_MESSAGE_TEXT_MAX + 1];
    rpc_copy_text(view_text(code == HEARTH_OK ? "" : text), clean);
    const struct link_head head = {.type = LINK_FINISH,
        .stream = stream,
        .size = (uint32_t)strlen(clean),
        .value = (uint32_t)code};
    put_control(session, &head, clean);
}

/* ---- in ---- */

static bool open_stream(struct link_session *session)
{
    const struct link_head *head = &session->head;
    struct hearth_err err;
    if (head->stream <= session->last_id) {
        hearth_fail(&err, HEARTH_INVALID, "stream %u was opened before", (unsigned)head->stream);
        return fail(session, &err);
    }
    session->last_id = head->stream;
    if (session->we_go) {
        link_session_finish(session, head->stream, HEARTH_UNREACHABLE, "going away");
    } else if (session->stream_count >= session->streams_max) {
        char text[64];
        snprintf(text, sizeof(text), "%u streams are open already", session->streams_max);
        link_session_finish(session, head->stream, HEARTH_BUSY, text);
    } else {
        session->ops->open(session->owner, head, view_of(session->small, session->small_size));
    }
    return !session->has_failed;
}

/* A frame that is not about a part of a message, whole; stream NULL: it is over here. */
static enum hearth_code take_for_stream(
    struct link_session *session, struct link_stream *stream, struct hearth_err *err)
{
    const struct link_head *head = &session->head;
    if (stream == NULL) {
        return HEARTH_OK;
    }
    switch (head->type) {
    case LINK_CREDIT: return link_stream_credit(stream, head->value, err);
    case LINK_CLOSE: return link_stream_peer_close(stream, err);
    case LINK_FINISH:
        link_stream_answer(stream, hearth_code_from_wire(head->value),
            view_of(session->small, session->small_size));
        return HEARTH_OK;
    default:
        assert(head->type == LINK_RESET);
        link_stream_end(stream, LINK_LOST, "the peer gave it up");
        return HEARTH_OK;
    }
}

static bool take_small(struct link_session *session)
{
    struct hearth_err err;
    switch (session->head.type) {
    case LINK_HELLO:
        session->is_greeted = true;
        session->streams_max = session->head.value;
        session->ops->changed(session->owner);
        return true;
    case LINK_OPEN: return open_stream(session);
    case LINK_PING:
        put_plain(session, LINK_PONG, 0, session->head.value);
        return !session->has_failed;
    case LINK_PONG: session->pongs++; return true;
    case LINK_GOAWAY:
        session->peer_goes = true;
        session->ops->changed(session->owner);
        return true;
    default: break;
    }
    struct link_stream *stream = find(session, session->head.stream);
    return take_for_stream(session, stream, &err) == HEARTH_OK || fail(session, &err);
}

static bool is_part(const struct link_head *head)
{
    return head->type == LINK_MESSAGE || head->type == LINK_MORE;
}

static bool end_frame(struct link_session *session)
{
    struct link_stream *stream = session->receiving;
    session->receiving = NULL;
    session->to = NULL;
    session->head_size = 0;
    if (!is_part(&session->head)) {
        return take_small(session);
    }
    if (stream != NULL) {
        link_stream_part_done(stream, &session->head);
    }
    return !session->has_failed;
}

/* What streams that never were are told of breaks the protocol; those that were may be over. */
static bool begin_frame(struct link_session *session)
{
    struct hearth_err err;
    struct link_head *head = &session->head;
    enum link_side peer = session->side == LINK_CLIENT ? LINK_SERVER : LINK_CLIENT;
    if (link_head_decode(session->head_bytes, peer, head, &err) != HEARTH_OK) {
        return fail(session, &err);
    }
    session->left = head->size;
    session->small_size = 0;
    if (head->type != LINK_OPEN && head->stream > session->last_id) {
        hearth_fail(&err, HEARTH_INVALID, "stream %u was never opened", (unsigned)head->stream);
        return fail(session, &err);
    }
    if (session->side == LINK_CLIENT && (head->type == LINK_HELLO) == session->is_greeted) {
        hearth_fail(&err, HEARTH_INVALID, "not greeted, or twice");
        return fail(session, &err);
    }
    struct link_stream *stream = is_part(head) ? find(session, head->stream) : NULL;
    if (stream != NULL) {
        if (link_stream_part(stream, head, &session->to, &err) != HEARTH_OK) {
            return fail(session, &err);
        }
        session->receiving = session->to != NULL ? stream : NULL;
    }
    return session->left > 0 || end_frame(session);
}

uint8_t *link_session_room(struct link_session *session, size_t *size)
{
    if (session->head_size < LINK_HEAD_SIZE) {
        *size = LINK_HEAD_SIZE - session->head_size;
        return session->head_bytes + session->head_size;
    }
    *size = session->left;
    if (session->to != NULL) {
        return session->to;
    }
    if (*size > LINK_SMALL_MAX - session->small_size) {
        *size = LINK_SMALL_MAX - session->small_size;
    }
    return session->small + session->small_size;
}

bool link_session_advance(struct link_session *session, size_t size)
{
    if (session->head_size < LINK_HEAD_SIZE) {
        session->head_size += size;
        return session->head_size < LINK_HEAD_SIZE || begin_frame(session);
    }
    assert(size <= session->left);
    session->left -= (uint32_t)size;
    if (session->to != NULL) {
        session->to += size;
    } else if (!is_part(&session->head)) {
        session->small_size += size;
    }
    return session->left > 0 || end_frame(session);
}

/* ---- out ---- */

bool link_session_has_output(const struct link_session *session)
{
    return session->control_size > 0 || !link_node_is_alone(&session->turns);
}

static size_t fill_control(struct link_session *session, uint8_t *bytes, size_t room)
{
    size_t size = session->control_size < room ? session->control_size : room;
    memcpy(bytes, session->control, size);
    memmove(session->control, session->control + size, session->control_size - size);
    session->control_size -= size;
    return size;
}

size_t link_session_fill(struct link_session *session, uint8_t bytes[LINK_RECORD_MAX])
{
    size_t size = fill_control(session, bytes, LINK_RECORD_MAX);
    while (LINK_RECORD_MAX - size >= LINK_EMIT_ROOM && !link_node_is_alone(&session->turns)) {
        struct link_node *node = session->turns.next;
        struct link_stream *stream = LINK_OF(node, struct link_stream, on_pump.turn);
        link_node_leave(node);
        size += link_stream_emit(stream, bytes + size, LINK_RECORD_MAX - size);
    }
    return size;
}
