/*
 * A node with a valid certificate that answers in HTTP/2 wrongly, by accident or design: the
 * client process lives on, every call of its ends with some code, and honest nodes are read as
 * before.  Nothing protects a client from a node's HTTP/2 but gRPC itself.
 * HEARTH_SEED=n runs one mutation alone, HEARTH_MUTATIONS=n so many of them.
 */
#include "common/cleanup.h"
#include "proto/wire.h"
#include "tests/lib/test.h"
#include "tests/lib/test_http2.h"
#include "tests/lib/test_rpc.h"
#include "tests/lib/test_tls.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* A mutation may leave the client waiting; it need not wait long. */
enum { MUTATIONS = 80, MUTATION_PATIENCE_MS = 500 };

struct fixture {
    struct test_rpc rpc;
    struct arena arena;
    struct rpc_channel_options hostile; /* how to reach the wrong node */

    /* The wrong node. */
    struct test_played_node node;
    const struct test_script *script; /* what it answers, set before a call */
    bool at_once;                     /* without waiting for the request */
    uint32_t patience_ms;             /* of our calls */

    /* One stream of ours. */
    struct test_gate closed;
    struct rpc_stream *stream;
    enum hearth_code code;
};

static const struct rpc_handler served[] = {{.method = TEST_ECHO, .unary = test_echo}};

static int set_up(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    struct fixture *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    arena_init(&at->arena, 0);
    at->patience_ms = TEST_DEADLINE_MS;
    test_gate_init(&at->closed);
    test_rpc_serve(&at->rpc, served, 1, at, NULL);
    at->hostile = test_played_node_init(&at->node, &at->rpc, TEST_TLS_HTTP2);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_played_node_fini(&at->node);
    test_rpc_fini(&at->rpc);
    test_gate_fini(&at->closed);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

/* gRPC sends its request when the settings have come; the message in it says "hello". */
static bool hear_request(struct test_tls *tls)
{
    static const uint8_t settings[9] = {0, 0, 0, HTTP2_SETTINGS};
    uint8_t heard[4096];
    size_t size = 0;
    bool alive = test_tls_write(tls, view_of(settings, sizeof(settings)));
    while (alive && memmem(heard, size, "hello", 5) == NULL) {
        size_t got = test_tls_read(tls, heard + size, sizeof(heard) - size);
        alive = got > 0;
        size += got;
    }
    return alive;
}

/* Takes one connection, hears the request, plays the script, reads until the client leaves. */
static void *answer_one(void *context)
{
    struct fixture *at = context;
    struct test_tls tls;
    uint8_t bytes[16 * 1024];
    int fd = accept(at->node.listener, NULL, NULL);
    if (test_tls_open(&tls, at->node.context, fd, true) && (at->at_once || hear_request(&tls))) {
        test_tls_write(&tls, test_script_view(at->script));
        shutdown(fd, SHUT_WR);
        while (test_tls_read(&tls, bytes, sizeof(bytes)) > 0) {
        }
    }
    test_tls_close(&tls);
    return NULL;
}

static enum hearth_code call_hostile(struct fixture *at, struct rpc_channel *channel)
{
    struct wire_backup_chunk message = {.bytes = view_text("hello")};
    struct wire_backup_chunk response;
    struct rpc_request request = {
        .method = TEST_ECHO, .message = &message, .deadline_ms = at->patience_ms};
    return rpc_call_blocking(channel, &request, &at->arena, &response, &at->rpc.err);
}

static void on_message(void *context, struct buf *message TAKES)
{
    struct fixture *at = context;
    buf_unref(message);
    if (message != NULL) {
        rpc_stream_read(at->stream);
    }
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct fixture *at = context;
    at->code = code;
    at->rpc.err = *err;
    test_gate_pass(&at->closed);
}

static const struct rpc_stream_handlers reading = {.message = on_message, .closed = on_closed};

static enum hearth_code read_hostile(struct fixture *at, struct rpc_channel *channel)
{
    struct wire_backup_chunk message = {.bytes = view_text("hello")};
    struct rpc_request request = {
        .method = TEST_DOWN, .message = &message, .deadline_ms = at->patience_ms};
    unsigned before = test_gate_count(&at->closed);
    assert_ok(
        rpc_stream_open(channel, &request, &reading, at, &at->stream, &at->rpc.err), &at->rpc.err);
    rpc_stream_read(at->stream);
    test_gate_wait(&at->closed, before + 1);
    rpc_stream_release(at->stream);
    return at->code;
}

/* One connection to the wrong node: a unary call, or a stream that is read to its end. */
static enum hearth_code visit(struct fixture *at, const struct test_script *script, bool stream)
{
    at->script = script;
    pthread_t node;
    pthread_create(&node, NULL, answer_one, at);
    struct rpc_channel *channel = NULL;
    assert_ok(rpc_channel_create(&at->hostile, &channel, &at->rpc.err), &at->rpc.err);
    enum hearth_code code = stream ? read_hostile(at, channel) : call_hostile(at, channel);
    rpc_channel_destroy(channel);
    pthread_join(node, NULL);
    arena_fini(&at->arena);
    return code;
}

static void assert_honest_calls_work(struct fixture *at)
{
    struct view answer;
    assert_ok(test_rpc_call(
                  &at->rpc, at->rpc.channel, TEST_ECHO, view_text("well?"), &at->arena, &answer),
        &at->rpc.err);
    assert_true(view_equal(answer, view_text("well?")));
    arena_fini(&at->arena);
}

static void visit_and_check(struct fixture *at, struct test_script *script)
{
    visit(at, script, false);
    visit(at, script, true);
    assert_honest_calls_work(at);
    test_script_fini(script);
}

static struct test_script greeting(void)
{
    struct test_script script = {0};
    test_http2_setting(&script, 3, 100);
    test_http2_frame(&script, HTTP2_SETTINGS, HTTP2_ACK, 0, view_of(NULL, 0));
    return script;
}

static void add_headers(
    struct test_script *script, const char *const (*headers)[2], size_t count, uint8_t flags)
{
    struct test_script block = {0};
    for (size_t i = 0; i < count; i++) {
        test_hpack_header(&block, headers[i][0], headers[i][1]);
    }
    test_http2_frame(script, HTTP2_HEADERS, flags | HTTP2_END_HEADERS, 1, test_script_view(&block));
    test_script_fini(&block);
}

static void add_ok_headers(struct test_script *script)
{
    static const char *const headers[][2] = {
        {":status", "200"}, {"content-type", "application/grpc"}};
    add_headers(script, headers, 2, 0);
}

/* ---- that the honest script is one ---- */

static void the_honest_script_is_an_answer(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    test_http2_server_script(&script);
    assert_ok(visit(at, &script, false), &at->rpc.err);
    assert_ok(visit(at, &script, true), &at->rpc.err);
    test_script_fini(&script);
}

/* ---- named ways ---- */

static void a_status_without_a_message_is_no_answer(void **state)
{
    struct fixture *at = *state;
    static const char *const trailers[][2] = {
        {":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "0"}};
    struct test_script script = greeting();
    add_headers(&script, trailers, 3, HTTP2_END_STREAM);
    assert_int_equal(visit(at, &script, false), HEARTH_UNREACHABLE);
    test_script_fini(&script);
}

static void trailers_full_of_nonsense_are_survived(void **state)
{
    struct fixture *at = *state;
    static const char *const odd[][2] = {
        {"hearth-code", "0"},
        {"hearth-code", "99999999"},
        {"hearth-code", "-1"},
        {"hearth-code", ""},
        {"hearth-code", "2\x00"},
        {"grpc-status", "12345678901234567890"},
        {"grpc-status", "-7"},
        {"grpc-message", "%00%0a%1b[2J%ff%f"},
        {"grpc-status-details-bin", "!!!!"},
        {"grpc-retry-pushback-ms", "1"},
        {"grpc-encoding", "gzip"},
        {"content-type", "text/html"},
        {":status", "503"},
        {":path", "/request/header"},
        {"te", ""},
        {"lb-cost-bin", "AAAA"},
        {"grpc-previous-rpc-attempts", "x"},
        {"x-endpoint-load-metrics-bin", "////"},
    };
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        const char *const trailers[][2] = {{"grpc-status", "2"}, {odd[i][0], odd[i][1]}};
        struct test_script script = greeting();
        add_ok_headers(&script);
        add_headers(&script, trailers, 2, HTTP2_END_STREAM);
        visit_and_check(at, &script);
    }
}

static void a_header_bomb_is_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    struct test_script block = {0};
    test_hpack_header(&block, ":status", "200");
    test_script_add(&block, view_of("\x40\x01x\x7f\xa1\x1e", 6)); /* a value of 4,000 */
    test_script_add_byte(&block, 'a', 4000);
    test_script_add_byte(&block, 0x80 | 62, 12000);
    test_http2_frame(&script, HTTP2_HEADERS, HTTP2_END_HEADERS, 1, test_script_view(&block));
    test_script_fini(&block);
    visit_and_check(at, &script);
}

static void a_flood_of_continuations_is_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    struct test_script block = {0};
    test_hpack_header(&block, ":status", "200");
    test_http2_frame(&script, HTTP2_HEADERS, 0, 1, test_script_view(&block));
    for (unsigned i = 0; i < 100; i++) {
        test_hpack_header(&block, "x-filler", "0123456789012345678901234567890123456789");
    }
    for (unsigned i = 0; i < 500; i++) {
        test_http2_frame(&script, HTTP2_CONTINUATION, 0, 1, test_script_view(&block));
    }
    test_script_fini(&block);
    visit_and_check(at, &script);
}

/* Seen: trailers behind a message cut short leave gRPC waiting; the deadline ends it. */
static void messages_that_are_not_what_they_claim_are_survived(void **state)
{
    struct fixture *at = *state;
    at->patience_ms = MUTATION_PATIENCE_MS;
    static const struct {
        uint8_t flag;
        uint32_t length;
        const char *bytes;
    } messages[] = {
        {0, 0xffffffff, "short"},
        {0, 1u << 31, "short"},
        {0, 64, "short"},
        {0, 5, "wrong"},
        {1, 5, "short"},
        {0xff, 5, "short"},
        {0, 0, "and more"},
    };
    for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct test_script script = greeting();
        struct test_script data = {0};
        add_ok_headers(&script);
        test_grpc_message(
            &data, messages[i].flag, messages[i].length, view_text(messages[i].bytes));
        test_http2_frame(&script, HTTP2_DATA, 0, 1, test_script_view(&data));
        static const char *const trailers[][2] = {{"grpc-status", "0"}};
        add_headers(&script, trailers, 1, HTTP2_END_STREAM);
        test_script_fini(&data);
        visit_and_check(at, &script);
    }
}

/* More than the window that we gave. */
static void data_beyond_the_window_is_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    struct test_script data = {0};
    add_ok_headers(&script);
    test_grpc_message(&data, 0, TEST_MESSAGE_MAX - 100, view_of(NULL, 0));
    test_script_add_byte(&data, 0, 16000);
    for (unsigned i = 0; i < 200; i++) {
        test_http2_frame(&script, HTTP2_DATA, 0, 1, test_script_view(&data));
    }
    test_script_fini(&data);
    visit_and_check(at, &script);
}

struct odd_frame {
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
    const char *payload;
    size_t size;
};

static void single_odd_frames_are_survived(void **state)
{
    struct fixture *at = *state;
    static const struct odd_frame odd[] = {
        {HTTP2_PING, 0, 0, "123", 3},
        {HTTP2_PING, HTTP2_ACK, 0, "neversnt", 8},
        {HTTP2_SETTINGS, 0, 0, "12345", 5},
        {HTTP2_SETTINGS, 0, 0, "\0\4\xff\xff\xff\xff", 6},
        {HTTP2_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6},
        {HTTP2_SETTINGS, 0, 0, "\0\3\0\0\0\0", 6},
        {HTTP2_SETTINGS, 0, 0, "\0\5\0\0\0\0", 6},
        {HTTP2_SETTINGS, 0, 0, "\0\1\xff\xff\xff\xff", 6},
        {HTTP2_SETTINGS, 0, 0, "\xfe\3\0\0\0\1", 6}, /* gRPC's own */
        {HTTP2_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4},
        {HTTP2_WINDOW_UPDATE, 0, 1, "\x7f\xff\xff\xff", 4},
        {HTTP2_WINDOW_UPDATE, 0, 1, "\0\0\0\0", 4},
        {HTTP2_DATA, 0, 1, "data before headers", 19},
        {HTTP2_DATA, HTTP2_END_STREAM, 7, "data", 4},
        {HTTP2_DATA, HTTP2_PADDED, 1,
            "\xff"
            "dat",
            4},
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 2, "\x88", 1},
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 99, "\x88", 1},
        {HTTP2_HEADERS, HTTP2_END_HEADERS | HTTP2_END_STREAM, 1, "\x88", 1},
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 1, "\xbe", 1}, /* an index that is not there */
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 1, "\x80", 1},
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 1, "\x3f\xff\xff\xff\xff\x0f", 6}, /* table size */
        {HTTP2_CONTINUATION, HTTP2_END_HEADERS, 1, "\x88", 1},
        {HTTP2_RST_STREAM, 0, 1, "\0\0\0\0", 4},
        {HTTP2_RST_STREAM, 0, 1, "\0\0\0\x0b", 4},
        {HTTP2_RST_STREAM, 0, 1, "\xff\xff\xff\xff", 4},
        {HTTP2_RST_STREAM, 0, 99, "\0\0\0\1", 4},
        {HTTP2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8},
        {HTTP2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\x0btoo_many_pings", 22},
        {HTTP2_GOAWAY, 0, 0, "\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {HTTP2_PUSH_PROMISE, HTTP2_END_HEADERS, 1, "\0\0\0\2\x82", 5},
        {0xee, 0xff, 1, "unknown", 7},
    };
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct test_script script = greeting();
        test_http2_frame(&script, odd[i].type, odd[i].flags, odd[i].stream,
            view_of(odd[i].payload, odd[i].size));
        visit_and_check(at, &script);
    }
}

static void silence_and_noise_are_survived(void **state)
{
    struct fixture *at = *state;
    at->at_once = true;
    static const char *const noises[] = {"", "HTTP/1.1 200 OK\r\n\r\n", "SSH-2.0-x\r\n", "\n"};
    for (unsigned i = 0; i < 4; i++) {
        struct test_script script = {0};
        test_script_add(&script, view_text(noises[i]));
        visit_and_check(at, &script);
    }
}

static void floods_of_control_frames_are_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    for (unsigned i = 0; i < 5000; i++) {
        test_http2_frame(&script, HTTP2_PING, 0, 0, view_of("12345678", 8));
        test_http2_setting(&script, 1, i);
        test_http2_frame(&script, HTTP2_WINDOW_UPDATE, 0, 0, view_of("\0\0\0\1", 4));
    }
    visit_and_check(at, &script);
}

/* ---- chance ---- */

static void mutated_answers_are_survived(void **state)
{
    struct fixture *at = *state;
    at->patience_ms = MUTATION_PATIENCE_MS;
    const char *one = getenv("HEARTH_SEED");
    const char *many = getenv("HEARTH_MUTATIONS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : MUTATIONS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct test_script script = {0};
        test_http2_server_script(&script);
        test_http2_mutate(&script, seed);
        visit(at, &script, seed % 2 == 0);
        test_script_fini(&script);
    }
    assert_honest_calls_work(at);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(the_honest_script_is_an_answer),
        with_fixture(a_status_without_a_message_is_no_answer),
        with_fixture(trailers_full_of_nonsense_are_survived),
        with_fixture(a_header_bomb_is_survived),
        with_fixture(a_flood_of_continuations_is_survived),
        with_fixture(messages_that_are_not_what_they_claim_are_survived),
        with_fixture(data_beyond_the_window_is_survived),
        with_fixture(single_odd_frames_are_survived),
        with_fixture(silence_and_noise_are_survived),
        with_fixture(floods_of_control_frames_are_survived),
        with_fixture(mutated_answers_are_survived),
    };
    return cmocka_run_group_tests_name("rpc_hostile_server", tests, NULL, NULL);
}
