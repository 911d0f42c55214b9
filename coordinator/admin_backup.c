#include "coordinator/admin_backup.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "coordinator/admin_service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#define BACKUP_FILE "backup.partial" /* in the directory of the metadata; gone once it is open */

/* Who may run: one at a time. */
struct admin_backups {
    pthread_mutex_t mutex;
    bool is_running;  /* holding mutex */
    pthread_t thread; /* of the last one; joined by the next, or at the end */
    bool has_thread;
};

/* One backup: a thread that works for one stream. */
struct backup {
    atomic_uint refs; /* the thread's, and the stream's until closed() */

    /* Set once. */
    struct coordinator *coordinator;
    struct rpc_stream *stream;
    struct peer_identity peer;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool is_sent;   /* the transport took the last chunk */
        bool is_closed; /* nobody listens any more */
    } shared;
};

struct admin_backups *admin_backups_create(void)
{
    struct admin_backups *backups = calloc(1, sizeof(*backups));
    if (backups != NULL) {
        pthread_mutex_init(&backups->mutex, NULL);
    }
    return backups;
}

static void join_last(struct admin_backups *backups)
{
    if (backups->has_thread) {
        pthread_join(backups->thread, NULL);
        backups->has_thread = false;
    }
}

void admin_backups_destroy(struct admin_backups *backups)
{
    if (backups == NULL) {
        return;
    }
    join_last(backups);
    pthread_mutex_destroy(&backups->mutex);
    free(backups);
}

/* ---- the slot ---- */

/* false: there is one already. */
static bool take_slot(struct admin_backups *backups)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->mutex);
    const bool is_free = !backups->is_running;
    backups->is_running = true;
    return is_free;
}

static void give_slot_back(struct admin_backups *backups)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->mutex);
    backups->is_running = false;
}

/* ---- one backup ---- */

static struct backup *create(
    struct coordinator *coordinator, struct rpc_stream *stream, const struct peer_identity *peer)
{
    struct backup *backup = calloc(1, sizeof(*backup));
    if (backup != NULL) {
        atomic_init(&backup->refs, 2);
        backup->coordinator = coordinator;
        backup->stream = stream;
        backup->peer = *peer;
        pthread_mutex_init(&backup->shared.mutex, NULL);
        pthread_cond_init(&backup->shared.changed, NULL);
    }
    return backup;
}

static void destroy(struct backup *backup)
{
    if (backup == NULL) {
        return;
    }
    pthread_cond_destroy(&backup->shared.changed);
    pthread_mutex_destroy(&backup->shared.mutex);
    free(backup);
}

static void unref(struct backup *backup)
{
    if (atomic_fetch_sub(&backup->refs, 1) == 1) {
        rpc_stream_release(backup->stream);
        destroy(backup);
    }
}

/* ---- the stream's side: pump threads ---- */

static void set(struct backup *backup, bool *flag)
{
    UNLOCKS pthread_mutex_t *held = lock(&backup->shared.mutex);
    *flag = true;
    pthread_cond_signal(&backup->shared.changed);
}

static void on_message(void *context, struct buf *message TAKES)
{
    (void)context;
    buf_unref(message);
}

static void on_sent(void *context)
{
    struct backup *backup = context;
    set(backup, &backup->shared.is_sent);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    (void)code;
    (void)err;
    struct backup *backup = context;
    set(backup, &backup->shared.is_closed);
    unref(backup);
}

static const struct rpc_stream_handlers handlers = {
    .message = on_message, .sent = on_sent, .closed = on_closed};

/* ---- the thread's side ---- */

/* false: nobody listens any more. */
static bool wait_until_sent(struct backup *backup)
{
    UNLOCKS pthread_mutex_t *held = lock(&backup->shared.mutex);
    while (!backup->shared.is_sent && !backup->shared.is_closed) {
        pthread_cond_wait(&backup->shared.changed, &backup->shared.mutex);
    }
    backup->shared.is_sent = false;
    return !backup->shared.is_closed;
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
    struct backup *backup, int fd, uint8_t *chunk, struct hearth_err *err)
{
    uint64_t sent = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, WIRE_BACKUP_CHUNK_MAX);
        if (got < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "read the copy");
        }
        if (got == 0) {
            log_write(LOG_BACKUP_SENT, "bytes=%ju by=%s", (uintmax_t)sent, backup->peer.id_text);
            return HEARTH_OK;
        }
        const struct wire_backup_chunk message = {.bytes = view_of(chunk, (size_t)got)};
        if (rpc_stream_send_message(backup->stream, &message, err) != HEARTH_OK) {
            return err->code;
        }
        if (!wait_until_sent(backup)) {
            return hearth_fail(err, HEARTH_CANCELLED, "the reader left");
        }
        sent += (uint64_t)got;
    }
}

static enum hearth_code back_up(struct backup *backup, struct hearth_err *err)
{
    CLOSES_FD int fd = -1;
    FREES uint8_t *chunk = malloc(WIRE_BACKUP_CHUNK_MAX);
    if (chunk == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "chunk");
    }
    if (admin_check(backup->coordinator, &backup->peer, err) != HEARTH_OK ||
        make_copy(backup->coordinator, &fd, err) != HEARTH_OK) {
        return err->code;
    }
    return send_copy(backup, fd, chunk, err);
}

/* The slot goes back before the end is told: whoever has seen it may have the next. */
static void *run(void *argument)
{
    struct backup *backup = argument;
    struct hearth_err err = {.message = ""};
    enum hearth_code code = back_up(backup, &err);
    if (code != HEARTH_OK) {
        hearth_err_prefix(&err, "backup");
    }
    give_slot_back(backup->coordinator->backups);
    rpc_stream_finish(backup->stream, code, err.message);
    unref(backup);
    return NULL;
}

/* ---- a stream begins ---- */

/* With the mutex, which the thread needs to give its slot back: by then it can be joined. */
static int start(struct admin_backups *backups, struct backup *backup)
{
    UNLOCKS pthread_mutex_t *held = lock(&backups->mutex);
    int rc = pthread_create(&backups->thread, NULL, run, backup);
    backups->has_thread = rc == 0;
    return rc;
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
    join_last(backups); /* it has given its slot back: it is as good as gone */
    struct backup *backup = create(coordinator, stream, &context->peer);
    *handlers_out = &handlers;
    *handler_context = backup;
    int rc = backup != NULL ? start(backups, backup) : ENOMEM;
    if (rc != 0) {
        give_slot_back(backups);
        destroy(backup);
        return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start a backup");
    }
    return HEARTH_OK;
}
