/*
 * hearth-admin backup: the coordinator's metadata, consistent, in one file.
 *
 *   pump thread: message --> inbox (one) --> this thread: write to the sink, ask for the next
 */
#include "common/cleanup.h"
#include "tools/admin.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/local_sink.h"

/* What the stream's handlers leave for the writing thread. */
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

static enum hearth_code write_message(const struct rpc_stream *stream, const struct buf *message,
    struct local_sink *sink, struct hearth_err *err)
{
    struct arena arena;
    struct wire_backup_chunk chunk;
    arena_init(&arena, 0);
    enum hearth_code code = rpc_stream_decode(stream, message, &arena, &chunk, err);
    if (code == HEARTH_OK) {
        code = local_sink_write(sink, chunk.bytes, err);
    }
    arena_fini(&arena);
    return code;
}

/* Until the peer has no more, or we cannot go on; then the stream is cancelled. */
static enum hearth_code pump(struct admin *admin, struct rpc_stream *stream, struct inbox *inbox,
    struct local_sink *sink, struct hearth_err *err)
{
    for (;;) {
        rpc_stream_read(stream);
        struct buf *message = take_message(inbox);
        if (message == NULL) {
            return wait_closed(inbox, err);
        }
        enum hearth_code code = write_message(stream, message, sink, err);
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

static enum hearth_code receive(
    struct admin *admin, struct local_sink *sink, struct hearth_err *err)
{
    static const struct rpc_stream_handlers handlers = {
        .message = on_message,
        .closed = on_closed,
    };
    struct inbox inbox = {.code = HEARTH_OK};
    struct rpc_stream *stream;
    pthread_mutex_init(&inbox.mutex, NULL);
    pthread_cond_init(&inbox.arrived, NULL);
    enum hearth_code code =
        admin_stream(admin, RPC_BACKUP, &(struct wire_empty){0}, &handlers, &inbox, &stream, err);
    if (code == HEARTH_OK) {
        code = pump(admin, stream, &inbox, sink, err);
        buf_unref(inbox.message); /* one may have come between the cancel and the end */
        rpc_stream_release(stream);
    }
    pthread_cond_destroy(&inbox.arrived);
    pthread_mutex_destroy(&inbox.mutex);
    return code;
}

static enum hearth_code backup(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const char *path = call->arguments[0];
    struct local_sink sink;
    if (strcmp(path, "-") == 0) {
        local_sink_open_stdout(&sink);
    } else if (local_sink_open_path(path, &sink, err) != HEARTH_OK) {
        return err->code;
    }
    if (receive(admin, &sink, err) != HEARTH_OK) {
        local_sink_abandon(&sink);
        return err->code;
    }
    return local_sink_finish(&sink, err);
}

static enum program_exit run_backup(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, backup, err);
}

const struct program_verb hearth_admin_verb_backup = {
    .name = "backup",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .needs_config = true,
    .help = "write the cluster's metadata to a file (- is standard output)",
    .run = run_backup,
};
