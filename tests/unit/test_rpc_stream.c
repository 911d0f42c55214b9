/*
 * rpc_stream: messages both ways, in order, with back-pressure, and one end.
 * Both ends are in this process, over 127.0.0.1 and real TLS; where the wire must break, through
 * tests/lib/test_relay.h.  Every stream's closed() is counted: it must come exactly once.
 */
#include "common/cleanup.h"
#include "proto/wire.h"
#include "tests/lib/test.h"
#include "tests/lib/test_relay.h"
#include "tests/lib/test_rpc.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 * 1024, KEPT_MAX = 256 };

/* One end of a stream, and what happened to it. */
struct end {
    struct rpc_stream *stream;
    bool reads_on;  /* asks for the next message by itself */
    unsigned sends; /* sends chunks by itself until this is 0 */
    struct buf *chunk;
    struct test_gate opened; /* server */
    struct test_gate messages;
    struct test_gate half_closed;
    struct test_gate sent;
    struct test_gate closed;
    struct buf *kept[KEPT_MAX]; /* on the pump; read after its gate was passed */
    unsigned kept_count;
    enum hearth_code code;
    struct hearth_err err;
};

static void end_init(struct end *end)
{
    test_gate_init(&end->opened);
    test_gate_init(&end->messages);
    test_gate_init(&end->half_closed);
    test_gate_init(&end->sent);
    test_gate_init(&end->closed);
    end->chunk = buf_create(CHUNK);
    memset(end->chunk->bytes, 0x5A, CHUNK);
    end->chunk->size = CHUNK;
}

/* Released at the end of the test: until then the test may still call what does nothing. */
static void end_fini(struct end *end)
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

static void send_chunk(struct end *end)
{
    struct slice slice = slice_of(end->chunk, 0, CHUNK);
    rpc_stream_send(end->stream, &slice, 1);
}

static void on_message(void *context, struct buf *message TAKES)
{
    struct end *end = context;
    if (message == NULL) {
        test_gate_pass(&end->half_closed);
        return;
    }
    if (end->kept_count < KEPT_MAX) {
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
    struct end *end = context;
    if (end->sends > 0) {
        end->sends--;
        send_chunk(end);
    }
    test_gate_pass(&end->sent);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct end *end = context;
    end->code = code;
    end->err = *err;
    test_gate_pass(&end->closed);
}

static const struct rpc_stream_handlers handlers = {on_message, on_sent, on_closed};

struct fixture {
    struct test_rpc rpc;
    struct end client;
    struct end server;
    enum hearth_code refuse_with; /* opened() does */
};

static enum hearth_code opened(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **out,
    void **handler_context, struct hearth_err *err)
{
    struct fixture *at = service;
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
    {.method = TEST_ECHO, .unary = test_echo},
    {.method = TEST_UP, .opened = opened},
    {.method = TEST_DOWN, .opened = opened},
    {.method = TEST_BOTH, .opened = opened},
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    end_init(&at->client);
    end_init(&at->server);
    test_rpc_serve(&at->rpc, served, 4, at, NULL);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    if (at->rpc.server != NULL) {
        test_rpc_stop_server(&at->rpc);
    }
    end_fini(&at->client);
    end_fini(&at->server);
    test_rpc_fini(&at->rpc);
    free(at);
    return 0;
}

static void open_on(struct fixture *at, struct rpc_channel *channel, unsigned method,
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

static void open_stream(struct fixture *at, unsigned method, const char *first)
{
    open_on(at, at->rpc.channel, method, first, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
}

static void send_text(struct end *end, const char *text)
{
    struct wire_backup_chunk message = {.bytes = view_text(text)};
    struct hearth_err err;
    assert_ok(rpc_stream_send_message(end->stream, &message, &err), &err);
}

static void assert_kept(struct end *end, unsigned index, const char *text)
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

static void wait_closed(struct fixture *at)
{
    test_gate_wait(&at->client.closed, 1);
    test_gate_wait(&at->server.closed, 1);
    assert_int_equal(test_gate_count(&at->client.closed), 1);
    assert_int_equal(test_gate_count(&at->server.closed), 1);
}

/* Round trips on the same connection: time for the sender to go as far as it can. */
static void make_round_trips(struct fixture *at, unsigned count)
{
    struct arena arena;
    arena_init(&arena, 0);
    for (unsigned i = 0; i < count; i++) {
        struct view answer;
        assert_ok(test_rpc_call(&at->rpc, at->rpc.channel, TEST_ECHO, view_text("still here?"),
                      &arena, &answer),
            &at->rpc.err);
    }
    arena_fini(&arena);
}

/* ---- the ordinary course ---- */

static void many_go_up_in_order_and_one_answer_comes_down(void **state)
{
    struct fixture *at = *state;
    enum { COUNT = 100 };
    open_stream(at, TEST_UP, NULL);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    for (unsigned i = 0; i < COUNT; i++) {
        char text[16];
        snprintf(text, sizeof(text), "message %u", i);
        send_text(&at->client, text);
        test_gate_wait(&at->client.sent, i + 1);
    }
    rpc_stream_send_close(at->client.stream);
    test_gate_wait(&at->server.half_closed, 1);
    assert_int_equal(at->server.kept_count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        char text[16];
        snprintf(text, sizeof(text), "message %u", i);
        assert_kept(&at->server, i, text);
    }

    rpc_stream_read(at->client.stream);
    send_text(&at->server, "receipt");
    test_gate_wait(&at->client.messages, 1);
    assert_kept(&at->client, 0, "receipt");
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    assert_ok(at->server.code, &at->server.err);
}

static void the_request_of_a_server_stream_goes_with_its_opening(void **state)
{
    struct fixture *at = *state;
    enum { COUNT = 40 };
    at->client.reads_on = true;
    open_stream(at, TEST_DOWN, "what I want");
    rpc_stream_read(at->client.stream);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.messages, 1);
    assert_kept(&at->server, 0, "what I want");
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);

    at->server.sends = COUNT - 1;
    send_chunk(&at->server);
    test_gate_wait(&at->server.sent, COUNT);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    assert_int_equal(at->client.kept_count, COUNT);
}

static void a_half_closed_stream_still_carries_the_other_way(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_BOTH, NULL);
    at->client.reads_on = true;
    rpc_stream_read(at->client.stream);
    rpc_stream_send_close(at->client.stream);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);
    for (unsigned i = 0; i < 5; i++) {
        send_text(&at->server, "later");
        test_gate_wait(&at->server.sent, i + 1);
        test_gate_wait(&at->client.messages, i + 1);
    }
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
}

static void a_close_and_a_finish_let_the_send_before_them_go_first(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_BOTH, NULL);
    at->server.reads_on = true;
    at->client.reads_on = true;
    send_chunk(&at->client);
    rpc_stream_send_close(at->client.stream);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);
    assert_int_equal(at->server.kept_count, 1);

    send_chunk(&at->server);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    assert_int_equal(at->client.kept_count, 1);
}

/* Opened and used before there is a connection: held back, then sent, nothing lost. */
static void what_is_sent_before_the_connection_stands_arrives(void **state)
{
    struct fixture *at = *state;
    open_on(at, at->rpc.channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    send_text(&at->client, "early");
    rpc_stream_send_close(at->client.stream);
    test_gate_wait(&at->server.opened, 1);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);
    assert_int_equal(at->server.kept_count, 1);
    assert_kept(&at->server, 0, "early");
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
}

static void slices_are_sent_uncopied_and_arrive_as_one_aligned_buf(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_BOTH, NULL);
    struct buf *body = buf_create(CHUNK);
    body->size = CHUNK;
    for (unsigned i = 0; i < CHUNK; i++) {
        body->bytes[i] = (uint8_t)(i * 7);
    }
    struct slice slices[3] = {
        {NULL, view_of("head", 4)},
        slice_of(body, 0, 1000),
        slice_of(body, 1000, CHUNK - 1000),
    };
    rpc_stream_send(at->client.stream, slices, 3);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.messages, 1);
    const struct buf *got = at->server.kept[0];
    assert_int_equal(got->size, CHUNK + 4);
    assert_int_equal((uintptr_t)got->bytes % 64, 0);
    assert_memory_equal(got->bytes, "head", 4);
    assert_memory_equal(got->bytes + 4, body->bytes, CHUNK);

    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    wait_closed(at);
    test_rpc_stop_server(
        &at->rpc); /* with the connection the last reference of the transport goes */
    assert_int_equal(atomic_load(&body->refs), 1);
    buf_unref(body);
}

/* ---- ends that are not the ordinary one ---- */

static void the_service_can_end_a_stream_with_a_code_and_a_text(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_UP, NULL);
    rpc_stream_read(at->client.stream);
    rpc_stream_finish(at->server.stream, HEARTH_NO_SPACE, "volume 3 is full");
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_NO_SPACE);
    assert_non_null(strstr(at->client.err.message, "volume 3 is full"));
    assert_int_equal(at->server.code, HEARTH_OK);
}

static void opened_can_refuse(void **state)
{
    struct fixture *at = *state;
    at->refuse_with = HEARTH_NOT_READY;
    open_on(at, at->rpc.channel, TEST_UP, "first", TEST_DEADLINE_MS);
    test_gate_wait(&at->client.closed, 1);
    assert_int_equal(at->client.code, HEARTH_NOT_READY);
    assert_non_null(strstr(at->client.err.message, "not today"));
}

static void a_deadline_closes_both_ends(void **state)
{
    struct fixture *at = *state;
    open_on(at, at->rpc.channel, TEST_UP, NULL, 300);
    test_gate_wait(&at->server.opened, 1);
    rpc_stream_read(at->server.stream);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_DEADLINE);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
}

static void the_client_can_cancel(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_UP, NULL);
    rpc_stream_read(at->server.stream);
    rpc_stream_read(at->client.stream);
    rpc_stream_cancel(at->client.stream);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_CANCELLED);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
}

static void the_server_can_cancel(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_UP, NULL);
    rpc_stream_read(at->server.stream);
    rpc_stream_cancel(at->server.stream);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
}

static void calls_after_the_end_do_nothing(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_UP, NULL);
    rpc_stream_cancel(at->server.stream);
    wait_closed(at);
    rpc_stream_read(at->client.stream);
    send_chunk(&at->client);
    rpc_stream_send_close(at->client.stream);
    rpc_stream_cancel(at->client.stream);
    rpc_stream_read(at->server.stream);
    send_chunk(&at->server);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_cancel(at->server.stream);
    make_round_trips(at, 5);
    assert_int_equal(test_gate_count(&at->client.sent) + test_gate_count(&at->server.sent), 0);
    assert_int_equal(atomic_load(&at->client.chunk->refs), 1);
    wait_closed(at);
}

/* A client whose table is laxer than the server's: the row's limit is below the transport's. */
static void a_message_over_the_row_is_refused_by_the_server(void **state)
{
    struct fixture *at = *state;
    struct rpc_method_row rows[TEST_METHODS];
    memcpy(rows, test_rpc_table.rows, sizeof(rows));
    rows[TEST_UP].request_max = 2 * TEST_MESSAGE_MAX;
    struct rpc_table lax = {.rows = rows, .count = TEST_METHODS};
    struct rpc_channel_options options = {.runtime = at->rpc.runtime,
        .credentials = at->rpc.client_credentials,
        .address = at->rpc.address,
        .peer_class = PEER_NODE,
        .peer_id = rpc_credentials_certificate(at->rpc.server_credentials)->identity.id,
        .table = &lax};
    struct rpc_channel *channel = NULL;
    assert_ok(rpc_channel_create(&options, &channel, &at->rpc.err), &at->rpc.err);

    open_on(at, channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    rpc_stream_read(at->server.stream);
    struct buf *large = buf_create(TEST_UP_MAX + 1);
    memset(large->bytes, 1, TEST_UP_MAX + 1);
    struct slice slice = {large, view_of(large->bytes, TEST_UP_MAX + 1)};
    rpc_stream_send(at->client.stream, &slice, 1);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_INVALID);
    assert_int_equal(at->server.code, HEARTH_INVALID);
    assert_int_equal(at->server.kept_count, 0);
    rpc_channel_destroy(channel);
}

static void a_message_over_what_the_transport_lets_through_ends_the_stream(void **state)
{
    struct fixture *at = *state;
    struct rpc_method_row rows[TEST_METHODS];
    memcpy(rows, test_rpc_table.rows, sizeof(rows));
    rows[TEST_UP].request_max = 4 * TEST_MESSAGE_MAX;
    struct rpc_table lax = {.rows = rows, .count = TEST_METHODS};
    struct rpc_channel_options options = {.runtime = at->rpc.runtime,
        .credentials = at->rpc.client_credentials,
        .address = at->rpc.address,
        .peer_class = PEER_NODE,
        .peer_id = rpc_credentials_certificate(at->rpc.server_credentials)->identity.id,
        .table = &lax};
    struct rpc_channel *channel = NULL;
    assert_ok(rpc_channel_create(&options, &channel, &at->rpc.err), &at->rpc.err);

    open_on(at, channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    rpc_stream_read(at->server.stream);
    size_t size = 3 * TEST_MESSAGE_MAX;
    struct buf *large = buf_create(size);
    memset(large->bytes, 1, size);
    struct slice slice = {large, view_of(large->bytes, size)};
    rpc_stream_send(at->client.stream, &slice, 1);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(at->server.kept_count, 0);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
    rpc_channel_destroy(channel);
}

/* ---- back-pressure ---- */

/* What may be on its way to a reader that does not read: its lookahead of 256 KiB, the socket
 * buffers and what gRPC has queued. */
enum { ON_THE_WAY_MAX = 64, MANY = 600 };

static void assert_held_back_then_let_go(struct fixture *at, struct end *from, struct end *to)
{
    from->sends = MANY - 1;
    send_chunk(from);
    make_round_trips(at, 200);
    assert_in_range(test_gate_count(&from->sent), 1, ON_THE_WAY_MAX);
    to->reads_on = true;
    rpc_stream_read(to->stream);
    test_gate_wait(&to->messages, MANY);
    test_gate_wait(&from->sent, MANY);
}

static void a_server_that_does_not_read_stops_the_client(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_UP, NULL);
    assert_held_back_then_let_go(at, &at->client, &at->server);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    wait_closed(at);
}

static void a_client_that_does_not_read_stops_the_server(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_DOWN, "all of it");
    assert_held_back_then_let_go(at, &at->server, &at->client);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    wait_closed(at);
}

static void a_stopped_sender_can_still_cancel(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_UP, NULL);
    at->client.sends = MANY;
    send_chunk(&at->client);
    make_round_trips(at, 20);
    rpc_stream_cancel(at->client.stream);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_CANCELLED);
}

/* ---- when the wire breaks ---- */

static struct test_relay *relay_between(
    struct fixture *at, struct rpc_channel **channel, unsigned keepalive_ms)
{
    struct test_relay *relay = test_relay_start((uint16_t)rpc_server_port(at->rpc.server));
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", test_relay_port(relay));
    struct rpc_channel_options options = {.runtime = at->rpc.runtime,
        .credentials = at->rpc.client_credentials,
        .address = address,
        .peer_class = PEER_NODE,
        .peer_id = rpc_credentials_certificate(at->rpc.server_credentials)->identity.id,
        .table = &test_rpc_table,
        .keepalive_ms = keepalive_ms};
    assert_ok(rpc_channel_create(&options, channel, &at->rpc.err), &at->rpc.err);
    return relay;
}

static void a_cut_wire_closes_both_ends_and_is_no_half_close(void **state)
{
    struct fixture *at = *state;
    struct rpc_channel *channel = NULL;
    struct test_relay *relay = relay_between(at, &channel, 0);
    open_on(at, channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    rpc_stream_read(at->client.stream);
    send_text(&at->client, "one");
    test_gate_wait(&at->server.messages, 1);

    test_relay_cut(relay);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
    assert_int_equal(test_gate_count(&at->client.half_closed), 0);
    rpc_channel_destroy(channel);
    test_relay_stop(relay);
}

static void a_wire_cut_in_the_middle_of_a_flood_closes_both_ends(void **state)
{
    struct fixture *at = *state;
    struct rpc_channel *channel = NULL;
    struct test_relay *relay = relay_between(at, &channel, 0);
    open_on(at, channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    at->client.sends = 100000;
    send_chunk(&at->client);
    test_gate_wait(&at->server.messages, 20);
    test_relay_cut(relay);
    wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
    rpc_channel_destroy(channel);
    test_relay_stop(relay);
}

static void keepalive_finds_a_peer_that_went_silent(void **state)
{
    struct fixture *at = *state;
    struct rpc_channel *channel = NULL;
    struct test_relay *relay = relay_between(at, &channel, 600);
    open_on(at, channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    test_relay_freeze(relay);
    test_gate_wait(&at->client.closed, 1);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    rpc_channel_destroy(channel);
    test_relay_stop(relay);
    test_gate_wait(&at->server.closed, 1);
}

static void a_server_stops_with_streams_open(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_BOTH, NULL);
    rpc_stream_read(at->server.stream);
    rpc_stream_read(at->client.stream);
    test_rpc_stop_server(&at->rpc);
    assert_int_equal(test_gate_count(&at->server.closed), 1); /* before stop returned */
    wait_closed(at);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
}

static void a_graceful_stop_lets_a_stream_finish(void **state)
{
    struct fixture *at = *state;
    open_stream(at, TEST_BOTH, NULL);
    rpc_stream_read(at->client.stream);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_server_stop_blocking(at->rpc.server, 10000);
    wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    rpc_server_destroy(at->rpc.server);
    at->rpc.server = NULL;
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(many_go_up_in_order_and_one_answer_comes_down),
        with_fixture(the_request_of_a_server_stream_goes_with_its_opening),
        with_fixture(a_half_closed_stream_still_carries_the_other_way),
        with_fixture(a_close_and_a_finish_let_the_send_before_them_go_first),
        with_fixture(what_is_sent_before_the_connection_stands_arrives),
        with_fixture(slices_are_sent_uncopied_and_arrive_as_one_aligned_buf),
        with_fixture(the_service_can_end_a_stream_with_a_code_and_a_text),
        with_fixture(opened_can_refuse),
        with_fixture(a_deadline_closes_both_ends),
        with_fixture(the_client_can_cancel),
        with_fixture(the_server_can_cancel),
        with_fixture(calls_after_the_end_do_nothing),
        with_fixture(a_message_over_the_row_is_refused_by_the_server),
        with_fixture(a_message_over_what_the_transport_lets_through_ends_the_stream),
        with_fixture(a_server_that_does_not_read_stops_the_client),
        with_fixture(a_client_that_does_not_read_stops_the_server),
        with_fixture(a_stopped_sender_can_still_cancel),
        with_fixture(a_cut_wire_closes_both_ends_and_is_no_half_close),
        with_fixture(a_wire_cut_in_the_middle_of_a_flood_closes_both_ends),
        with_fixture(keepalive_finds_a_peer_that_went_silent),
        with_fixture(a_server_stops_with_streams_open),
        with_fixture(a_graceful_stop_lets_a_stream_finish),
    };
    return cmocka_run_group_tests_name("rpc_stream", tests, NULL, NULL);
}
