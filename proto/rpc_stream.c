#include "proto/rpc_stream.h"

#include "proto/rpc_transport.h"
#include "proto/wire.h"

uint32_t rpc_stream_send_max(const struct rpc_stream *stream)
{
    return stream->at_client ? stream->row->request_max : stream->row->response_max;
}

uint32_t rpc_stream_receive_max(const struct rpc_stream *stream)
{
    return stream->at_client ? stream->row->response_max : stream->row->request_max;
}

enum hearth_code rpc_encode_within(const struct wire_message *wire, const void *message,
    uint32_t size_max, const char *path, struct buf **out, struct hearth_err *err)
{
    struct buf *encoded;
    enum hearth_code code = wire_encode(wire, message, &encoded, err);
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", path);
    }
    if (encoded->size > size_max) {
        size_t size = encoded->size;
        buf_unref(encoded);
        return hearth_fail(err, HEARTH_INVALID, "%s: a message of %zu bytes, at most %u", path,
            size, (unsigned)size_max);
    }
    *out = encoded;
    return HEARTH_OK;
}

enum hearth_code rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
    const struct rpc_stream_handlers *handlers, void *context, struct rpc_stream **out,
    struct hearth_err *err)
{
    assert(request->method < channel->table->count);
    assert(request->deadline_ms > 0 && request->deadline_ms <= RPC_DEADLINE_MAX_MS);
    const struct rpc_method_row *row = &channel->table->rows[request->method];
    assert(row->kind != RPC_UNARY);
    struct rpc_opening opening = {
        .row = row, .request = request, .handlers = handlers, .context = context};
    if (request->message != NULL) {
        enum hearth_code code = rpc_encode_within(
            row->request, request->message, row->request_max, row->path, &opening.first, err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    channel->ops->open_stream(channel, &opening, out);
    return HEARTH_OK;
}

void rpc_stream_read(struct rpc_stream *stream)
{
    stream->ops->read(stream);
}

static size_t slices_size(const struct slice *slices, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += slices[i].view.size;
    }
    return size;
}

void rpc_stream_send(struct rpc_stream *stream, const struct slice *slices TAKES, size_t count)
{
    assert(count <= RPC_STREAM_SLICES_MAX);
    assert(slices_size(slices, count) <= rpc_stream_send_max(stream));
    stream->ops->send(stream, slices, count);
}

enum hearth_code rpc_stream_send_message(
    struct rpc_stream *stream, const void *message, struct hearth_err *err)
{
    const struct wire_message *wire =
        stream->at_client ? stream->row->request : stream->row->response;
    struct buf *encoded;
    enum hearth_code code = rpc_encode_within(
        wire, message, rpc_stream_send_max(stream), stream->row->path, &encoded, err);
    if (code == HEARTH_OK) {
        struct slice whole = {encoded, buf_view(encoded)};
        stream->ops->send(stream, &whole, 1);
    }
    return code;
}

enum hearth_code rpc_stream_decode(const struct rpc_stream *stream, const struct buf *message,
    struct arena *arena, void *out, struct hearth_err *err)
{
    const struct wire_message *wire =
        stream->at_client ? stream->row->response : stream->row->request;
    return wire_decode(wire, buf_view(message), arena, out, err);
}

void rpc_stream_send_close(struct rpc_stream *stream)
{
    assert(stream->at_client);
    stream->ops->send_close(stream);
}

void rpc_stream_finish(struct rpc_stream *stream, enum hearth_code code, const char *text)
{
    assert(!stream->at_client);
    stream->ops->finish(stream, code, text);
}

void rpc_stream_cancel(struct rpc_stream *stream)
{
    stream->ops->cancel(stream);
}

void rpc_stream_release(struct rpc_stream *stream)
{
    if (stream != NULL) {
        stream->ops->release(stream);
    }
}

const struct rpc_context *rpc_stream_context(const struct rpc_stream *stream)
{
    assert(!stream->at_client);
    return &stream->context;
}
