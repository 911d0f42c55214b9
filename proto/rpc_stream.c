#include "proto/rpc_stream.h"

#include "proto/rpc_core.h"
#include "proto/rpc_server.h"
#include "proto/wire.h"

#include <stdio.h>

/* A batch under way, and whose. */
struct stream_tag {
    struct rpc_tag tag;
    struct rpc_stream *stream;
};

/*
 * One stream, at either end.
 *
 *   OPEN --the transport says it is over--> ENDED --last batch came back--> OVER: closed() ran
 *
 * Reads, sends, closes and finishes start batches while OPEN; afterwards they do nothing.
 */
enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_OVER };

struct rpc_stream {
    atomic_uint refs; /* the user's, and ours until closed() has run */

    /* Set once. */
    const struct rpc_method_row *row;
    struct rpc_channel *channel; /* client; NULL at the server */
    struct rpc_server *server;   /* server; NULL at the client */
    struct rpc_context context;  /* server */
    const struct rpc_stream_handlers *handlers;
    void *handler_context;
    struct stream_tag read_tag;
    struct stream_tag send_tag;
    struct stream_tag close_tag; /* client's half-close, server's status */
    struct stream_tag start_tag; /* client's metadata, when it goes alone */
    struct stream_tag end_tag;

    /* The batch's, from its start to its event. */
    grpc_byte_buffer *received;
    grpc_byte_buffer *sending_bytes;
    grpc_metadata_array initial;
    struct rpc_ending ending; /* client */
    int cancelled_at_server;

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    grpc_call *call; /* NULL once over */
    grpc_metadata metadata;
    enum stream_state state;
    unsigned batches; /* under way */
    bool started;     /* our metadata are on their way */
    bool taken;       /* the transport has them; until then sends and closes are held back */
    bool send_held;
    bool close_held;
    bool reading;
    bool sending;
    bool peer_closed; /* its half-close was told */
    bool closed_here; /* send_close or finish was called */
    bool cancelled;
    char refusal[64]; /* what the peer sent that no row allows; "": nothing */
};

static bool at_client(const struct rpc_stream *stream)
{
    return stream->channel != NULL;
}

static void stream_unref(struct rpc_stream *stream)
{
    if (atomic_fetch_sub(&stream->refs, 1) > 1) {
        return;
    }
    assert(stream->state == STREAM_OVER && stream->call == NULL);
    grpc_byte_buffer_destroy(stream->sending_bytes);
    grpc_metadata_array_destroy(&stream->initial);
    rpc_ending_fini(&stream->ending);
    if (stream->channel != NULL) {
        rpc_channel_unref(stream->channel);
    }
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
}

/* ---- the end ---- */

static enum hearth_code client_outcome(
    struct rpc_stream *stream, bool cancelled, struct hearth_err *err)
{
    if (stream->refusal[0] != '\0') {
        return rpc_channel_nonsense(stream->channel, stream->row, stream->refusal, err);
    }
    return rpc_channel_ending(
        stream->channel, stream->row, &stream->ending, stream->taken, cancelled, err);
}

static enum hearth_code server_outcome(const struct rpc_stream *stream, struct hearth_err *err)
{
    if (stream->refusal[0] != '\0') {
        return hearth_fail(err, HEARTH_INVALID, "%s", stream->refusal);
    }
    if (stream->cancelled_at_server != 0 || !stream->closed_here) {
        return hearth_fail(err, HEARTH_CANCELLED, "the peer cancelled, left or ran out of time");
    }
    return HEARTH_OK;
}

/* The call, which nobody else sees from now on, and whether we had cancelled it. */
static grpc_call *take_call(struct rpc_stream *stream, bool *cancelled)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    grpc_call *call = stream->call;
    stream->call = NULL;
    *cancelled = stream->cancelled;
    return call;
}

static void tell_closed(struct rpc_stream *stream)
{
    bool cancelled;
    grpc_call *call = take_call(stream, &cancelled);
    struct hearth_err err = {.code = HEARTH_OK};
    enum hearth_code code =
        at_client(stream) ? client_outcome(stream, cancelled, &err) : server_outcome(stream, &err);
    grpc_call_unref(call);
    stream->handlers->closed(stream->handler_context, code, &err);
    if (stream->server != NULL) {
        rpc_server_forget_call(stream->server);
    }
    stream_unref(stream);
}

/* A batch came back; true: it was the last one of all. */
static bool is_last_batch(struct rpc_stream *stream, bool ends)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    assert(stream->batches > 0);
    stream->batches--;
    if (ends) {
        assert(stream->state == STREAM_OPEN);
        stream->state = STREAM_ENDED;
    }
    if (stream->state != STREAM_ENDED || stream->batches > 0) {
        return false;
    }
    stream->state = STREAM_OVER;
    return true;
}

static void batch_done(struct rpc_stream *stream, bool ends)
{
    if (is_last_batch(stream, ends)) {
        tell_closed(stream);
    }
}

static void on_end(struct rpc_tag *tag, bool success)
{
    assert(success); /* receiving the end always succeeds */
    batch_done(((struct stream_tag *)tag)->stream, true);
}

/* ---- batches; the caller holds the mutex ---- */

static bool may_start(const struct rpc_stream *stream)
{
    return stream->state == STREAM_OPEN;
}

static void start_batch(
    struct rpc_stream *stream, const grpc_op *ops, size_t count, struct stream_tag *tag)
{
    stream->batches++;
    rpc_batch(stream->call, ops, count, &tag->tag);
}

/* The first batch that sends anything carries our metadata. */
static size_t add_start(struct rpc_stream *stream, grpc_op *ops, size_t count)
{
    if (stream->started) {
        return count;
    }
    stream->started = true;
    ops[count] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    if (at_client(stream)) {
        ops[count].data.send_initial_metadata.count = 1;
        ops[count].data.send_initial_metadata.metadata = &stream->metadata;
    }
    return count + 1;
}

static void start_send_batch(struct rpc_stream *stream, bool closes)
{
    grpc_op ops[3];
    size_t count = add_start(stream, ops, 0);
    ops[count] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    ops[count++].data.send_message.send_message = stream->sending_bytes;
    if (closes) {
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    }
    start_batch(stream, ops, count, &stream->send_tag);
}

static void start_close_batch(struct rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    start_batch(stream, &op, 1, &stream->close_tag);
}

static void start_send(struct rpc_stream *stream, grpc_byte_buffer *bytes TAKES, bool closes)
{
    assert(!stream->sending && !stream->closed_here);
    stream->sending = true;
    stream->sending_bytes = bytes;
    stream->closed_here = closes;
    if (stream->taken) {
        start_send_batch(stream, closes);
    } else {
        stream->send_held = true;
        stream->close_held = closes;
    }
}

static void start_close(struct rpc_stream *stream)
{
    assert(!stream->closed_here);
    stream->closed_here = true;
    if (stream->taken) {
        start_close_batch(stream);
    } else {
        stream->close_held = true;
    }
}

/* The metadata went alone, for there was no connection (rpc_channel_is_ready); now there is. */
static void start_held(struct rpc_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->taken = true;
    if (!may_start(stream)) {
        return;
    }
    if (stream->send_held) {
        start_send_batch(stream, stream->close_held);
    } else if (stream->close_held) {
        start_close_batch(stream);
    }
}

static void on_started(struct rpc_tag *tag, bool success)
{
    struct rpc_stream *stream = ((struct stream_tag *)tag)->stream;
    if (success) {
        start_held(stream);
    }
    batch_done(stream, false);
}

static void start_status(struct rpc_stream *stream, enum hearth_code code, const char *text)
{
    stream->closed_here = true;
    struct rpc_verdict verdict;
    rpc_verdict_init(&verdict, code, text);
    grpc_op ops[2];
    size_t count = add_start(stream, ops, 0);
    ops[count++] = verdict.op;
    start_batch(stream, ops, count, &stream->close_tag);
    rpc_verdict_fini(&verdict);
}

/* ---- reading ---- */

void rpc_stream_read(struct rpc_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (!may_start(stream)) {
        return;
    }
    assert(!stream->reading && !stream->peer_closed);
    stream->reading = true;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &stream->received;
    start_batch(stream, &op, 1, &stream->read_tag);
}

/* What the peer sent breaks the rules: the server says so, the client turns away. */
static void refuse(struct rpc_stream *stream, const char *what, size_t size)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    snprintf(stream->refusal, sizeof(stream->refusal), "%s of %zu bytes", what, size);
    if (at_client(stream)) {
        grpc_call_cancel(stream->call, NULL);
    } else if (may_start(stream) && !stream->closed_here) {
        start_status(stream, HEARTH_INVALID, stream->refusal);
    }
}

static struct buf *take_received(struct rpc_stream *stream)
{
    size_t size = grpc_byte_buffer_length(stream->received);
    uint32_t size_max = at_client(stream) ? stream->row->response_max : stream->row->request_max;
    struct buf *message = NULL;
    if (size > size_max) {
        refuse(stream, "a message over the limit", size);
    } else {
        message = rpc_bytes_gather(stream->received);
        if (message == NULL) {
            refuse(stream, "an unreadable message", size);
        }
    }
    grpc_byte_buffer_destroy(stream->received);
    stream->received = NULL;
    return message;
}

/* true: the peer said that it is done, rather than being cut off. */
static bool is_half_close(struct rpc_stream *stream, bool success)
{
    return success && grpc_call_failed_before_recv_message(stream->call) == 0;
}

static void end_reading(struct rpc_stream *stream, bool half_closed)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->reading = false;
    stream->peer_closed = stream->peer_closed || half_closed;
}

static void on_read(struct rpc_tag *tag, bool success)
{
    struct rpc_stream *stream = ((struct stream_tag *)tag)->stream;
    if (stream->received != NULL) {
        struct buf *message = take_received(stream);
        end_reading(stream, false);
        if (message != NULL) {
            stream->handlers->message(stream->handler_context, message);
        }
    } else if (is_half_close(stream, success)) {
        end_reading(stream, true);
        stream->handlers->message(stream->handler_context, NULL);
    }
    batch_done(stream, false);
}

enum hearth_code rpc_stream_decode(const struct rpc_stream *stream, const struct buf *message,
    struct arena *arena, void *out, struct hearth_err *err)
{
    const struct wire_message *wire =
        at_client(stream) ? stream->row->response : stream->row->request;
    return wire_decode(wire, buf_view(message), arena, out, err);
}

/* ---- sending ---- */

static size_t slices_size(const struct slice *slices, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += slices[i].view.size;
    }
    return size;
}

static uint32_t send_max(const struct rpc_stream *stream)
{
    return at_client(stream) ? stream->row->request_max : stream->row->response_max;
}

void rpc_stream_send(struct rpc_stream *stream, const struct slice *slices TAKES, size_t count)
{
    assert(slices_size(slices, count) <= send_max(stream));
    grpc_byte_buffer *bytes = rpc_bytes_create(slices, count);
    pthread_mutex_lock(&stream->mutex);
    bool starts = may_start(stream);
    if (starts) {
        start_send(stream, bytes, false);
    }
    pthread_mutex_unlock(&stream->mutex);
    if (!starts) {
        grpc_byte_buffer_destroy(bytes);
    }
}

enum hearth_code rpc_stream_send_message(
    struct rpc_stream *stream, const void *message, struct hearth_err *err)
{
    const struct wire_message *wire =
        at_client(stream) ? stream->row->request : stream->row->response;
    struct buf *encoded;
    enum hearth_code code =
        rpc_encode_within(wire, message, send_max(stream), stream->row->path, &encoded, err);
    if (code == HEARTH_OK) {
        struct slice whole = {encoded, buf_view(encoded)};
        rpc_stream_send(stream, &whole, 1);
    }
    return code;
}

static void end_sending(struct rpc_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->sending = false;
    grpc_byte_buffer_destroy(stream->sending_bytes);
    stream->sending_bytes = NULL;
}

static void on_sent(struct rpc_tag *tag, bool success)
{
    struct rpc_stream *stream = ((struct stream_tag *)tag)->stream;
    end_sending(stream);
    if (success && stream->handlers->sent != NULL) {
        stream->handlers->sent(stream->handler_context);
    }
    batch_done(stream, false);
}

/* Nobody waits for these: the end says how they went. */
static void on_side_batch(struct rpc_tag *tag, bool success)
{
    (void)success;
    batch_done(((struct stream_tag *)tag)->stream, false);
}

void rpc_stream_send_close(struct rpc_stream *stream)
{
    assert(at_client(stream));
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (may_start(stream)) {
        start_close(stream);
    }
}

void rpc_stream_finish(struct rpc_stream *stream, enum hearth_code code, const char *text)
{
    assert(!at_client(stream));
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    bool refused = stream->refusal[0] != '\0'; /* it was finished for the service already */
    assert(!stream->closed_here || refused);
    if (may_start(stream) && !refused) {
        start_status(stream, code, text);
    }
}

void rpc_stream_cancel(struct rpc_stream *stream)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    if (stream->call != NULL) {
        stream->cancelled = true;
        grpc_call_cancel(stream->call, NULL);
    }
}

/* ---- beginning ---- */

static void tag_init(struct stream_tag *tag, struct rpc_stream *stream,
    void (*fire)(struct rpc_tag *tag, bool success))
{
    tag->tag.fire = fire;
    tag->stream = stream;
}

static struct rpc_stream *create(grpc_call *call TAKES, const struct rpc_method_row *row)
{
    struct rpc_stream *stream = calloc(1, sizeof(*stream));
    assert(stream != NULL);
    atomic_init(&stream->refs, 2);
    pthread_mutex_init(&stream->mutex, NULL);
    stream->call = call;
    stream->row = row;
    grpc_metadata_array_init(&stream->initial);
    rpc_ending_init(&stream->ending);
    tag_init(&stream->read_tag, stream, on_read);
    tag_init(&stream->send_tag, stream, on_sent);
    tag_init(&stream->close_tag, stream, on_side_batch);
    tag_init(&stream->start_tag, stream, on_started);
    tag_init(&stream->end_tag, stream, on_end);
    return stream;
}

/* Client: what tells us of the end. */
static void start_waiting_for_status(struct rpc_stream *stream)
{
    grpc_op ops[2] = {
        {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    ops[0].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    ops[1].data.recv_status_on_client.trailing_metadata = &stream->ending.trailers;
    ops[1].data.recv_status_on_client.status = &stream->ending.status;
    ops[1].data.recv_status_on_client.status_details = &stream->ending.details;
    start_batch(stream, ops, 2, &stream->end_tag);
}

static void start_at_client(
    struct rpc_stream *stream, const struct rpc_request *request, struct buf *first TAKES)
{
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    stream->metadata = rpc_channel_metadata(stream->channel, request);
    stream->taken = rpc_channel_is_ready(stream->channel);
    start_waiting_for_status(stream);
    if (first == NULL || !stream->taken) {
        grpc_op op;
        size_t count = add_start(stream, &op, 0);
        start_batch(stream, &op, count, &stream->start_tag);
    }
    if (first != NULL) {
        struct slice whole = {first, buf_view(first)};
        start_send(stream, rpc_bytes_create(&whole, 1), stream->row->kind == RPC_SERVER_STREAM);
    }
    grpc_slice_unref(stream->metadata.value); /* the batch has its own */
}

enum hearth_code rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
    const struct rpc_stream_handlers *handlers, void *context, struct rpc_stream **out,
    struct hearth_err *err)
{
    assert(request->method < channel->table->count);
    const struct rpc_method_row *row = &channel->table->rows[request->method];
    assert(row->kind != RPC_UNARY);
    struct buf *first = NULL;
    if (request->message != NULL) {
        enum hearth_code code = rpc_encode_within(
            row->request, request->message, row->request_max, row->path, &first, err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    grpc_completion_queue *queue = rpc_runtime_queue(channel->runtime);
    struct rpc_stream *stream = create(rpc_channel_create_call(channel, request, queue), row);
    stream->channel = rpc_channel_ref(channel);
    stream->handlers = handlers;
    stream->handler_context = context;
    *out = stream;
    start_at_client(stream, request, first);
    return HEARTH_OK;
}

struct rpc_stream *rpc_stream_create_accepted(struct rpc_server *server, grpc_call *call TAKES,
    const struct rpc_method_row *row, const struct rpc_context *context)
{
    struct rpc_stream *stream = create(call, row);
    stream->server = server;
    stream->context = *context;
    stream->taken = true;         /* the client waits for them */
    stream->context.arena = NULL; /* it ends with the call that found the method */
    UNLOCKS pthread_mutex_t *held = lock(&stream->mutex);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &stream->cancelled_at_server;
    start_batch(stream, &op, 1, &stream->end_tag);
    return stream;
}

void rpc_stream_accept(
    struct rpc_stream *stream, const struct rpc_stream_handlers *handlers, void *handler_context)
{
    stream->handlers = handlers;
    stream->handler_context = handler_context;
}

void rpc_stream_release(struct rpc_stream *stream)
{
    if (stream != NULL) {
        assert(stream->state == STREAM_OVER);
        stream_unref(stream);
    }
}

const struct rpc_context *rpc_stream_context(const struct rpc_stream *stream)
{
    assert(!at_client(stream));
    return &stream->context;
}
