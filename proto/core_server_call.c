/*
 * core_server_call.c - one call at the server, from its arrival to its answer.
 *
 *   expected --arrived--> examined --unary--> RECEIVING --message--> queued --worker--> ANSWERING
 *                            |                    |                    |                    |
 *                            |                    +---- refused -------+---> ANSWERING      |
 *                            +--- refused ---> ANSWERING                                  gone
 *                            +--- stream ---> its rpc_stream's; this struct is gone
 *
 * Everything but the handler runs on the pump thread of the call's queue.
 */
#include "proto/core_server.h"
#include "proto/core_stream.h"
#include "proto/wire.h"

#include <grpc/support/alloc.h>
#include <stdio.h>

struct server_call {
    struct core_tag tag; /* of the batch under way */
    struct rpc_job job;
    struct core_server *server;
    grpc_completion_queue *queue;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    const struct rpc_method_row *row;
    struct rpc_context context;
    struct arena arena;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response; /* NULL: the answer is an error */
    int cancelled;
};

static void destroy(struct server_call *call)
{
    grpc_byte_buffer_destroy(call->request);
    grpc_byte_buffer_destroy(call->response);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_details_destroy(&call->details);
    arena_fini(&call->arena);
    if (call->call != NULL) {
        grpc_call_unref(call->call);
    }
    free(call);
}

/* ---- answering ---- */

static void on_answered(struct core_tag *tag, bool success)
{
    (void)success; /* the client may have left */
    struct server_call *call = (struct server_call *)tag;
    struct core_server *server = call->server;
    destroy(call);
    core_server_forget_call(server);
}

/* Any thread; `call` must not be touched afterwards. */
static void answer(struct server_call *call, enum hearth_code code, const char *text)
{
    struct core_verdict verdict;
    core_verdict_init(&verdict, code, text);
    grpc_op ops[4] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        verdict.op,
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER},
        {.op = GRPC_OP_SEND_MESSAGE},
    };
    ops[2].data.recv_close_on_server.cancelled = &call->cancelled;
    ops[3].data.send_message.send_message = call->response;
    call->tag.fire = on_answered;
    core_batch(call->call, ops, code == HEARTH_OK ? 4 : 3, &call->tag);
    core_verdict_fini(&verdict);
}

/* ---- unary: on a worker ---- */

static enum hearth_code decode_request(
    struct server_call *call, void **request, struct hearth_err *err)
{
    struct buf *bytes = core_bytes_gather(call->request);
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "an unreadable message");
    }
    *request = arena_take(&call->arena, wire_message_size(call->row->request));
    enum hearth_code code = *request == NULL
        ? hearth_fail(err, HEARTH_NO_MEMORY, "a request of %zu bytes", bytes->size)
        : wire_decode(call->row->request, buf_view(bytes), &call->arena, *request, err);
    buf_unref(bytes);
    return code;
}

static enum hearth_code encode_response(
    struct server_call *call, const void *response, struct hearth_err *err)
{
    struct buf *bytes;
    struct hearth_err cause;
    if (rpc_encode_within(call->row->response, response, call->row->response_max, call->row->path,
            &bytes, &cause) != HEARTH_OK) {
        return hearth_fail(err, HEARTH_INTERNAL, "answer: %s", cause.message);
    }
    struct slice whole = {bytes, buf_view(bytes)};
    call->response = core_bytes_create(&whole, 1);
    return HEARTH_OK;
}

static enum hearth_code handle(struct server_call *call, struct hearth_err *err)
{
    struct core_server *server = call->server;
    if (env_now_ns(server->base.runtime->env) >= call->context.deadline_ns) {
        return hearth_fail(err, HEARTH_DEADLINE, "waited too long for a worker");
    }
    void *request = NULL;
    enum hearth_code code = decode_request(call, &request, err);
    if (code != HEARTH_OK) {
        return code;
    }
    void *response = arena_take(&call->arena, wire_message_size(call->row->response));
    if (response == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "room for the answer");
    }
    const struct rpc_handler *handler = server->base.handlers[call->context.method];
    code = handler->unary(server->base.service, &call->context, request, response, err);
    return code == HEARTH_OK ? encode_response(call, response, err) : code;
}

static void run(struct rpc_job *job)
{
    struct server_call *call =
        (struct server_call *)((char *)job - offsetof(struct server_call, job));
    struct hearth_err err = {.code = HEARTH_OK};
    enum hearth_code code = handle(call, &err);
    answer(call, code, err.message);
}

static void on_request(struct core_tag *tag, bool success)
{
    struct server_call *call = (struct server_call *)tag;
    (void)success; /* without a message it did not */
    if (call->request == NULL) {
        answer(call, HEARTH_INVALID, "no message");
        return;
    }
    size_t size = grpc_byte_buffer_length(call->request);
    if (size > call->row->request_max) {
        char text[64];
        snprintf(text, sizeof(text), "a message of %zu bytes, at most %u", size,
            (unsigned)call->row->request_max);
        answer(call, HEARTH_INVALID, text);
        return;
    }
    call->job.run = run;
    if (!rpc_workers_post(call->server->base.runtime->workers, &call->job)) {
        answer(call, HEARTH_BUSY, "too many calls wait for a worker");
    }
}

static void receive_request(struct server_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->request;
    call->tag.fire = on_request;
    core_batch(call->call, &op, 1, &call->tag);
}

/* ---- streams ---- */

static void release_refused(void *stream, enum hearth_code code, const struct hearth_err *err)
{
    (void)code;
    (void)err;
    core_stream_release(stream);
}

/* Of a stream that opened() did not take; nothing was asked of it. */
static const struct rpc_stream_handlers refused_handlers = {.closed = release_refused};

static void open_stream(struct server_call *call)
{
    struct core_server *server = call->server;
    grpc_call *taken = call->call;
    call->call = NULL;
    struct core_stream *stream =
        core_stream_create_accepted(server, taken, call->row, &call->context);
    destroy(call);

    const struct rpc_stream_handlers *handlers = NULL;
    void *handler_context = NULL;
    struct hearth_err err;
    enum hearth_code code =
        rpc_server_open_stream(&server->base, &stream->base, &handlers, &handler_context, &err);
    if (code != HEARTH_OK) {
        core_stream_accept(stream, &refused_handlers, stream);
        core_stream_finish(&stream->base, code, err.message);
        return;
    }
    core_stream_accept(stream, handlers, handler_context);
}

/* ---- who, what, how long ---- */

static enum hearth_code find_method(struct server_call *call, struct hearth_err *err)
{
    const struct rpc_server *server = &call->server->base;
    struct view path = core_slice_view(&call->details.method);
    enum hearth_code code = rpc_server_find_method(server, path, &call->context, err);
    if (code == HEARTH_OK) {
        call->row = &server->table->rows[call->context.method];
    }
    return code;
}

static enum hearth_code check_peer(struct server_call *call, struct hearth_err *err)
{
    struct pki_certificate certificate;
    enum hearth_code code = core_peers_identify(call->server->peers, call->call, &certificate, err);
    return code == HEARTH_OK
        ? rpc_server_check_peer(&call->server->base, &certificate, &call->context, err)
        : code;
}

static enum hearth_code read_deadline(struct server_call *call, struct hearth_err *err)
{
    gpr_timespec now = gpr_now(call->details.deadline.clock_type);
    int64_t left_ms = gpr_time_to_millis(gpr_time_sub(call->details.deadline, now));
    return rpc_server_take_deadline(&call->server->base, left_ms, &call->context, err);
}

static enum hearth_code read_request_id(struct server_call *call, struct hearth_err *err)
{
    struct view id;
    if (!core_metadata_find(&call->metadata, RPC_KEY_REQUEST_ID, &id) ||
        id.size != RPC_REQUEST_ID_SIZE) {
        return hearth_fail(err, HEARTH_INVALID, "a request id is needed");
    }
    memcpy(call->context.request_id, id.bytes, id.size);
    return HEARTH_OK;
}

static void read_address(struct server_call *call)
{
    char *address = grpc_call_get_peer(call->call);
    snprintf(call->context.address, sizeof(call->context.address), "%s",
        address != NULL ? address : "?");
    gpr_free(address);
}

static enum hearth_code examine(struct server_call *call, bool has_room, struct hearth_err *err)
{
    if (!has_room) {
        return hearth_fail(
            err, HEARTH_BUSY, "%u calls are open already", call->server->base.calls_max);
    }
    enum hearth_code code = find_method(call, err);
    if (code == HEARTH_OK) {
        code = check_peer(call, err);
    }
    if (code == HEARTH_OK) {
        code = read_deadline(call, err);
    }
    if (code == HEARTH_OK) {
        code = read_request_id(call, err);
    }
    read_address(call);
    return code;
}

static void on_arrival(struct core_tag *tag, bool success)
{
    struct server_call *call = (struct server_call *)tag;
    bool has_room = core_server_count_arrival(call->server, success);
    if (!success) { /* the server stops */
        destroy(call);
        return;
    }
    core_server_call_expect(call->server, call->queue);
    struct hearth_err err = {.code = HEARTH_OK};
    enum hearth_code code = examine(call, has_room, &err);
    if (code != HEARTH_OK) {
        answer(call, code, err.message);
    } else if (call->row->kind == RPC_UNARY) {
        receive_request(call);
    } else {
        open_stream(call);
    }
}

static void count_request(struct core_server *server)
{
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    server->requests++;
}

void core_server_call_expect(struct core_server *server, grpc_completion_queue *queue)
{
    struct server_call *call = calloc(1, sizeof(*call));
    assert(call != NULL);
    call->tag.fire = on_arrival;
    call->server = server;
    call->queue = queue;
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    arena_init(&call->arena, 0);
    call->context.arena = &call->arena;
    count_request(server);
    grpc_call_error rc = grpc_server_request_call(
        server->server, &call->call, &call->details, &call->metadata, queue, queue, &call->tag);
    assert(rc == GRPC_CALL_OK); /* a stopping server answers through the tag */
}
