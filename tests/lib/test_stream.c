#include "tests/lib/test_stream.h"

#include "proto/wire.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

static void end_init(struct test_end *end)
{
    test_gate_init(&end->opened);
    test_gate_init(&end->messages);
    test_gate_init(&end->half_closed);
    test_gate_init(&end->sent);
    test_gate_init(&end->closed);
    end->chunk = buf_create(TEST_CHUNK);
    memset(end->chunk->bytes, 0x5A, TEST_CHUNK);
    end->chunk->size = TEST_CHUNK;
}

/* Released at the end of the test: until then the test may still call what does nothing. */
static void end_fini(struct test_end *end)
{
    if (test_gate_count(&end->closed) > 0) {
        rpc_stream_release(end->stream);
    }
    for (unsigned i = 0; i < end->kept_count; i++) {
        buf_unref(end->kept[i]);
    }
    buf_unref(end->chunk);
    test_gate_fini(&end->opened);
    test_gate_fini(&end->messages);
    test_gate_fini(&end->half_closed);
    test_gate_fini(&end->sent);
    test_gate_fini(&end->closed);
}

void test_stream_send_chunk(struct test_end *end)
{
    struct slice slice = slice_of(end->chunk, 0, TEST_CHUNK);
    rpc_stream_send(end->stream, &slice, 1);
}

static void on_message(void *context, struct buf *message TAKES)
{
    struct test_end *end = context;
    if (message == NULL) {
        test_gate_pass(&end->half_closed);
        return;
    }
    if (end->kept_count < TEST_KEPT_MAX) {
        end->kept[end->kept_count++] = message;
    } else {
        buf_unref(message);
    }
    if (end->reads_on) {
        rpc_stream_read(end->stream);
    }
    test_gate_pass(&end->messages);
}

static void on_sent(void *context)
{
    struct test_end *end = context;
    if (end->sends > 0) {
        end->sends--;
        test_stream_send_chunk(end);
    }
    test_gate_pass(&end->sent);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct test_end *end = context;
    end->code = code;
    end->err = *err;
    test_gate_pass(&end->closed);
}

static const struct rpc_stream_handlers handlers = {on_message, on_sent, on_closed};

static enum hearth_code opened(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **out,
    void **handler_context, struct hearth_err *err)
{
    struct test_stream *at = service;
    assert_int_equal(context->peer.class, PEER_CLIENT);
    if (at->refuse_with != HEARTH_OK) {
        return hearth_fail(err, at->refuse_with, "not today");
    }
    at->server.stream = stream;
    *out = &handlers;
    *handler_context = &at->server;
    test_gate_pass(&at->server.opened);
    return HEARTH_OK;
}

static const struct rpc_handler served[] = {
    {.method = TEST_KNOCK, .opened = test_knocked},
    {.method = TEST_UP, .opened = opened},
    {.method = TEST_DOWN, .opened = opened},
    {.method = TEST_BOTH, .opened = opened},
};

static int set_up(void **state, enum rpc_transport transport)
{
    struct test_stream *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    at->rpc.transport = transport;
    end_init(&at->client);
    end_init(&at->server);
    test_rpc_serve(&at->rpc, served, 4, at, NULL);
    *state = at;
    return 0;
}

int test_stream_set_up(void **state)
{
    return set_up(state, RPC_GRPC);
}

int test_stream_set_up_link(void **state)
{
    return set_up(state, RPC_LINK);
}

int test_stream_tear_down(void **state)
{
    struct test_stream *at = *state;
    if (at->relay != NULL) {
        rpc_channel_destroy(at->relayed);
        test_relay_stop(at->relay);
    }
    if (at->rpc.server != NULL) {
        test_rpc_stop_server(&at->rpc);
    }
    end_fini(&at->client);
    end_fini(&at->server);
    test_rpc_fini(&at->rpc);
    free(at);
    return 0;
}

void test_stream_relay(struct test_stream *at, unsigned keepalive_ms)
{
    at->relay = test_relay_start((uint16_t)rpc_server_port(at->rpc.server));
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", test_relay_port(at->relay));
    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    options.address = address;
    options.keepalive_ms = keepalive_ms;
    assert_ok(rpc_channel_create(&options, &at->relayed, &at->rpc.err), &at->rpc.err);
}

void test_stream_open_on(struct test_stream *at, struct rpc_channel *channel, unsigned method,
    const char *first, uint32_t deadline_ms)
{
    struct wire_backup_chunk message = {0};
    struct rpc_request request = {.method = method, .deadline_ms = deadline_ms};
    if (first != NULL) {
        message.bytes = view_text(first);
        request.message = &message;
    }
    assert_ok(rpc_stream_open(
                  channel, &request, &handlers, &at->client, &at->client.stream, &at->rpc.err),
        &at->rpc.err);
}

void test_stream_open(struct test_stream *at, unsigned method, const char *first)
{
    test_stream_open_on(at, at->rpc.channel, method, first, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
}

void test_stream_send_text(struct test_end *end, const char *text)
{
    struct wire_backup_chunk message = {.bytes = view_text(text)};
    struct hearth_err err;
    assert_ok(rpc_stream_send_message(end->stream, &message, &err), &err);
}

void test_stream_assert_kept(struct test_end *end, unsigned index, const char *text)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct wire_backup_chunk message;
    struct hearth_err err;
    assert_true(index < end->kept_count);
    assert_ok(
        wire_decode(&wire_backup_chunk_message, buf_view(end->kept[index]), &arena, &message, &err),
        &err);
    assert_true(view_equal(message.bytes, view_text(text)));
    arena_fini(&arena);
}

void test_stream_wait_closed(struct test_stream *at)
{
    test_gate_wait(&at->client.closed, 1);
    test_gate_wait(&at->server.closed, 1);
    assert_int_equal(test_gate_count(&at->client.closed), 1);
    assert_int_equal(test_gate_count(&at->server.closed), 1);
}

void test_stream_round_trips(struct test_stream *at, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_ok(test_rpc_knock(&at->rpc, at->rpc.channel), &at->rpc.err);
    }
}
