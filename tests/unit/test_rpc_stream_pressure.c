/*
 * rpc_stream, when one side is slow or gone: a reader that does not read stops the sender, and a
 * wire that breaks (tests/lib/test_relay.h) closes both ends and is never taken for a half-close.
 */
#include "tests/lib/test.h"
#include "tests/lib/test_stream.h"

/* ---- back-pressure ---- */

/* What may be on its way to a reader that does not read: its lookahead of 256 KiB, the socket
 * buffers and what gRPC has queued. */
enum { ON_THE_WAY_MAX = 64, MANY = 600 };

static void assert_held_back_then_let_go(
    struct test_stream *at, struct test_end *from, struct test_end *to)
{
    from->sends = MANY - 1;
    test_stream_send_chunk(from);
    test_stream_round_trips(at, 200);
    assert_in_range(test_gate_count(&from->sent), 1, ON_THE_WAY_MAX);
    to->reads_on = true;
    rpc_stream_read(to->stream);
    test_gate_wait(&to->messages, MANY);
    test_gate_wait(&from->sent, MANY);
}

static void a_server_that_does_not_read_stops_the_client(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_UP, NULL);
    assert_held_back_then_let_go(at, &at->client, &at->server);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_stream_read(at->client.stream);
    test_stream_wait_closed(at);
}

static void a_client_that_does_not_read_stops_the_server(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_DOWN, "all of it");
    assert_held_back_then_let_go(at, &at->server, &at->client);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    test_stream_wait_closed(at);
}

static void a_stopped_sender_can_still_cancel(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_UP, NULL);
    at->client.sends = MANY;
    test_stream_send_chunk(&at->client);
    test_stream_round_trips(at, 20);
    rpc_stream_cancel(at->client.stream);
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_CANCELLED);
}

/* ---- when the wire breaks ---- */

static void a_cut_wire_closes_both_ends_and_is_no_half_close(void **state)
{
    struct test_stream *at = *state;
    test_stream_relay(at, 0);
    test_stream_open_on(at, at->relayed, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    rpc_stream_read(at->client.stream);
    test_stream_send_text(&at->client, "one");
    test_gate_wait(&at->server.messages, 1);

    test_relay_cut(at->relay);
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
    assert_int_equal(test_gate_count(&at->client.half_closed), 0);
}

static void a_wire_cut_in_the_middle_of_a_flood_closes_both_ends(void **state)
{
    struct test_stream *at = *state;
    test_stream_relay(at, 0);
    test_stream_open_on(at, at->relayed, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    at->server.reads_on = true;
    rpc_stream_read(at->server.stream);
    at->client.sends = 100000;
    test_stream_send_chunk(&at->client);
    test_gate_wait(&at->server.messages, 20);
    test_relay_cut(at->relay);
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(test_gate_count(&at->server.half_closed), 0);
}

static void keepalive_finds_a_peer_that_went_silent(void **state)
{
    struct test_stream *at = *state;
    test_stream_relay(at, 600);
    test_stream_open_on(at, at->relayed, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_gate_wait(&at->server.opened, 1);
    test_relay_freeze(at->relay);
    test_gate_wait(&at->client.closed, 1);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    test_relay_cut(at->relay);
    test_gate_wait(&at->server.closed, 1);
}

/* gRPC's way to part from a client whose keepalive is set below what the server bears. */
static void a_client_that_pings_too_often_is_sent_away(void **state)
{
    struct test_stream *at = *state;
    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    options.keepalive_ms = 100;
    struct rpc_channel *channel = NULL;
    assert_ok(rpc_channel_create(&options, &channel, &at->rpc.err), &at->rpc.err);
    test_stream_open_on(at, channel, TEST_UP, NULL, TEST_DEADLINE_MS);
    test_stream_wait_closed(at);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
    rpc_channel_destroy(channel);
}

static void a_server_stops_with_streams_open(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_BOTH, NULL);
    rpc_stream_read(at->server.stream);
    rpc_stream_read(at->client.stream);
    test_rpc_stop_server(&at->rpc);
    assert_int_equal(test_gate_count(&at->server.closed), 1); /* before stop returned */
    test_stream_wait_closed(at);
    assert_int_equal(at->server.code, HEARTH_CANCELLED);
    assert_int_equal(at->client.code, HEARTH_UNKNOWN);
}

static void a_graceful_stop_lets_a_stream_finish(void **state)
{
    struct test_stream *at = *state;
    test_stream_open(at, TEST_BOTH, NULL);
    rpc_stream_read(at->client.stream);
    rpc_stream_finish(at->server.stream, HEARTH_OK, NULL);
    rpc_server_stop_blocking(at->rpc.server, 10000);
    test_stream_wait_closed(at);
    assert_ok(at->client.code, &at->client.err);
    rpc_server_destroy(at->rpc.server);
    at->rpc.server = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_both(a_server_that_does_not_read_stops_the_client),
        over_both(a_client_that_does_not_read_stops_the_server),
        over_both(a_stopped_sender_can_still_cancel),
        over_both(a_cut_wire_closes_both_ends_and_is_no_half_close),
        over_both(a_wire_cut_in_the_middle_of_a_flood_closes_both_ends),
        over_both(keepalive_finds_a_peer_that_went_silent),
        over_grpc(a_client_that_pings_too_often_is_sent_away),
        over_both(a_server_stops_with_streams_open),
        over_both(a_graceful_stop_lets_a_stream_finish),
    };
    return cmocka_run_group_tests_name("rpc_stream_pressure", tests, NULL, NULL);
}
