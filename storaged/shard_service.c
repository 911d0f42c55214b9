#include "storaged/shard_service.h"

#include "storaged/shard_get.h"
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

/* One request: the seam's stream, and the tasks that bring its events to the loop. */
struct service_stream {
    struct shard_stream stream; /* first: the seam's functions get a pointer to it */

    /* Set once, before the first event. */
    struct shard_service *service;
    struct rpc_stream *rpc;
    bool is_put;

    /* Filled on the pump, emptied on the loop; each is under way at most once. */
    struct task opened_task;
    struct task message_task;
    struct task sent_task;
    struct task closed_task;
    struct buf *message; /* of message_task */

    struct {
        bool is_finished; /* events that were on their way are dropped */
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

static void seam_read(struct shard_stream *stream)
{
    rpc_stream_read(of_seam(stream)->rpc);
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

static void run_opened(struct task *task)
{
    struct service_stream *stream = OF_TASK(task, opened_task);
    const struct shard_context *context = stream->service->context;
    struct hearth_err err;
    enum hearth_code code = stream->is_put ? shard_put_start(context, &stream->stream, &err)
                                           : shard_get_start(context, &stream->stream, &err);
    if (code != HEARTH_OK) {
        stream->stream.user = &refused_user;
        seam_finish(&stream->stream, code, err.message);
    }
}

static void run_message(struct task *task)
{
    struct service_stream *stream = OF_TASK(task, message_task);
    struct buf *message = stream->message;
    stream->message = NULL;
    if (stream->on_loop.is_finished) {
        buf_unref(message);
    } else {
        stream->stream.user->message(&stream->stream, message);
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
    rpc_stream_release(stream->rpc);
    atomic_fetch_sub(&stream->service->streams, 1);
    free(stream);
}

/* ---- events, on a pump thread ---- */

static void on_message(void *context, struct buf *message TAKES)
{
    struct service_stream *stream = context;
    stream->message = message;
    post(stream, &stream->message_task);
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
    stream->is_put = context->method == RPC_SHARD_PUT;
    stream->opened_task.run = run_opened;
    stream->message_task.run = run_message;
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
