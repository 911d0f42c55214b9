#include "coordinator/admin_backup.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "coordinator/admin_service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#define BACKUP_FILE "backup.partial" /* in the directory of the metadata; gone once it is open */

/* One slot: idle, or a thread that works for one stream. */
struct admin_backups {
    pthread_t thread; /* of the last one; joined by the next, or at the end */
    bool has_thread;

    /* Of the one that runs. */
    struct coordinator *coordinator;
    struct rpc_stream *stream;
    struct peer_identity peer;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool is_running;
        bool is_sent;   /* the transport took the last chunk */
        bool is_closed; /* nobody listens any more */
    } shared;
};

struct admin_backups *admin_backups_create(void)
{
    struct admin_backups *backups = calloc(1, sizeof(*backups));
    if (backups != NULL) {
        pthread_mutex_init(&backups->shared.mutex, NULL);
        pthread_cond_init(&backups->shared.changed, NULL);
    }
    return backups;
}

void admin_backups_destroy(struct admin_backups *backups)
{
    if (backups == NULL) {
        return;
    }
    if (backups->has_thread) {
        pthread_join(backups->thread, NULL);
    }
    pthread_cond_destroy(&backups->shared.changed);
    pthread_mutex_destroy(&backups->shared.mutex);
    free(backups);
}

/* ---- the stream's side: pump threads ---- */

static void set(struct admin_backups *backups, bool *flag)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->shared.mutex);
    *flag = true;
    pthread_cond_signal(&backups->shared.changed);
}

static void on_message(void *context, struct buf *message TAKES)
{
    (void)context;
    buf_unref(message);
}

static void on_sent(void *context)
{
    struct admin_backups *backups = context;
    set(backups, &backups->shared.is_sent);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    (void)code;
    (void)err;
    struct admin_backups *backups = context;
    set(backups, &backups->shared.is_closed);
}

static const struct rpc_stream_handlers handlers = {
    .message = on_message, .sent = on_sent, .closed = on_closed};

/* ---- the thread's side ---- */

/* false: nobody listens any more. */
static bool wait_until_sent(struct admin_backups *backups)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->shared.mutex);
    while (!backups->shared.is_sent && !backups->shared.is_closed) {
        pthread_cond_wait(&backups->shared.changed, &backups->shared.mutex);
    }
    backups->shared.is_sent = false;
    return !backups->shared.is_closed;
}

static void wait_until_closed(struct admin_backups *backups)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->shared.mutex);
    while (!backups->shared.is_closed) {
        pthread_cond_wait(&backups->shared.changed, &backups->shared.mutex);
    }
}

/* The copy, open, and already without a name: whatever happens, nothing stays behind. */
static enum hearth_code make_copy(struct coordinator *coordinator, int *out, struct hearth_err *err)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/" BACKUP_FILE, coordinator->settings->metadata);
    if (length >= (int)sizeof(path)) {
        return hearth_fail(err, HEARTH_INVALID, "path of " BACKUP_FILE " is too long");
    }
    unlink(path); /* of a process that was killed */
    if (meta_backup(coordinator->store, path, err) != HEARTH_OK) {
        return err->code;
    }
    *out = open(path, O_RDONLY | O_CLOEXEC);
    const int failed = errno;
    unlink(path);
    return *out >= 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_IO, failed, "open %s", path);
}

static enum hearth_code send_copy(
    struct admin_backups *backups, int fd, uint8_t *chunk, struct hearth_err *err)
{
    uint64_t sent = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, WIRE_BACKUP_CHUNK_MAX);
        if (got < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "read the copy");
        }
        if (got == 0) {
            log_write(LOG_BACKUP_SENT, "bytes=%ju by=%s", (uintmax_t)sent, backups->peer.id_text);
            return HEARTH_OK;
        }
        const struct wire_backup_chunk message = {.bytes = view_of(chunk, (size_t)got)};
        if (rpc_stream_send_message(backups->stream, &message, err) != HEARTH_OK) {
            return err->code;
        }
        if (!wait_until_sent(backups)) {
            return hearth_fail(err, HEARTH_CANCELLED, "the reader left");
        }
        sent += (uint64_t)got;
    }
}

static enum hearth_code back_up(struct admin_backups *backups, struct hearth_err *err)
{
    CLOSES_FD int fd = -1;
    FREES uint8_t *chunk = malloc(WIRE_BACKUP_CHUNK_MAX);
    if (chunk == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "chunk");
    }
    if (admin_check(backups->coordinator, &backups->peer, err) != HEARTH_OK ||
        make_copy(backups->coordinator, &fd, err) != HEARTH_OK) {
        return err->code;
    }
    return send_copy(backups, fd, chunk, err);
}

static void *run(void *argument)
{
    struct admin_backups *backups = argument;
    struct hearth_err err = {.message = ""};
    enum hearth_code code = back_up(backups, &err);
    if (code != HEARTH_OK) {
        hearth_err_prefix(&err, "backup");
    }
    rpc_stream_finish(backups->stream, code, err.message);
    wait_until_closed(backups);
    rpc_stream_release(backups->stream);
    UNLOCKS pthread_mutex_t *held = lock(&backups->shared.mutex);
    backups->shared.is_running = false;
    return NULL;
}

/* ---- a stream begins ---- */

/* false: there is one already. */
static bool take_slot(struct admin_backups *backups)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->shared.mutex);
    if (backups->shared.is_running) {
        return false;
    }
    backups->shared.is_running = true;
    backups->shared.is_sent = false;
    backups->shared.is_closed = false;
    return true;
}

static void give_slot_back(struct admin_backups *backups)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->shared.mutex);
    backups->shared.is_running = false;
}

enum hearth_code admin_backup_opened(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers_out,
    void **handler_context, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    struct admin_backups *backups = coordinator->backups;
    if (!take_slot(backups)) {
        return hearth_fail(err, HEARTH_BUSY, "a backup is running");
    }
    if (backups->has_thread) {
        pthread_join(backups->thread, NULL); /* it has given its slot back: it is as good as gone */
        backups->has_thread = false;
    }
    backups->coordinator = coordinator;
    backups->stream = stream;
    backups->peer = context->peer;
    *handlers_out = &handlers;
    *handler_context = backups;
    int rc = pthread_create(&backups->thread, NULL, run, backups);
    if (rc != 0) {
        give_slot_back(backups);
        return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start a backup");
    }
    backups->has_thread = true;
    return HEARTH_OK;
}
