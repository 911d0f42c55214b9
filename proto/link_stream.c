#include "proto/link_stream.h"

#include "proto/link_session.h"

#include <stdio.h>

static void unref(struct link_stream *stream)
{
    if (atomic_fetch_sub(&stream->refs, 1) > 1) {
        return;
    }
    assert(stream->on_pump.is_over && stream->on_pump.session == NULL);
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
}

/* ---- what the user asks; any thread ---- */

/* The caller holds the mutex. */
static bool may_ask(const struct link_stream *stream)
{
    return !stream->shared.is_over;
}

/* Has the owner's thread take what was asked. The caller does not hold the mutex. */
static void post(struct link_stream *stream)
{
    bool posts = false;
    {
        UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
        if (!stream->shared.is_posted) {
            stream->shared.is_posted = true;
            posts = true;
        }
    }
    if (posts) {
        atomic_fetch_add(&stream->refs, 1);
        link_mailbox_post(&stream->owner->mailbox, &stream->task);
    }
}

static void ask_read(struct rpc_stream *base)
{
    struct link_stream *stream = (struct link_stream *)base;
    {
        UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
        if (!may_ask(stream)) {
            return;
        }
        assert(!stream->shared.is_reading);
        stream->shared.is_reading = true;
        stream->shared.read = true;
    }
    post(stream);
}

/* false: the end was there first. */
static bool take_message(struct link_stream *stream, struct link_message *message)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (!may_ask(stream)) {
        return false;
    }
    assert(!stream->shared.is_sending && !stream->shared.is_closed);
    stream->shared.is_sending = true;
    stream->shared.send = true;
    stream->shared.message = *message;
    return true;
}

static void ask_send(struct rpc_stream *base, const struct slice *slices TAKES, size_t count)
{
    struct link_stream *stream = (struct link_stream *)base;
    struct link_message message;
    link_message_init(&message, slices, count);
    if (take_message(stream, &message)) {
        post(stream);
    } else {
        link_message_fini(&message);
    }
}

static void ask_close(struct rpc_stream *base)
{
    struct link_stream *stream = (struct link_stream *)base;
    {
        UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
        if (!may_ask(stream)) {
            return;
        }
        assert(!stream->shared.is_closed);
        stream->shared.is_closed = true;
        stream->shared.close = true;
    }
    post(stream);
}

static void ask_finish(struct rpc_stream *base, enum hearth_code code, const char *text)
{
    struct link_stream *stream = (struct link_stream *)base;
    {
        UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
        if (!may_ask(stream)) {
            return;
        }
        assert(!stream->shared.is_closed);
        stream->shared.is_closed = true;
        stream->shared.finish = true;
        stream->shared.code = code;
        rpc_copy_text(view_text(code == HEARTH_OK ? "" : text), stream->shared.text);
    }
    post(stream);
}

static void ask_cancel(struct rpc_stream *base)
{
    struct link_stream *stream = (struct link_stream *)base;
    {
        UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
        if (!may_ask(stream)) {
            return;
        }
        stream->shared.cancel = true;
    }
    post(stream);
}

static void release(struct rpc_stream *base)
{
    unref((struct link_stream *)base);
}

static const struct rpc_stream_ops stream_ops = {
    .read = ask_read,
    .send = ask_send,
    .send_close = ask_close,
    .finish = ask_finish,
    .cancel = ask_cancel,
    .release = release,
};

/* ---- what was asked, on the pump ---- */

struct asked {
    bool read;
    bool cancel;
};

/* The caller holds the mutex. */
static void take_given(struct link_stream *stream)
{
    if (stream->shared.send) {
        assert(!stream->on_pump.has_message);
        stream->on_pump.has_message = true;
        stream->on_pump.message = stream->shared.message;
        stream->on_pump.left = stream->shared.message.size;
        stream->shared.send = false;
    }
}

void link_stream_take_message(struct link_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    take_given(stream);
}

/* Moves what goes out to where it is sent from. */
static struct asked take_asked(struct link_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->shared.is_posted = false;
    struct asked asked = {.read = stream->shared.read, .cancel = stream->shared.cancel};
    take_given(stream);
    stream->on_pump.close_due = stream->on_pump.close_due || stream->shared.close;
    if (stream->shared.finish) {
        stream->on_pump.finish_due = true;
        stream->on_pump.finish_code = stream->shared.code;
        memcpy(stream->on_pump.finish_text, stream->shared.text, sizeof(stream->shared.text));
    }
    stream->shared.read = false;
    stream->shared.close = false;
    stream->shared.finish = false;
    return asked;
}

static void begin(struct link_stream *stream)
{
    stream->on_pump.has_begun = true;
    link_timer_set(&stream->owner->timers, &stream->on_pump.deadline, stream->deadline_ns);
    if (link_stream_at_client(stream)) {
        stream->home->ops->begin(stream->home, stream);
    }
}

static void run(struct link_task *task)
{
    struct link_stream *stream = LINK_OF(task, struct link_stream, task);
    struct asked asked = take_asked(stream);
    if (stream->on_pump.is_over || stream->on_pump.has_ended) {
        if (stream->on_pump.has_message) {
            stream->on_pump.has_message = false;
            link_message_fini(&stream->on_pump.message);
        }
    } else if (!stream->on_pump.has_begun && !asked.cancel) {
        begin(stream);
    }
    if (asked.read && !stream->on_pump.is_over) {
        link_stream_ask(stream);
    }
    if (asked.cancel) {
        link_stream_end(stream, LINK_CANCELLED, NULL);
    }
    if (!stream->on_pump.is_over) {
        link_stream_want_turn(stream);
    }
    unref(stream);
}

/* ---- beginnings ---- */

static void on_deadline(struct link_timer *timer)
{
    link_stream_end(LINK_OF(timer, struct link_stream, on_pump.deadline), LINK_EXPIRED, NULL);
}

static struct link_stream *create(struct link_home *home, const struct rpc_method_row *row)
{
    struct link_stream *stream = calloc(1, sizeof(*stream));
    assert(stream != NULL);
    stream->base.ops = &stream_ops;
    stream->base.row = row;
    atomic_init(&stream->refs, 2);
    stream->task.run = run;
    stream->owner = home->base;
    stream->home = home;
    pthread_mutex_init(&stream->mutex, NULL);
    link_node_init(&stream->on_pump.node);
    link_node_init(&stream->on_pump.turn);
    stream->on_pump.deadline.fire = on_deadline;
    stream->on_pump.in_credit = LINK_WINDOW;
    stream->on_pump.out_credit = LINK_WINDOW;
    stream->on_pump.newest = &stream->on_pump.oldest;
    return stream;
}

void link_stream_create(
    struct link_home *home, const struct rpc_opening *opening, struct rpc_stream **out)
{
    struct link_stream *stream = create(home, opening->row);
    stream->base.at_client = true;
    stream->handlers = opening->handlers;
    stream->handler_context = opening->context;
    stream->deadline_ns =
        env_now_ns(home->base->env) + opening->request->deadline_ms * UINT64_C(1000000);
    rpc_request_id(home->base->env, opening->request, stream->request_id);
    if (opening->first != NULL) {
        struct slice whole = {opening->first, buf_view(opening->first)};
        stream->shared.is_sending = true;
        stream->shared.send = true;
        link_message_init(&stream->shared.message, &whole, 1);
        stream->shared.close = opening->row->kind == RPC_SERVER_STREAM;
        stream->shared.is_closed = stream->shared.close;
    }
    *out = &stream->base;
    post(stream);
}

struct link_stream *link_stream_create_accepted(struct link_home *home,
    struct link_session *session, uint32_t id, const struct rpc_method_row *row,
    const struct rpc_context *context)
{
    struct link_stream *stream = create(home, row);
    stream->base.context = *context;
    stream->deadline_ns = context->deadline_ns;
    stream->on_pump.is_opened = true;
    link_stream_attach(stream, session, id);
    begin(stream);
    return stream;
}

void link_stream_accept(
    struct link_stream *stream, const struct rpc_stream_handlers *handlers, void *handler_context)
{
    stream->handlers = handlers;
    stream->handler_context = handler_context;
}

void link_stream_attach(struct link_stream *stream, struct link_session *session, uint32_t id)
{
    stream->on_pump.session = session;
    stream->on_pump.id = id;
    link_session_add(session, stream);
    link_stream_want_turn(stream);
}

/* ---- the end ---- */

static void detach(struct link_stream *stream)
{
    struct link_session *session = stream->on_pump.session;
    link_timer_clear(&stream->owner->timers, &stream->on_pump.deadline);
    stream->on_pump.session = NULL;
    if (session != NULL) {
        link_session_remove(session, stream);
    } else {
        link_node_leave(&stream->on_pump.node);
    }
    if (stream->on_pump.has_message) {
        stream->on_pump.has_message = false;
        link_message_fini(&stream->on_pump.message);
    }
}

static enum hearth_code fail_unanswered(
    const struct link_stream *stream, const char *why, struct hearth_err *err)
{
    const bool sent = stream->on_pump.is_opened;
    const enum hearth_code code =
        sent && stream->base.row->mutates ? HEARTH_UNKNOWN : HEARTH_UNREACHABLE;
    return hearth_fail(err, code, "%s: %s (%s)", stream->home->address,
        sent ? "connection lost" : "no connection", why);
}

static enum hearth_code client_outcome(
    const struct link_stream *stream, enum link_end end, const char *why, struct hearth_err *err)
{
    const char *address = stream->home->address;
    if (end == LINK_LOST && env_now_ns(stream->owner->env) >= stream->deadline_ns) {
        end = LINK_EXPIRED; /* the peer's timer was first, or the connection went meanwhile */
    }
    switch (end) {
    case LINK_CANCELLED:
        return hearth_fail(
            err, HEARTH_CANCELLED, "%s: %s", address, hearth_code_text(HEARTH_CANCELLED));
    case LINK_EXPIRED:
        return stream->on_pump.is_opened
            ? hearth_fail(
                  err, HEARTH_DEADLINE, "%s: %s", address, hearth_code_text(HEARTH_DEADLINE))
            : fail_unanswered(stream, hearth_code_text(HEARTH_DEADLINE), err);
    case LINK_REFUSED: return rpc_nonsense(address, stream->base.row, why, err);
    default: assert(end == LINK_LOST); return fail_unanswered(stream, why, err);
    }
}

static enum hearth_code server_outcome(enum link_end end, const char *why, struct hearth_err *err)
{
    if (end == LINK_ANSWERED) {
        return HEARTH_OK;
    }
    if (end == LINK_REFUSED) {
        return hearth_fail(err, HEARTH_INVALID, "%s", why);
    }
    return hearth_fail(err, HEARTH_CANCELLED, "the peer cancelled, left or ran out of time");
}

/* What the peer cannot know otherwise. */
static void tell_peer(struct link_stream *stream, enum link_end end)
{
    struct link_session *session = stream->on_pump.session;
    if (session != NULL && stream->on_pump.is_opened && end != LINK_LOST && end != LINK_ANSWERED) {
        link_session_reset(session, stream->on_pump.id);
    }
}

static void end_with(struct link_stream *stream, enum hearth_code code)
{
    stream->on_pump.has_ended = true;
    stream->on_pump.code = code;
    detach(stream);
    if (stream->on_pump.partial != NULL) {
        buf_unref(stream->on_pump.partial);
        stream->on_pump.partial = NULL;
    }
    link_stream_settle(stream);
}

void link_stream_end(struct link_stream *stream, enum link_end end, const char *why)
{
    if (stream->on_pump.is_over) {
        return;
    }
    enum hearth_code code;
    if (link_stream_at_client(stream)) {
        code = client_outcome(stream, end, why, &stream->on_pump.err);
    } else {
        code = server_outcome(end, why, &stream->on_pump.err);
    }
    tell_peer(stream, end);
    link_stream_drop_in(stream);
    end_with(stream, code);
}

void link_stream_answer(struct link_stream *stream, enum hearth_code code, struct view text)
{
    char clean[RPC_MESSAGE_TEXT_MAX + 1];
    rpc_copy_text(text, clean);
    if (code != HEARTH_OK) {
        hearth_fail(&stream->on_pump.err, code, "%s: %s", stream->home->address, clean);
    } else if (stream->on_pump.partial != NULL) {
        link_stream_refuse(stream, "the end in a message", stream->on_pump.partial->size);
        return;
    } else {
        stream->on_pump.peer_closed = true;
    }
    end_with(stream, code);
}

void link_stream_refuse(struct link_stream *stream, const char *what, size_t size)
{
    char text[96];
    snprintf(text, sizeof(text), "%s of %zu bytes", what, size);
    if (!link_stream_at_client(stream)) {
        link_session_finish(stream->on_pump.session, stream->on_pump.id, HEARTH_INVALID, text);
        stream->on_pump.is_opened = false; /* it has been told all */
    }
    link_stream_end(stream, LINK_REFUSED, text);
}

/* true: this call was the one that found it over. */
static bool mark_over(struct link_stream *stream, struct link_message *unsent)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (stream->shared.is_over) {
        return false;
    }
    stream->shared.is_over = true;
    if (stream->shared.send) {
        stream->shared.send = false;
        *unsent = stream->shared.message;
    }
    return true;
}

static void close_to_user(struct link_stream *stream)
{
    struct link_message unsent = {.count = 0};
    if (mark_over(stream, &unsent)) {
        link_message_fini(&unsent);
        stream->on_pump.is_over = true;
    }
}

void link_stream_settle(struct link_stream *stream)
{
    link_stream_deliver(stream);
    if (!stream->on_pump.has_ended || stream->on_pump.is_over || stream->on_pump.oldest != NULL) {
        return;
    }
    close_to_user(stream);
    struct link_home *home = stream->home;
    stream->handlers->closed(stream->handler_context, stream->on_pump.code, &stream->on_pump.err);
    unref(stream);
    home->ops->over(home);
}

void link_stream_forget(struct link_stream *stream)
{
    link_stream_drop_in(stream);
    detach(stream);
    close_to_user(stream);
    unref(stream);
    unref(stream);
}
