/*
 * A client with a valid certificate that speaks HTTP/2 wrongly, by accident or design: the server
 * lives on, and honest calls work afterwards.
 * The wrong peer is OpenSSL and hand-made frames; mutations are numbered by seed, so one that did
 * harm can be repeated: HEARTH_SEED=n runs that one alone.
 */
#include "tests/lib/test.h"
#include "tests/lib/test_http2.h"
#include "tests/lib/test_rpc.h"
#include "tests/lib/test_tls.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

enum { DAY_S = 86400, MUTATIONS = 80 };

struct fixture {
    struct test_rpc rpc;
    struct arena arena;
    SSL_CTX *context;
};

static const struct rpc_handler served[] = {
    {.method = TEST_ECHO, .unary = test_echo},
    {.method = TEST_UP, .opened = test_open_reading},
};

static int set_up(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    struct fixture *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    arena_init(&at->arena, 0);
    test_rpc_serve(&at->rpc, served, 2, at, NULL);
    struct pki_key *key;
    char *pem;
    test_issue(&at->rpc.ca, env_system(), PEER_CLIENT, DAY_S, &key, &pem);
    at->context = test_tls_context(&at->rpc.ca, key, pem, TEST_TLS_HTTP2);
    free(pem);
    pki_key_destroy(key);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    SSL_CTX_free(at->context);
    test_rpc_fini(&at->rpc);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

/* Sends the script, says that nothing follows, reads until the server closes. */
static size_t play(struct fixture *at, const struct test_script *script)
{
    struct test_tls tls;
    int fd = test_tcp_connect((uint16_t)rpc_server_port(at->rpc.server));
    assert_true(test_tls_open(&tls, at->context, fd, false));
    test_tls_write(&tls, test_script_view(script)); /* the server may close in the middle */
    shutdown(fd, SHUT_WR);
    uint8_t bytes[4096];
    size_t total = 0;
    size_t got;
    while ((got = test_tls_read(&tls, bytes, sizeof(bytes))) > 0) {
        total += got;
    }
    test_tls_close(&tls);
    return total;
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

static void play_and_check(struct fixture *at, struct test_script *script)
{
    play(at, script);
    assert_honest_calls_work(at);
    test_script_fini(script);
}

/* The frames of an honest connection up to its first request. */
static struct test_script greeting(void)
{
    struct test_script script = {0};
    test_http2_preface(&script);
    test_http2_setting(&script, 4, 1 << 20);
    test_http2_frame(&script, HTTP2_SETTINGS, HTTP2_ACK, 0, view_of(NULL, 0));
    return script;
}

static void add_request(
    struct test_script *script, const char *path, uint32_t stream, uint8_t flags)
{
    struct test_script block = {0};
    test_http2_request_block(&block, path);
    test_http2_frame(script, HTTP2_HEADERS, flags, stream, test_script_view(&block));
    test_script_fini(&block);
}

/* ---- that the honest script is one ---- */

static void the_honest_script_is_answered(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    test_http2_client_script(&script, "/test.Test/Echo");
    struct test_tls tls;
    int fd = test_tcp_connect((uint16_t)rpc_server_port(at->rpc.server));
    assert_true(test_tls_open(&tls, at->context, fd, false));
    assert_true(test_tls_write(&tls, test_script_view(&script)));
    uint8_t bytes[4096];
    size_t size = 0;
    while (memmem(bytes, size, "grpc-status", 11) == NULL) { /* the trailers are not compressed */
        size_t got = test_tls_read(&tls, bytes + size, sizeof(bytes) - size);
        assert_true(got > 0);
        size += got;
    }
    assert_non_null(memmem(bytes, size, "\x0a\x05hello", 7));
    test_tls_close(&tls);
    test_script_fini(&script);
}

/* ---- named ways ---- */

static void a_header_bomb_is_refused(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    struct test_script block = {0};
    test_http2_request_block(&block, "/test.Test/Echo");
    /* One header of 4,000 bytes put into the table, then named 12,000 times by one byte each. */
    test_script_add(&block, view_of("\x40\x01x\x7f\xa1\x1e", 6)); /* 127 + 33 + 30 * 128 = 4,000 */
    test_script_add_byte(&block, 'a', 4000);
    test_script_add_byte(&block, 0x80 | 62, 12000);
    test_http2_frame(
        &script, HTTP2_HEADERS, HTTP2_END_HEADERS | HTTP2_END_STREAM, 1, test_script_view(&block));
    test_script_fini(&block);
    play_and_check(at, &script);
}

static void a_flood_of_continuations_is_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    struct test_script block = {0};
    add_request(&script, "/test.Test/Echo", 1, 0);
    for (unsigned i = 0; i < 100; i++) {
        test_hpack_header(&block, "x-filler", "0123456789012345678901234567890123456789");
    }
    for (unsigned i = 0; i < 300; i++) {
        test_http2_frame(&script, HTTP2_CONTINUATION, 0, 1, test_script_view(&block));
    }
    test_script_fini(&block);
    play_and_check(at, &script);
}

static void empty_continuations_without_end_are_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    add_request(&script, "/test.Test/Echo", 1, 0);
    for (unsigned i = 0; i < 20000; i++) {
        test_http2_frame(&script, HTTP2_CONTINUATION, 0, 1, view_of(NULL, 0));
    }
    play_and_check(at, &script);
}

/* A megabyte of it; more costs quadratic time (docs/decisions/0002-grpc-core.md). */
static void a_string_that_never_ends_is_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    struct test_script block = {0};
    test_script_add(&block, view_of("\x00\x7f\xff\xff\xff\x7f", 6)); /* a name of 256 MiB */
    test_script_add_byte(&block, 'n', 16000);
    test_http2_frame(&script, HTTP2_HEADERS, 0, 1, test_script_view(&block));
    block.size = 0;
    test_script_add_byte(&block, 'n', 16000);
    for (unsigned i = 0; i < 64; i++) {
        test_http2_frame(&script, HTTP2_CONTINUATION, 0, 1, test_script_view(&block));
    }
    test_script_fini(&block);
    play_and_check(at, &script);
}

static void an_integer_that_never_ends_is_refused(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    struct test_script block = {0};
    test_script_add_byte(&block, 0xff, 16000);
    test_http2_frame(&script, HTTP2_HEADERS, HTTP2_END_HEADERS, 1, test_script_view(&block));
    test_script_fini(&block);
    play_and_check(at, &script);
}

static void rapid_resets_are_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    for (uint32_t stream = 1; stream < 4000; stream += 2) {
        add_request(&script, "/test.Test/Echo", stream, HTTP2_END_HEADERS);
        test_http2_frame(&script, HTTP2_RST_STREAM, 0, stream, view_of("\0\0\0\x08", 4));
    }
    play_and_check(at, &script);
}

static void streams_opened_and_left_are_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    for (uint32_t stream = 1; stream < 1000; stream += 2) {
        add_request(&script, "/test.Test/Up", stream, HTTP2_END_HEADERS);
    }
    play_and_check(at, &script);
}

static void floods_of_control_frames_are_survived(void **state)
{
    struct fixture *at = *state;
    struct test_script script = greeting();
    for (unsigned i = 0; i < 5000; i++) {
        test_http2_frame(&script, HTTP2_PING, 0, 0, view_of("12345678", 8));
        test_http2_setting(&script, 1, i);
        test_http2_frame(&script, HTTP2_PRIORITY, 0, 1, view_of("\0\0\0\0\1", 5));
        test_http2_frame(&script, HTTP2_WINDOW_UPDATE, 0, 0, view_of("\0\0\0\1", 4));
    }
    play_and_check(at, &script);
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
        {HTTP2_PING, 0, 5, "12345678", 8},
        {HTTP2_PING, HTTP2_ACK, 0, "neversnt", 8},
        {HTTP2_SETTINGS, 0, 0, "12345", 5},
        {HTTP2_SETTINGS, HTTP2_ACK, 0, "\0\4\xff\xff\xff\xff", 6},
        {HTTP2_SETTINGS, 0, 0, "\0\4\xff\xff\xff\xff", 6},
        {HTTP2_SETTINGS, 0, 0, "\0\5\0\0\0\0", 6},
        {HTTP2_SETTINGS, 0, 3, "\0\4\0\0\0\1", 6},
        {HTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4},
        {HTTP2_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4},
        {HTTP2_WINDOW_UPDATE, 0, 1, "\x7f\xff\xff\xff", 4},
        {HTTP2_DATA, 0, 0, "data", 4},
        {HTTP2_DATA, HTTP2_END_STREAM, 7, "data", 4},
        {HTTP2_DATA, HTTP2_PADDED, 1,
            "\xff"
            "dat",
            4},
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 2, "\x82", 1},
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 0, "\x82", 1},
        {HTTP2_HEADERS, HTTP2_END_HEADERS, 0x7fffffff, "\x82", 1},
        {HTTP2_HEADERS, HTTP2_END_HEADERS | HTTP2_PADDED, 3, "\xff\x82", 2},
        {HTTP2_HEADERS, HTTP2_END_HEADERS | 0x20, 3, "\0", 1},
        {HTTP2_CONTINUATION, HTTP2_END_HEADERS, 1, "\x82", 1},
        {HTTP2_RST_STREAM, 0, 0, "\0\0\0\1", 4},
        {HTTP2_RST_STREAM, 0, 99, "\0\0\0\1", 4},
        {HTTP2_RST_STREAM, 0, 1, "\0", 1},
        {HTTP2_GOAWAY, 0, 0, "\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {HTTP2_GOAWAY, 0, 0, "short", 5},
        {HTTP2_PUSH_PROMISE, HTTP2_END_HEADERS, 1, "\0\0\0\2\x82", 5},
        {0xee, 0xff, 1, "unknown", 7},
    };
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct test_script script = greeting();
        add_request(&script, "/test.Test/Up", 1, HTTP2_END_HEADERS);
        test_http2_frame(&script, odd[i].type, odd[i].flags, odd[i].stream,
            view_of(odd[i].payload, odd[i].size));
        play_and_check(at, &script);
    }
}

static void lengths_that_are_only_claimed_are_survived(void **state)
{
    struct fixture *at = *state;
    for (uint8_t type = 0; type < 12; type++) {
        struct test_script script = greeting();
        add_request(&script, "/test.Test/Up", 1, HTTP2_END_HEADERS);
        test_http2_frame_head(&script, 0xffffff, type, 0, type == HTTP2_SETTINGS ? 0 : 1);
        test_script_add_byte(&script, 0x41, 1000);
        play_and_check(at, &script);
    }
}

static void messages_that_are_not_what_they_claim_are_survived(void **state)
{
    struct fixture *at = *state;
    static const struct {
        uint8_t flag;
        uint32_t length;
        const char *bytes;
    } messages[] = {
        {0, 0xffffffff, "short"},
        {0, 1u << 31, "short"},
        {0, 64, "short"},
        {1, 5, "short"},
        {0xff, 5, "short"},
        {0, 0, "and more"},
    };
    static const char *const paths[] = {"/test.Test/Echo", "/test.Test/Up", "/no/such", "", "x"};
    for (unsigned i = 0; i < 6 * 5; i++) {
        struct test_script script = greeting();
        struct test_script data = {0};
        add_request(&script, paths[i % 5], 1, HTTP2_END_HEADERS);
        test_grpc_message(
            &data, messages[i / 5].flag, messages[i / 5].length, view_text(messages[i / 5].bytes));
        test_http2_frame(&script, HTTP2_DATA, HTTP2_END_STREAM, 1, test_script_view(&data));
        test_script_fini(&data);
        play_and_check(at, &script);
    }
}

static void requests_without_what_is_needed_are_survived(void **state)
{
    struct fixture *at = *state;
    static const char *const headers[][2] = {
        {"grpc-timeout", "99999999H"},
        {"grpc-timeout", "-1S"},
        {"grpc-timeout", "x"},
        {"hearth-request-bin", "%%%%"},
        {"hearth-request-bin", ""},
        {"grpc-encoding", "gzip"},
        {"grpc-encoding", "bomb"},
        {":path", "/twice"},
        {"content-length", "-5"},
        {"te", "\xff\xfe"},
    };
    for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct test_script script = greeting();
        struct test_script block = {0};
        test_http2_request_block(&block, "/test.Test/Echo");
        test_hpack_header(&block, headers[i][0], headers[i][1]);
        test_http2_frame(&script, HTTP2_HEADERS, HTTP2_END_HEADERS | HTTP2_END_STREAM, 1,
            test_script_view(&block));
        test_script_fini(&block);
        play_and_check(at, &script);
    }
}

/* One that only connected, one that greeted and went quiet, one in the middle of a call. */
static void connections_that_stay_open_do_not_hold_a_stop(void **state)
{
    struct fixture *at = *state;
    uint16_t port = (uint16_t)rpc_server_port(at->rpc.server);
    int mute = test_tcp_connect(port);
    struct test_script script = greeting();
    struct test_tls quiet;
    struct test_tls calling;
    assert_true(test_tls_open(&quiet, at->context, test_tcp_connect(port), false));
    assert_true(test_tls_write(&quiet, test_script_view(&script)));
    add_request(&script, "/test.Test/Up", 1, HTTP2_END_HEADERS);
    assert_true(test_tls_open(&calling, at->context, test_tcp_connect(port), false));
    assert_true(test_tls_write(&calling, test_script_view(&script)));
    assert_honest_calls_work(at);

    uint64_t before_ns = env_now_ns(env_system());
    test_rpc_stop_server(&at->rpc);
    assert_in_range((env_now_ns(env_system()) - before_ns) / 1000000, 0, 8000);
    close(mute);
    test_tls_close(&quiet);
    test_tls_close(&calling);
    test_script_fini(&script);
}

/* ---- chance ---- */

static void mutate_and_play(struct fixture *at, uint64_t seed)
{
    struct test_script script = {0};
    test_http2_client_script(&script, seed % 2 == 0 ? "/test.Test/Echo" : "/test.Test/Up");
    test_http2_mutate(&script, seed);
    play(at, &script);
    test_script_fini(&script);
}

static void mutated_connections_are_survived(void **state)
{
    struct fixture *at = *state;
    const char *one = getenv("HEARTH_SEED");
    const char *many = getenv("HEARTH_MUTATIONS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : MUTATIONS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        mutate_and_play(at, seed);
    }
    assert_honest_calls_work(at);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(the_honest_script_is_answered),
        with_fixture(a_header_bomb_is_refused),
        with_fixture(a_flood_of_continuations_is_survived),
        with_fixture(empty_continuations_without_end_are_survived),
        with_fixture(a_string_that_never_ends_is_survived),
        with_fixture(an_integer_that_never_ends_is_refused),
        with_fixture(rapid_resets_are_survived),
        with_fixture(streams_opened_and_left_are_survived),
        with_fixture(floods_of_control_frames_are_survived),
        with_fixture(single_odd_frames_are_survived),
        with_fixture(lengths_that_are_only_claimed_are_survived),
        with_fixture(messages_that_are_not_what_they_claim_are_survived),
        with_fixture(requests_without_what_is_needed_are_survived),
        with_fixture(connections_that_stay_open_do_not_hold_a_stop),
        with_fixture(mutated_connections_are_survived),
    };
    return cmocka_run_group_tests_name("rpc_hostile_client", tests, NULL, NULL);
}
