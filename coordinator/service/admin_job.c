#include "coordinator/service/admin_job.h"

#include "common/cleanup.h"
#include "coordinator/service/admin_service.h"

#include <errno.h>
#include <stdatomic.h>

/* Who may run: one at a time. */
struct admin_slot {
    struct coordinator *coordinator;
    const char *name;
    admin_job_fn *run;

    pthread_mutex_t mutex;
    bool is_running;  /* holding mutex */
    pthread_t thread; /* of the last one; joined by the next, or at the end */
    bool has_thread;
};

/* A thread that works for one stream. */
struct admin_job {
    atomic_uint refs; /* the thread's, and the stream's until closed() */

    /* Set once. */
    struct admin_slot *slot;
    struct rpc_stream *stream;
    struct peer_identity peer;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct buf *request; /* came, and was not taken yet */
        bool is_all;         /* the client sends no more */
        bool is_sent;        /* the transport took the last message */
        bool is_closed;      /* nobody listens any more */
    } shared;
};

struct admin_slot *admin_slot_create(
    struct coordinator *coordinator, const char *name, admin_job_fn *run)
{
    struct admin_slot *slot = calloc(1, sizeof(*slot));
    if (slot != NULL) {
        slot->coordinator = coordinator;
        slot->name = name;
        slot->run = run;
        pthread_mutex_init(&slot->mutex, NULL);
    }
    return slot;
}

static void join_last(struct admin_slot *slot)
{
    if (slot->has_thread) {
        pthread_join(slot->thread, NULL);
        slot->has_thread = false;
    }
}

void admin_slot_destroy(struct admin_slot *slot)
{
    if (slot == NULL) {
        return;
    }
    join_last(slot);
    pthread_mutex_destroy(&slot->mutex);
    free(slot);
}

/* ---- the slot ---- */

/* false: there is one already. */
static bool take_slot(struct admin_slot *slot)
{
    UNLOCKS pthread_mutex_t *held = lock(&slot->mutex);
    const bool is_free = !slot->is_running;
    slot->is_running = true;
    return is_free;
}

static void give_slot_back(struct admin_slot *slot)
{
    UNLOCKS pthread_mutex_t *held = lock(&slot->mutex);
    slot->is_running = false;
}

/* ---- one job ---- */

static struct admin_job *create(
    struct admin_slot *slot, struct rpc_stream *stream, const struct peer_identity *peer)
{
    struct admin_job *job = calloc(1, sizeof(*job));
    if (job != NULL) {
        atomic_init(&job->refs, 2);
        job->slot = slot;
        job->stream = stream;
        job->peer = *peer;
        pthread_mutex_init(&job->shared.mutex, NULL);
        pthread_cond_init(&job->shared.changed, NULL);
    }
    return job;
}

static void destroy(struct admin_job *job)
{
    if (job == NULL) {
        return;
    }
    buf_unref(job->shared.request);
    pthread_cond_destroy(&job->shared.changed);
    pthread_mutex_destroy(&job->shared.mutex);
    free(job);
}

static void unref(struct admin_job *job)
{
    if (atomic_fetch_sub(&job->refs, 1) == 1) {
        rpc_stream_release(job->stream);
        destroy(job);
    }
}

struct coordinator *admin_job_coordinator(const struct admin_job *job)
{
    return job->slot->coordinator;
}

const char *admin_job_peer(const struct admin_job *job)
{
    return job->peer.id_text;
}

/* ---- the stream's side: pump threads ---- */

static void set(struct admin_job *job, bool *flag)
{
    UNLOCKS pthread_mutex_t *held = lock(&job->shared.mutex);
    *flag = true;
    pthread_cond_signal(&job->shared.changed);
}

static void on_message(void *context, struct buf *message TAKES)
{
    struct admin_job *job = context;
    UNLOCKS pthread_mutex_t *held = lock(&job->shared.mutex);
    buf_unref(job->shared.request);
    job->shared.request = message;
    job->shared.is_all = message == NULL;
    pthread_cond_signal(&job->shared.changed);
}

static void on_sent(void *context)
{
    struct admin_job *job = context;
    set(job, &job->shared.is_sent);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    (void)code;
    (void)err;
    struct admin_job *job = context;
    set(job, &job->shared.is_closed);
    unref(job);
}

static const struct rpc_stream_handlers job_handlers = {
    .message = on_message, .sent = on_sent, .closed = on_closed};

/* ---- the thread's side ---- */

static struct buf *wait_for_request(struct admin_job *job)
{
    UNLOCKS pthread_mutex_t *held = lock(&job->shared.mutex);
    while (job->shared.request == NULL && !job->shared.is_all && !job->shared.is_closed) {
        pthread_cond_wait(&job->shared.changed, &job->shared.mutex);
    }
    struct buf *request = job->shared.request;
    job->shared.request = NULL;
    return request;
}

enum hearth_code admin_job_request(
    struct admin_job *job, struct arena *arena, void *out, struct hearth_err *err)
{
    rpc_stream_read(job->stream);
    struct buf *request = wait_for_request(job);
    if (request == NULL) {
        return hearth_fail(err, HEARTH_CANCELLED, "the reader left");
    }
    enum hearth_code code = rpc_stream_decode(job->stream, request, arena, out, err);
    buf_unref(request);
    return code;
}

/* false: nobody listens any more. */
static bool wait_until_sent(struct admin_job *job)
{
    UNLOCKS pthread_mutex_t *held = lock(&job->shared.mutex);
    while (!job->shared.is_sent && !job->shared.is_closed) {
        pthread_cond_wait(&job->shared.changed, &job->shared.mutex);
    }
    job->shared.is_sent = false;
    return !job->shared.is_closed;
}

enum hearth_code admin_job_send(struct admin_job *job, const void *message, struct hearth_err *err)
{
    if (rpc_stream_send_message(job->stream, message, err) != HEARTH_OK) {
        return err->code;
    }
    return wait_until_sent(job) ? HEARTH_OK : hearth_fail(err, HEARTH_CANCELLED, "the reader left");
}

bool admin_job_is_over(struct admin_job *job)
{
    UNLOCKS pthread_mutex_t *held = lock(&job->shared.mutex);
    return job->shared.is_closed;
}

/* The slot goes back before the end is told: whoever has seen it may have the next. */
static void *run(void *argument)
{
    struct admin_job *job = argument;
    struct hearth_err err = {.message = ""};
    enum hearth_code code = admin_check(job->slot->coordinator, &job->peer, &err);
    if (code == HEARTH_OK) {
        code = job->slot->run(job, &err);
    }
    if (code != HEARTH_OK) {
        hearth_err_prefix(&err, "%s", job->slot->name);
    }
    give_slot_back(job->slot);
    rpc_stream_finish(job->stream, code, err.message);
    unref(job);
    return NULL;
}

/* ---- a stream begins ---- */

/* With the mutex, which the thread needs to give its slot back: by then it can be joined. */
static int start(struct admin_slot *slot, struct admin_job *job)
{
    UNLOCKS pthread_mutex_t *held = lock(&slot->mutex);
    int rc = pthread_create(&slot->thread, NULL, run, job);
    slot->has_thread = rc == 0;
    return rc;
}

enum hearth_code admin_job_open(struct admin_slot *slot, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    if (!take_slot(slot)) {
        return hearth_fail(err, HEARTH_BUSY, "a %s is running", slot->name);
    }
    join_last(slot); /* it has given its slot back: it is as good as gone */
    struct admin_job *job = create(slot, stream, &context->peer);
    *handlers = &job_handlers;
    *handler_context = job;
    int rc = job != NULL ? start(slot, job) : ENOMEM;
    if (rc != 0) {
        give_slot_back(slot);
        destroy(job);
        return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start a %s", slot->name);
    }
    return HEARTH_OK;
}
