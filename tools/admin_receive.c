#include "tools/admin_receive.h"

#include "common/cleanup.h"

/* What the stream's handlers leave for the receiving thread. */
struct inbox {
    pthread_mutex_t mutex; /* a leaf */
    pthread_cond_t arrived;
    struct buf *message; /* NULL: none */
    bool is_sent;        /* the transport took the last one of ours */
    bool is_over;        /* the peer half-closed, or the stream ended */
    bool is_closed;
    enum hearth_code code; /* when closed */
    struct hearth_err err;
};

static void on_message(void *context, struct buf *message)
{
    struct inbox *inbox = context;
    UNLOCKS pthread_mutex_t *held = lock(&inbox->mutex);
    inbox->message = message;
    inbox->is_over = message == NULL;
    pthread_cond_signal(&inbox->arrived);
}

static void on_sent(void *context)
{
    struct inbox *inbox = context;
    UNLOCKS pthread_mutex_t *held = lock(&inbox->mutex);
    inbox->is_sent = true;
    pthread_cond_signal(&inbox->arrived);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct inbox *inbox = context;
    UNLOCKS pthread_mutex_t *held = lock(&inbox->mutex);
    inbox->code = code;
    if (code != HEARTH_OK) {
        inbox->err = *err;
    }
    inbox->is_over = inbox->is_closed = true;
    pthread_cond_signal(&inbox->arrived);
}

/* The next message; NULL: there is none any more. */
static struct buf *take_message(struct inbox *inbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&inbox->mutex);
    while (inbox->message == NULL && !inbox->is_over) {
        pthread_cond_wait(&inbox->arrived, held);
    }
    struct buf *message = inbox->message;
    inbox->message = NULL;
    return message;
}

static enum hearth_code wait_closed(struct inbox *inbox, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&inbox->mutex);
    while (!inbox->is_closed) {
        pthread_cond_wait(&inbox->arrived, held);
    }
    if (inbox->code != HEARTH_OK) {
        *err = inbox->err;
    }
    return inbox->code;
}

/* Who takes, and where a message is decoded to. */
struct taker {
    void *room;
    admin_take_fn *take;
    void *context;
};

static enum hearth_code decode_and_take(const struct rpc_stream *stream, const struct buf *message,
    const struct taker *taker, struct hearth_err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = rpc_stream_decode(stream, message, &arena, taker->room, err);
    if (code == HEARTH_OK) {
        code = taker->take(taker->context, taker->room, err);
    }
    arena_fini(&arena);
    return code;
}

/* Until the peer has no more, or we cannot go on; then the stream is cancelled. */
static enum hearth_code pump(struct admin *admin, struct rpc_stream *stream, struct inbox *inbox,
    const struct taker *taker, struct hearth_err *err)
{
    for (;;) {
        rpc_stream_read(stream);
        struct buf *message = take_message(inbox);
        if (message == NULL) {
            return wait_closed(inbox, err);
        }
        enum hearth_code code = decode_and_take(stream, message, taker, err);
        buf_unref(message);
        if (code == HEARTH_OK && atomic_load(admin_cancel(admin))) {
            code = hearth_fail(err, HEARTH_CANCELLED, "interrupted");
        }
        if (code != HEARTH_OK) {
            struct hearth_err ignored;
            rpc_stream_cancel(stream);
            wait_closed(inbox, &ignored);
            return code;
        }
    }
}

static enum hearth_code open_inbox(struct admin *admin, enum rpc_method method, const void *request,
    struct inbox *inbox, struct rpc_stream **out, struct hearth_err *err)
{
    static const struct rpc_stream_handlers handlers = {
        .message = on_message,
        .sent = on_sent,
        .closed = on_closed,
    };
    pthread_mutex_init(&inbox->mutex, NULL);
    pthread_cond_init(&inbox->arrived, NULL);
    return admin_stream(admin, method, request, &handlers, inbox, out, err);
}

/* The stream, if there was one, has been closed. */
static void close_inbox(struct inbox *inbox, struct rpc_stream *stream)
{
    buf_unref(inbox->message); /* one may have come between the cancel and the end */
    rpc_stream_release(stream);
    pthread_cond_destroy(&inbox->arrived);
    pthread_mutex_destroy(&inbox->mutex);
}

enum hearth_code admin_receive(struct admin *admin, enum rpc_method method, const void *request,
    void *room, admin_take_fn *take, void *context, struct hearth_err *err)
{
    struct inbox inbox = {.code = HEARTH_OK};
    struct rpc_stream *stream = NULL;
    const struct taker taker = {.room = room, .take = take, .context = context};
    enum hearth_code code = open_inbox(admin, method, request, &inbox, &stream, err);
    if (code == HEARTH_OK) {
        code = pump(admin, stream, &inbox, &taker, err);
    }
    close_inbox(&inbox, stream);
    return code;
}

/* ---- up ---- */

/* false: the peer has answered, or the stream is over: it wants no more. */
static bool wait_sent(struct inbox *inbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&inbox->mutex);
    while (!inbox->is_sent && inbox->message == NULL && !inbox->is_over) {
        pthread_cond_wait(&inbox->arrived, held);
    }
    const bool wants_more = inbox->message == NULL && !inbox->is_over;
    inbox->is_sent = false;
    return wants_more;
}

/* Non-OK: of ours; what the peer says of it comes with the end. */
static enum hearth_code send_all(struct admin *admin, struct rpc_stream *stream,
    struct inbox *inbox, void *room, admin_give_fn *give, void *context, struct hearth_err *err)
{
    bool is_last = false;
    do {
        if (atomic_load(admin_cancel(admin))) {
            return hearth_fail(err, HEARTH_CANCELLED, "interrupted");
        }
        if (give(context, room, &is_last, err) != HEARTH_OK ||
            rpc_stream_send_message(stream, room, err) != HEARTH_OK) {
            return err->code;
        }
    } while (wait_sent(inbox) && !is_last);
    return HEARTH_OK;
}

/* The one answer, and then the end. */
static enum hearth_code take_answer(struct admin *admin, struct rpc_stream *stream,
    struct inbox *inbox, void *reply, struct hearth_err *err)
{
    struct buf *message = take_message(inbox);
    if (message == NULL) {
        return wait_closed(inbox, err) == HEARTH_OK
            ? hearth_fail(err, HEARTH_UNKNOWN, "it ended without an answer")
            : err->code;
    }
    rpc_stream_read(stream);
    enum hearth_code code = wait_closed(inbox, err);
    if (code == HEARTH_OK) {
        code = rpc_stream_decode(stream, message, admin_arena(admin), reply, err);
    }
    buf_unref(message);
    return code;
}

enum hearth_code admin_send(struct admin *admin, enum rpc_method method, void *room,
    admin_give_fn *give, void *context, void *reply, struct hearth_err *err)
{
    struct inbox inbox = {.code = HEARTH_OK};
    struct rpc_stream *stream = NULL;
    enum hearth_code code = open_inbox(admin, method, NULL, &inbox, &stream, err);
    if (code == HEARTH_OK) {
        rpc_stream_read(stream); /* the end is told to who reads */
        code = send_all(admin, stream, &inbox, room, give, context, err);
        if (code == HEARTH_OK) {
            code = take_answer(admin, stream, &inbox, reply, err);
        } else {
            struct hearth_err ignored;
            rpc_stream_cancel(stream);
            wait_closed(&inbox, &ignored);
        }
    }
    close_inbox(&inbox, stream);
    return code;
}
