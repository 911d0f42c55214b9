#include "storaged/shard_service.h"

#include "storaged/shard_copy.h"
#include "storaged/shard_get.h"
#include "storaged/shard_inventory.h"
#include "storaged/shard_put.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct shard_service {
    /* Set once. */
    const struct shard_context *context;
    unsigned streams_max;

    atomic_uint streams; /* open now */
};

/*
 * Messages of one request that are here before its user asked for them.  One at a time, pump and
 * loop would wake each other for each: a fifth of what a node spends on a PUT, measured.  More is
 * memory of every request, and the owner's limit counts each only when it is asked for.
 */
enum { AHEAD_MAX = 4 };

struct arrival {
    struct task task;
    struct service_stream *stream;
    struct buf *message; /* NULL: the peer will send no more */
};

/* One request: the seam's stream, and the tasks that bring its events to the loop. */
struct service_stream {
    struct shard_stream stream; /* first: the seam's functions get a pointer to it */

    /* Set once, before the first event. */
    struct shard_service *service;
    struct rpc_stream *rpc;
    unsigned method;

    /* Filled on the pump, emptied on the loop; each is under way at most once. */
    struct task opened_task;
    struct task sent_task;
    struct task closed_task;
    struct arrival arrivals[AHEAD_MAX]; /* a ring: `came`, then on_loop.given */
    unsigned came;
    atomic_uint room; /* how many may still be read; who takes the last leaves the reading to who
                       * makes room again */

    struct {
        bool is_finished; /* events that were on their way are dropped */
        bool has_read;
        bool is_wanted;   /* the user asked for a message */
        unsigned arrived; /* those here; */
        unsigned given;   /* the oldest of them: the user's next */
        struct task give_task;
        bool is_giving; /* it was posted */
        bool is_over;   /* the one thing left to do is to free it */
    } on_loop;
};

static void post(struct service_stream *stream, struct task *task)
{
    loop_post(stream->service->context->loop, task);
}

#define OF_TASK(task, member)                                                                      \
    ((struct service_stream *)((char *)(task)-offsetof(struct service_stream, member)))

/* ---- the seam, on the loop ---- */

static struct service_stream *of_seam(struct shard_stream *stream)
{
    return (struct service_stream *)stream;
}

static void seam_read(struct shard_stream *seam)
{
    struct service_stream *stream = of_seam(seam);
    assert(!stream->on_loop.is_wanted);
    stream->on_loop.is_wanted = true;
    if (stream->on_loop.arrived > stream->on_loop.given) {
        stream->on_loop.is_giving = true;
        post(stream, &stream->on_loop.give_task);
    } else if (!stream->on_loop.has_read) {
        stream->on_loop.has_read = true;
        rpc_stream_read(stream->rpc);
    }
}

static void seam_send(struct shard_stream *stream, const struct slice *slices TAKES, size_t count)
{
    rpc_stream_send(of_seam(stream)->rpc, slices, count);
}

static void seam_finish(struct shard_stream *stream, enum hearth_code code, const char *text)
{
    of_seam(stream)->on_loop.is_finished = true;
    rpc_stream_finish(of_seam(stream)->rpc, code, text);
}

static const struct shard_stream_ops seam_ops = {
    .read = seam_read, .send = seam_send, .finish = seam_finish};

/* ---- a request that could not be begun: only its end is awaited ---- */

static void refused_message(struct shard_stream *stream, struct buf *message TAKES)
{
    (void)stream;
    buf_unref(message);
}

static void refused_event(struct shard_stream *stream)
{
    (void)stream;
}

static const struct shard_stream_user refused_user = {
    .message = refused_message, .sent = refused_event, .closed = refused_event};

/* ---- events, on the loop ---- */

typedef enum hearth_code start_fn(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err);

static start_fn *start_of(unsigned method)
{
    switch (method) {
    case RPC_SHARD_PUT: return shard_put_start;
    case RPC_SHARD_COPY: return shard_copy_start;
    case RPC_LIST_SHARDS: return shard_list_start;
    case RPC_DIGEST_SHARDS: return shard_digest_start;
    default: assert(method == RPC_SHARD_GET || method == RPC_PEER_FETCH); return shard_get_start;
    }
}

static void run_opened(struct task *task)
{
    struct service_stream *stream = OF_TASK(task, opened_task);
    const struct shard_context *context = stream->service->context;
    struct hearth_err err;
    enum hearth_code code = start_of(stream->method)(context, &stream->stream, &err);
    if (code != HEARTH_OK) {
        stream->stream.user = &refused_user;
        seam_finish(&stream->stream, code, err.message);
    }
}

static struct buf *take_oldest(struct service_stream *stream)
{
    struct arrival *arrival = &stream->arrivals[stream->on_loop.given++ % AHEAD_MAX];
    struct buf *message = arrival->message;
    arrival->message = NULL;
    if (message != NULL && atomic_fetch_add(&stream->room, 1) == 0) {
        rpc_stream_read(stream->rpc);
    }
    return message;
}

static void give(struct service_stream *stream)
{
    if (!stream->on_loop.is_finished) {
        assert(stream->on_loop.is_wanted);
        stream->on_loop.is_wanted = false;
        stream->stream.user->message(&stream->stream, take_oldest(stream));
    }
}

static void free_when_over(struct service_stream *stream)
{
    if (stream->on_loop.is_over && !stream->on_loop.is_giving) {
        free(stream);
    }
}

static void run_give(struct task *task)
{
    struct service_stream *stream = OF_TASK(task, on_loop.give_task);
    stream->on_loop.is_giving = false;
    give(stream);
    free_when_over(stream);
}

/* With one before it, either nobody asked or give_task is on its way. */
static void run_arrived(struct task *task)
{
    struct service_stream *stream =
        ((struct arrival *)((char *)task - offsetof(struct arrival, task)))->stream;
    bool is_alone = stream->on_loop.arrived++ == stream->on_loop.given;
    if (is_alone && stream->on_loop.is_wanted) {
        give(stream);
    }
}

static void run_sent(struct task *task)
{
    struct service_stream *stream = OF_TASK(task, sent_task);
    if (!stream->on_loop.is_finished) {
        stream->stream.user->sent(&stream->stream);
    }
}

static void run_closed(struct task *task)
{
    struct service_stream *stream = OF_TASK(task, closed_task);
    stream->on_loop.is_finished = true;
    stream->stream.user->closed(&stream->stream);
    for (unsigned i = 0; i < AHEAD_MAX; i++) {
        buf_unref(stream->arrivals[i].message);
    }
    rpc_stream_release(stream->rpc);
    atomic_fetch_sub(&stream->service->streams, 1);
    stream->on_loop.is_over = true;
    free_when_over(stream);
}

/* ---- events, on a pump thread ---- */

static void on_message(void *context, struct buf *message TAKES)
{
    struct service_stream *stream = context;
    struct arrival *arrival = &stream->arrivals[stream->came++ % AHEAD_MAX];
    arrival->message = message;
    bool goes_on = message != NULL && atomic_fetch_sub(&stream->room, 1) > 1;
    post(stream, &arrival->task);
    if (goes_on) {
        rpc_stream_read(stream->rpc);
    }
}

static void on_sent(void *context)
{
    struct service_stream *stream = context;
    post(stream, &stream->sent_task);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct service_stream *stream = context;
    (void)code; /* whoever waits for the end knows what was reached before it */
    (void)err;
    post(stream, &stream->closed_task);
}

static struct service_stream *make_stream(
    struct shard_service *service, struct rpc_stream *rpc, const struct rpc_context *context)
{
    struct service_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    stream->stream.ops = &seam_ops;
    memcpy(stream->stream.peer_id, context->peer.id, PKI_ID_SIZE);
    hex_encode(context->request_id, RPC_REQUEST_ID_SIZE, stream->stream.request);
    stream->service = service;
    stream->rpc = rpc;
    stream->method = context->method;
    stream->opened_task.run = run_opened;
    atomic_init(&stream->room, AHEAD_MAX);
    for (unsigned i = 0; i < AHEAD_MAX; i++) {
        stream->arrivals[i].task.run = run_arrived;
        stream->arrivals[i].stream = stream;
    }
    stream->on_loop.give_task.run = run_give;
    stream->sent_task.run = run_sent;
    stream->closed_task.run = run_closed;
    return stream;
}

static enum hearth_code opened(void *context, struct rpc_stream *rpc,
    const struct rpc_context *call, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    static const struct rpc_stream_handlers stream_handlers = {
        .message = on_message, .sent = on_sent, .closed = on_closed};
    struct shard_service *service = context;
    if (atomic_fetch_add(&service->streams, 1) >= service->streams_max) {
        atomic_fetch_sub(&service->streams, 1);
        return hearth_fail(
            err, HEARTH_BUSY, "%u shards are coming and going already", service->streams_max);
    }
    struct service_stream *stream = make_stream(service, rpc, call);
    if (stream == NULL) {
        atomic_fetch_sub(&service->streams, 1);
        return hearth_fail(err, HEARTH_NO_MEMORY, "begin a request");
    }
    *handlers = &stream_handlers;
    *handler_context = stream;
    post(stream, &stream->opened_task);
    return HEARTH_OK;
}

/* ---- the service ---- */

const struct rpc_handler shard_service_handlers[SHARD_SERVICE_METHODS] = {
    {.method = RPC_SHARD_PUT, .opened = opened},
    {.method = RPC_SHARD_GET, .opened = opened},
    {.method = RPC_SHARD_COPY, .opened = opened},
    {.method = RPC_PEER_FETCH, .opened = opened},
    {.method = RPC_LIST_SHARDS, .opened = opened},
    {.method = RPC_DIGEST_SHARDS, .opened = opened},
};

enum hearth_code shard_service_create(const struct shard_context *context, unsigned streams_max,
    struct shard_service **out, struct hearth_err *err)
{
    assert(streams_max >= 1 && streams_max <= SHARD_SERVICE_STREAMS_MAX);
    struct shard_service *service = calloc(1, sizeof(*service));
    if (service == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "shard service");
    }
    service->context = context;
    service->streams_max = streams_max;
    *out = service;
    return HEARTH_OK;
}

void shard_service_destroy(struct shard_service *service)
{
    assert(service == NULL || atomic_load(&service->streams) == 0);
    free(service);
}
