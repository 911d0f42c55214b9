#include "tools/admin_receive.h"

#include "common/cleanup.h"

/* What the stream's handlers leave for the receiving thread. */
struct inbox {
    pthread_mutex_t mutex; /* a leaf */
    pthread_cond_t arrived;
    struct buf *message; /* NULL: none */
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

enum hearth_code admin_receive(struct admin *admin, enum rpc_method method, const void *request,
    void *room, admin_take_fn *take, void *context, struct hearth_err *err)
{
    static const struct rpc_stream_handlers handlers = {
        .message = on_message,
        .closed = on_closed,
    };
    struct inbox inbox = {.code = HEARTH_OK};
    struct rpc_stream *stream;
    const struct taker taker = {.room = room, .take = take, .context = context};
    pthread_mutex_init(&inbox.mutex, NULL);
    pthread_cond_init(&inbox.arrived, NULL);
    enum hearth_code code = admin_stream(admin, method, request, &handlers, &inbox, &stream, err);
    if (code == HEARTH_OK) {
        code = pump(admin, stream, &inbox, &taker, err);
        buf_unref(inbox.message); /* one may have come between the cancel and the end */
        rpc_stream_release(stream);
    }
    pthread_cond_destroy(&inbox.arrived);
    pthread_mutex_destroy(&inbox.mutex);
    return code;
}
