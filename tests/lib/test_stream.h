/*
 * test_stream.h - both ends of one stream in one process, each remembering what happened to it.
 *
 * The ends read, send and close only when told, or by themselves while reads_on and sends say so.
 */
#ifndef HEARTH_TESTS_LIB_TEST_STREAM_H
#define HEARTH_TESTS_LIB_TEST_STREAM_H

#include "tests/lib/test_relay.h"
#include "tests/lib/test_rpc.h"

enum { TEST_CHUNK = 64 * 1024, TEST_KEPT_MAX = 256 };

struct test_end {
    struct rpc_stream *stream; /* released when the test ends */
    bool reads_on;             /* asks for the next message by itself */
    unsigned sends;            /* sends chunks by itself until this is 0 */
    struct buf *chunk;
    struct test_gate opened; /* server */
    struct test_gate messages;
    struct test_gate half_closed;
    struct test_gate sent;
    struct test_gate closed;
    struct buf *kept[TEST_KEPT_MAX]; /* by the pump; read when its gate was passed */
    unsigned kept_count;
    enum hearth_code code;
    struct hearth_err err;
};

struct test_stream {
    struct test_rpc rpc;
    struct test_end client;
    struct test_end server;
    struct test_relay *relay;     /* NULL: none */
    struct rpc_channel *relayed;  /* through it; ends with the test, also with one that fails */
    enum hearth_code refuse_with; /* opened() does, unless HEARTH_OK */
};

/* cmocka's set-up and tear-down; *state is the struct test_stream. */
int test_stream_set_up(void **state);      /* over gRPC */
int test_stream_set_up_link(void **state); /* over the link */
int test_stream_tear_down(void **state);

/* A row of cmocka's list; the second is two. */
#define over_grpc(test)                                                                            \
    {                                                                                              \
#test " over gRPC", test, test_stream_set_up, test_stream_tear_down, NULL                  \
    }
#define over_link(test)                                                                            \
    {                                                                                              \
#test " over the link", test, test_stream_set_up_link, test_stream_tear_down, NULL         \
    }
#define over_both(test) over_grpc(test), over_link(test)

/* A channel over a wire that can be cut. */
void test_stream_relay(struct test_stream *at, unsigned keepalive_ms);

/* Opens the stream at the client; `first` NULL: without a first message. */
void test_stream_open_on(struct test_stream *at, struct rpc_channel *channel, unsigned method,
    const char *first, uint32_t deadline_ms);

/* The same over at->rpc.channel, and waits until the server has it. */
void test_stream_open(struct test_stream *at, unsigned method, const char *first);

void test_stream_send_chunk(struct test_end *end);
void test_stream_send_text(struct test_end *end, const char *text);

/* The message kept there is this text. */
void test_stream_assert_kept(struct test_end *end, unsigned index, const char *text);

/* Both ends were told of the end, once. */
void test_stream_wait_closed(struct test_stream *at);

/* Knocks on the same connection: time for a sender to go as far as it can. */
void test_stream_round_trips(struct test_stream *at, unsigned count);

#endif /* HEARTH_TESTS_LIB_TEST_STREAM_H */
