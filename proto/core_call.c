/*
 * core_call.c - one unary call of a client.
 *
 *   connected:  everything in one batch ----------------------------------------> done()
 *   not yet:    metadata --taken by the transport--> message                 \
 *               answer and status ---------------------- all batches are back --> done()
 */
#include "proto/core.h"
#include "proto/wire.h"

struct rpc_call {
    struct core_tag end_tag;   /* the answer and the status, or everything */
    struct core_tag start_tag; /* the metadata, when they go alone */
    struct core_tag send_tag;  /* the message after them */
    atomic_uint refs;          /* the batches' and the caller's */
    struct core_channel *channel;
    const struct rpc_method_row *row;
    grpc_call *call;
    atomic_bool cancelled;

    /* Set before the first batch, then on the pump thread. */
    unsigned batches; /* under way */
    bool sent;        /* the peer may have the request */

    /* The batches'. */
    grpc_metadata_array initial;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response;
    struct core_ending ending;

    /* The caller's, to be given back by done(). */
    struct arena *arena;
    void *out;
    rpc_call_done_fn *done;
    void *context;
};

void rpc_call_release(struct rpc_call *call)
{
    if (call == NULL || atomic_fetch_sub(&call->refs, 1) > 1) {
        return;
    }
    grpc_metadata_array_destroy(&call->initial);
    grpc_byte_buffer_destroy(call->request);
    grpc_byte_buffer_destroy(call->response);
    core_ending_fini(&call->ending);
    grpc_call_unref(call->call);
    core_channel_unref(call->channel);
    free(call);
}

void rpc_call_cancel(struct rpc_call *call)
{
    atomic_store(&call->cancelled, true);
    grpc_call_cancel(call->call, NULL);
}

static enum hearth_code read_response(struct rpc_call *call, struct hearth_err *err)
{
    if (call->response == NULL) {
        return rpc_nonsense(call->channel->address, call->row, "ok without an answer", err);
    }
    struct buf *bytes = core_bytes_gather(call->response);
    if (bytes == NULL) {
        return rpc_nonsense(call->channel->address, call->row, "a compressed answer", err);
    }
    struct hearth_err cause;
    enum hearth_code code = bytes->size <= call->row->response_max
        ? wire_decode(call->row->response, buf_view(bytes), call->arena, call->out, &cause)
        : hearth_fail(&cause, HEARTH_INVALID, "an answer of %zu bytes", bytes->size);
    buf_unref(bytes);
    if (code != HEARTH_OK) {
        return rpc_nonsense(call->channel->address, call->row, cause.message, err);
    }
    return HEARTH_OK;
}

static void finish(struct rpc_call *call)
{
    struct hearth_err err = {.code = HEARTH_OK};
    enum hearth_code code = core_channel_ending(
        call->channel, call->row, &call->ending, call->sent, atomic_load(&call->cancelled), &err);
    if (code == HEARTH_OK) {
        code = read_response(call, &err);
    }
    call->done(call->context, code, &err);
    rpc_call_release(call);
}

static void batch_done(struct rpc_call *call)
{
    assert(call->batches > 0);
    call->batches--;
    if (call->batches == 0) {
        finish(call);
    }
}

/* ---- the batches ---- */

/* Each fills one operation of a batch and returns the next. */

static grpc_op *add_metadata(grpc_op *op, grpc_metadata *metadata)
{
    *op = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    op->data.send_initial_metadata.count = 1;
    op->data.send_initial_metadata.metadata = metadata;
    return op + 1;
}

static grpc_op *add_request(grpc_op *op, struct rpc_call *call)
{
    op[0] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    op[0].data.send_message.send_message = call->request;
    op[1] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    return op + 2;
}

static grpc_op *add_answer(grpc_op *op, struct rpc_call *call)
{
    op[0] = (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA};
    op[0].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
    op[1] = (grpc_op){.op = GRPC_OP_RECV_MESSAGE};
    op[1].data.recv_message.recv_message = &call->response;
    op[2] = (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op[2].data.recv_status_on_client.trailing_metadata = &call->ending.trailers;
    op[2].data.recv_status_on_client.status = &call->ending.status;
    op[2].data.recv_status_on_client.status_details = &call->ending.details;
    return op + 3;
}

static void on_end(struct core_tag *tag, bool success)
{
    assert(success); /* a batch that receives a status always succeeds */
    batch_done((struct rpc_call *)((char *)tag - offsetof(struct rpc_call, end_tag)));
}

static void on_sent(struct core_tag *tag, bool success)
{
    (void)success; /* the status says it */
    batch_done((struct rpc_call *)((char *)tag - offsetof(struct rpc_call, send_tag)));
}

static void on_started(struct core_tag *tag, bool success)
{
    struct rpc_call *call = (struct rpc_call *)((char *)tag - offsetof(struct rpc_call, start_tag));
    if (success) {
        call->sent = true;
        call->batches++;
        grpc_op ops[2];
        grpc_op *end = add_request(ops, call);
        core_batch(call->call, ops, (size_t)(end - ops), &call->send_tag);
    }
    batch_done(call);
}

static void start_at_once(struct rpc_call *call, grpc_metadata *metadata)
{
    call->sent = true;
    call->batches = 1;
    grpc_op ops[6];
    grpc_op *end = add_answer(add_request(add_metadata(ops, metadata), call), call);
    core_batch(call->call, ops, (size_t)(end - ops), &call->end_tag);
}

static void start_carefully(struct rpc_call *call, grpc_metadata *metadata)
{
    call->batches = 2;
    grpc_op ops[3];
    grpc_op *end = add_metadata(ops, metadata);
    core_batch(call->call, ops, (size_t)(end - ops), &call->start_tag);
    end = add_answer(ops, call);
    core_batch(call->call, ops, (size_t)(end - ops), &call->end_tag);
}

static void start(struct rpc_call *call, const struct rpc_request *request)
{
    grpc_metadata metadata = core_channel_metadata(call->channel, request);
    if (core_channel_is_ready(call->channel)) {
        start_at_once(call, &metadata);
    } else {
        start_carefully(call, &metadata);
    }
    grpc_slice_unref(metadata.value); /* the batch has its own */
}

static struct rpc_call *create(
    struct core_channel *channel, const struct rpc_request *request, struct buf *message TAKES)
{
    struct rpc_call *call = calloc(1, sizeof(*call));
    assert(call != NULL);
    call->end_tag.fire = on_end;
    call->start_tag.fire = on_started;
    call->send_tag.fire = on_sent;
    atomic_init(&call->refs, 2);
    call->channel = core_channel_ref(channel);
    call->row = &channel->base.table->rows[request->method];
    grpc_metadata_array_init(&call->initial);
    core_ending_init(&call->ending);
    struct slice whole = {message, buf_view(message)};
    call->request = core_bytes_create(&whole, 1);
    call->call = core_channel_create_call(channel, request, core_runtime_queue(channel->runtime));
    return call;
}

enum hearth_code core_call_start(struct rpc_channel *base, const struct rpc_request *request,
    struct arena *arena, void *response, rpc_call_done_fn *done, void *context,
    struct rpc_call **out, struct hearth_err *err)
{
    struct core_channel *channel = (struct core_channel *)base;
    assert(request->method < base->table->count);
    const struct rpc_method_row *row = &base->table->rows[request->method];
    assert(row->kind == RPC_UNARY);
    struct buf *message;
    enum hearth_code code = rpc_encode_within(
        row->request, request->message, row->request_max, row->path, &message, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct rpc_call *call = create(channel, request, message);
    call->arena = arena;
    call->out = response;
    call->done = done;
    call->context = context;
    start(call, request);
    if (out != NULL) {
        *out = call;
    } else {
        rpc_call_release(call);
    }
    return HEARTH_OK;
}
