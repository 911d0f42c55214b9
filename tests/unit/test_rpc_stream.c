/*
 * rpc_stream: messages both ways, in order, with one end; every way to end is told to both.
 * Both ends are in this process, over 127.0.0.1 and real TLS.
 */
#include "tests/lib/test.h"
#include "tests/lib/test_stream.h"

#include <stdio.h>
#include <string.h>

/* ---- the ordinary course ---- */

static void many_go_up_in_order_and_one_answer_comes_down(void **state)
{
    struct test_stream *at = *state;
    enum { COUNT = 100 };
    test_stream_open(at, TEST_UP, NULL);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    for (unsigned i = 0; i < COUNT; i++) {
        char text[16];
        snprintf(text, sizeof(text), "message %u", i);
        test_stream_send_text(&at->client, text);
        test_gate_wait(&at->client.sent, i + 1);
    }
    rpc_stream_send_close(at->client.stream);
    test_gate_wait(&at->server.half_closed, 1);
    assert_int_equal(at->server.kept_count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        char text[16];
        snprintf(text, sizeof(text), "message %u", i);
        test_stream_assert_kept(&at->server, i, text);
    }

    rpc_stream_read(at->client.stream);
    test_stream_send_text(&at->server, "receipt");
    test_gate_wait(&at->client.messages, 1);
    test_stream_assert_kept(&at->client, 0, "receipt");
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    test_stream_wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    assert_ok(at->server.code, &at->server.err);
}

static void the_request_of_a_server_stream_goes_with_its_opening(void **state)
{
    struct test_stream *at = *state;
    enum { COUNT = 40 };
    at->client.reads_on = true;
    test_stream_open(at, TEST_DOWN, "what I want");
    rpc_stream_read(at->client.stream);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.messages, 1);
    test_stream_assert_kept(&at->server, 0, "what I want");
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);

    at->server.sends = COUNT - 1;
    test_stream_send_chunk(&at->server);
    test_gate_wait(&at->server.sent, COUNT);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    test_stream_wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    assert_int_equal(at->client.kept_count, COUNT);
}

static void a_half_closed_stream_still_carries_the_other_way(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_BOTH, NULL);
    at->client.reads_on = true;
    rpc_stream_read(at->client.stream);
    rpc_stream_send_close(at->client.stream);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);
    for (unsigned i = 0; i < 5; i++) {
        test_stream_send_text(&at->server, "later");
        test_gate_wait(&at->server.sent, i + 1);
        test_gate_wait(&at->client.messages, i + 1);
    }
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    test_stream_wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
}

static void a_close_and_a_finish_let_the_send_before_them_go_first(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_BOTH, NULL);
    at->server.reads_on = true;
    at->client.reads_on = true;
    test_stream_send_chunk(&at->client);
    rpc_stream_send_close(at->client.stream);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);
    assert_int_equal(at->server.kept_count, 1);

    test_stream_send_chunk(&at->server);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    test_stream_wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    assert_int_equal(at->client.kept_count, 1);
}

/* Opened and used before there is a connection: held back, then sent, nothing lost. */
static void what_is_sent_before_the_connection_stands_arrives(void **state)
{
    struct test_stream *at = *state;
    test_stream_open_on(at, at->rpc.channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_stream_send_text(&at->client, "early");
    rpc_stream_send_close(at->client.stream);
    test_gate_wait(&at->server.opened, 1);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.half_closed, 1);
    assert_int_equal(at->server.kept_count, 1);
    test_stream_assert_kept(&at->server, 0, "early");
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    test_stream_wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
}

static void slices_are_sent_uncopied_and_arrive_as_one_aligned_buf(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_BOTH, NULL);
    struct buf *body = buf_create(TEST_CHUNK);
    body->size = TEST_CHUNK;
    for (unsigned i = 0; i < TEST_CHUNK; i++) {
        body->bytes[i] = (uint8_t)(i * 7);
    }
    struct slice slices[3] = {
        {NULL, view_of("head", 4)},
        slice_of(body, 0, 1000),
        slice_of(body, 1000, TEST_CHUNK - 1000),
    };
    rpc_stream_send(at->client.stream, slices, 3);
    rpc_stream_read(at->server.stream);
    test_gate_wait(&at->server.messages, 1);
    const struct buf *got = at->server.kept[0];
    assert_int_equal(got->size, TEST_CHUNK + 4);
    assert_int_equal((uintptr_t)got->bytes % 64, 0);
    assert_memory_equal(got->bytes, "head", 4);
    assert_memory_equal(got->bytes + 4, body->bytes, TEST_CHUNK);

    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    test_stream_wait_closed(at);
    test_rpc_stop_server(
        &at->rpc); /* with the connection the last reference of the transport goes */
    assert_int_equal(atomic_load(&body->refs), 1);
    buf_unref(body);
}

/* ---- ends that are not the ordinary one ---- */

static void the_service_can_end_a_stream_with_a_code_and_a_text(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_UP, NULL);
    rpc_stream_read(at->client.stream);
    rpc_stream_finish(at->server.stream, HEARTH_NO_SPACE, "volume 3 is full");
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_NO_SPACE);
    assert_non_null(strstr(at->client.err.message, "volume 3 is full"));
    assert_int_equal(at->server.code, HEARTH_OK);
}

static void opened_can_refuse(void **state)
{
    struct test_stream *at = *state;
    at->refuse_with = HEARTH_NOT_READY;
    test_stream_open_on(at, at->rpc.channel, TEST_UP, "first", TEST_DEADLINE_MS);
    test_gate_wait(&at->client.closed, 1);
    assert_int_equal(at->client.code, HEARTH_NOT_READY);
    assert_non_null(strstr(at->client.err.message, "not today"));
}

static void a_deadline_closes_both_ends(void **state)
{
    struct test_stream *at = *state;
    test_stream_open_on(at, at->rpc.channel, TEST_UP, NULL, 300);
    test_gate_wait(&at->server.opened, 1);
    rpc_stream_read(at->server.stream);
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_DEADLINE);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
}

static void the_client_can_cancel(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_UP, NULL);
    rpc_stream_read(at->server.stream);
    rpc_stream_read(at->client.stream);
    rpc_stream_cancel(at->client.stream);
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_CANCELLED);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
}

static void the_server_can_cancel(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_UP, NULL);
    rpc_stream_read(at->server.stream);
    rpc_stream_cancel(at->server.stream);
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
}

static void calls_after_the_end_do_nothing(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_UP, NULL);
    rpc_stream_cancel(at->server.stream);
    test_stream_wait_closed(at);
    rpc_stream_read(at->client.stream);
    test_stream_send_chunk(&at->client);
    rpc_stream_send_close(at->client.stream);
    rpc_stream_cancel(at->client.stream);
    rpc_stream_read(at->server.stream);
    test_stream_send_chunk(&at->server);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_cancel(at->server.stream);
    test_stream_round_trips(at, 5);
    assert_int_equal(test_gate_count(&at->client.sent) + test_gate_count(&at->server.sent), 0);
    assert_int_equal(atomic_load(&at->client.chunk->refs), 1);
    test_stream_wait_closed(at);
}

/* The client's table is laxer than the server's, so that it sends so much on TEST_UP. */
static void send_up(struct test_stream *at, size_t size)
{
    struct rpc_method_row rows[TEST_METHODS];
    memcpy(rows, test_rpc_table.rows, sizeof(rows));
    rows[TEST_UP].request_max = (uint32_t)size;
    struct rpc_table lax = {.rows = rows, .count = TEST_METHODS};
    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    options.table = &lax;
    struct rpc_channel *channel = NULL;
    assert_ok(rpc_channel_create(&options, &channel, &at->rpc.err), &at->rpc.err);

    test_stream_open_on(at, channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    rpc_stream_read(at->server.stream);
    struct buf *large = buf_create(size);
    memset(large->bytes, 1, size);
    struct slice slice = {large, view_of(large->bytes, size)};
    rpc_stream_send(at->client.stream, &slice, 1);
    test_stream_wait_closed(at);
    assert_int_equal(at->server.kept_count, 0);
    rpc_channel_destroy(channel);
}

/* The row's limit is below the transport's. */
static void a_message_over_the_row_is_refused_by_the_server(void **state)
{
    struct test_stream *at = *state;
    send_up(at, TEST_UP_MAX + 1);
    assert_int_equal(at->client.code, HEARTH_INVALID);
    assert_int_equal(at->server.code, HEARTH_INVALID);
}

static void a_message_over_what_the_transport_lets_through_ends_the_stream(void **state)
{
    struct test_stream *at = *state;
    send_up(at, (size_t)3 * TEST_MESSAGE_MAX);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_both(many_go_up_in_order_and_one_answer_comes_down),
        over_both(the_request_of_a_server_stream_goes_with_its_opening),
        over_both(a_half_closed_stream_still_carries_the_other_way),
        over_both(a_close_and_a_finish_let_the_send_before_them_go_first),
        over_both(what_is_sent_before_the_connection_stands_arrives),
        over_both(slices_are_sent_uncopied_and_arrive_as_one_aligned_buf),
        over_both(the_service_can_end_a_stream_with_a_code_and_a_text),
        over_both(opened_can_refuse),
        over_both(a_deadline_closes_both_ends),
        over_both(the_client_can_cancel),
        over_both(the_server_can_cancel),
        over_both(calls_after_the_end_do_nothing),
        over_both(a_message_over_the_row_is_refused_by_the_server),
        over_grpc(a_message_over_what_the_transport_lets_through_ends_the_stream),
    };
    return cmocka_run_group_tests_name("rpc_stream", tests, NULL, NULL);
}
