/*
 * http_mhd: what a client says reaches the handler as it was said, what the handler answers reaches
 * the client whole or not at all, and neither can make the other's bytes pile up.
 *
 * Real sockets on 127.0.0.1; the client's bytes are written by hand.
 */
#include "tests/lib/http_world.h"
#include "tests/lib/test.h"
#include "tests/lib/test_http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static int setup(void **state)
{
    struct http_world *world = malloc(sizeof(*world));
    const struct http_options options = http_world_options(world);
    http_world_start(world, &options);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    http_world_stop(*state);
    free(*state);
    return 0;
}

static void assert_body(struct test_http_answer *answer, unsigned status, const char *body)
{
    assert_int_equal(answer->status, status);
    assert_true(answer->is_whole);
    assert_int_equal(answer->body_size, strlen(body));
    assert_memory_equal(answer->body, body, strlen(body));
    test_http_answer_fini(answer);
}

static void assert_poured(const struct test_http_answer *answer, uint64_t size)
{
    assert_true(answer->is_whole);
    assert_int_equal(answer->body_size, size);
    for (uint64_t i = 0; i < size; i++) {
        if (answer->body[i] != http_world_byte(i)) {
            fail_msg("byte %llu is wrong", (unsigned long long)i);
        }
    }
}

/* ---- heads ---- */

static void a_head_arrives_as_it_was_sent(void **state)
{
    struct test_http http;
    struct test_http_answer answer;
    test_http_open(&http, http_world_port(*state));
    test_http_ask(&http,
        "GET /seen/a%2Fb%20+c//../%00?x=%26&y&z=1+2 HTTP/1.1\r\nHost: h:1\r\nX-Amz-Date:  1 2 \r\n"
        "X-AMZ-DATE: second\r\n\r\n",
        &answer);
    assert_body(&answer, 200,
        "GET /seen/a%2Fb%20+c//../%00?x=%26&y&z=1+2 127.0.0.1 clear\n"
        "host=h:1\nx-amz-date=1 2 \nx-amz-date=second\n");
    test_http_close(&http);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct test_http http;
    struct test_http_answer answer;
    test_http_open(&http, http_world_port(*state));
    test_http_say(&http,
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
        "GET /pour?5 HTTP/1.1\r\nHost: h\r\n\r\n"
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nthree");
    assert_true(test_http_answer(&http, false, &answer));
    assert_body(&answer, 200, "one");
    assert_true(test_http_answer(&http, false, &answer));
    assert_body(&answer, 200, "");
    assert_true(test_http_answer(&http, false, &answer));
    assert_poured(&answer, 5);
    test_http_answer_fini(&answer);
    assert_true(test_http_answer(&http, false, &answer));
    assert_body(&answer, 200, "three");
    test_http_close(&http);
}

static void head_tells_a_length_and_sends_nothing(void **state)
{
    struct test_http http;
    struct test_http_answer answer;
    char length[32];
    test_http_open(&http, http_world_port(*state));
    test_http_ask(&http, "HEAD /pour?5000000000 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_true(test_http_header(&answer, "content-length", length, sizeof(length)));
    assert_string_equal(length, "5000000000");
    test_http_ask(&http, "HEAD /seen HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    test_http_ask(&http, "GET /status?204 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 204);
    test_http_ask(&http, "GET /status?304 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 304);
    test_http_ask(&http, "GET /pour?3 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_poured(&answer, 3);
    test_http_answer_fini(&answer);
    test_http_close(&http);
}

/* ---- bodies ---- */

static void a_body_may_come_byte_by_byte(void **state)
{
    static const char *const requests[] = {
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nslow and low",
        "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nslow \r\n07\r\nand low\r\n0\r\n\r\n",
    };
    struct test_http http;
    struct test_http_answer answer;
    test_http_open(&http, http_world_port(*state));
    for (size_t i = 0; i < 2; i++) {
        for (const char *at = requests[i]; *at != '\0'; at++) {
            assert_true(test_http_send(&http, view_of(at, 1)));
        }
        assert_true(test_http_answer(&http, false, &answer));
        assert_body(&answer, 200, "slow and low");
    }
    test_http_close(&http);
}

static void continue_is_said_when_the_body_is_wanted(void **state)
{
    struct test_http http;
    struct test_http_answer answer;
    test_http_open(&http, http_world_port(*state));
    test_http_ask(&http,
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n",
        &answer);
    assert_int_equal(answer.status, 100);
    test_http_ask(&http, "body", &answer);
    assert_body(&answer, 200, "body");
    test_http_ask(&http,
        "PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        &answer);
    assert_body(&answer, 403, "refused");
    assert_true(test_http_has_ended(&http));
    test_http_close(&http);
}

static void a_refused_small_body_does_not_cost_the_connection(void **state)
{
    struct test_http http;
    struct test_http_answer answer;
    static uint8_t body[1 << 20];
    test_http_open(&http, http_world_port(*state));
    for (unsigned i = 0; i < 2; i++) {
        const char *what = i == 0 ? "refuse" : "half";
        char head[128];
        snprintf(head, sizeof(head), "PUT /%s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
            what, sizeof(body));
        test_http_say(&http, head);
        assert_true(test_http_send(&http, view_of(body, sizeof(body))));
        assert_true(test_http_answer(&http, false, &answer));
        assert_body(&answer, i == 0 ? 403 : 400, i == 0 ? "refused" : "no more");
    }
    test_http_ask(&http, "GET /pour?3 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_poured(&answer, 3);
    test_http_answer_fini(&answer);
    test_http_close(&http);
}

/* The client sends until it cannot; then at most what the kernel and the ring hold has moved. */
static void a_handler_that_does_not_read_holds_the_client(void **state)
{
    struct http_world *world = *state;
    struct test_http http;
    struct test_http_answer answer;
    struct http_counts counts;
    static const uint8_t piece[64 << 10];
    const uint64_t total = 64 << 20;
    uint64_t sent = 0;
    test_http_open(&http, http_world_port(world));
    test_http_say(&http, "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n1");
    sent = 1;
    http_world_await_entered(world, 1);
    for (ssize_t n = 0; n >= 0; n = send(http.fd, piece, sizeof(piece), MSG_DONTWAIT)) {
        sent += (uint64_t)n;
        assert_true(sent < total);
    }
    assert_int_equal(errno, EAGAIN);
    http_server_count(world->server, &counts);
    assert_in_range(counts.received_bytes, 1, (256 << 10) + 1);
    http_world_open_gate(world);
    while (sent < total) {
        size_t size = total - sent < sizeof(piece) ? (size_t)(total - sent) : sizeof(piece);
        assert_true(test_http_send(&http, view_of(piece, size)));
        sent += size;
    }
    assert_true(test_http_answer(&http, false, &answer));
    assert_body(&answer, 200, "67108864");
    test_http_close(&http);
}

static void a_client_that_leaves_during_the_body_ends_the_read(void **state)
{
    struct http_world *world = *state;
    struct test_http http;
    test_http_open(&http, http_world_port(world));
    test_http_say(&http, "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nbegin");
    test_http_close(&http);
    http_world_await_done(world, 1);
    assert_int_equal(world->code, HEARTH_CANCELLED);
    assert_true(world->cancelled);
}

static void a_broken_chunk_ends_the_read(void **state)
{
    struct http_world *world = *state;
    struct test_http http;
    test_http_open(&http, http_world_port(world));
    test_http_say(&http,
        "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nbegin\r\nxyz\r\n");
    http_world_await_done(world, 1);
    assert_int_equal(world->code, HEARTH_CANCELLED);
    test_http_close(&http);
}

/* ---- answers ---- */

static void an_answer_of_any_size_arrives(void **state)
{
    static const unsigned sizes[] = {0, 1, 65536, 262144, 262145, 5000000};
    struct test_http http;
    struct test_http_answer answer;
    test_http_open(&http, http_world_port(*state));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned chunked = 0; chunked < 2; chunked++) {
            char request[128];
            snprintf(request, sizeof(request), "GET /%s?%u HTTP/1.1\r\nHost: h\r\n\r\n",
                chunked ? "chunks" : "pour", sizes[i]);
            test_http_ask(&http, request, &answer);
            assert_poured(&answer, sizes[i]);
            test_http_answer_fini(&answer);
        }
    }
    test_http_close(&http);
}

static void an_answer_that_is_given_up_is_not_whole(void **state)
{
    static const char *const targets[] = {"/cut?0", "/cut?60000", "/cut?600000", "/silent"};
    struct test_http http;
    struct test_http_answer answer;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char request[128];
        test_http_open(&http, http_world_port(*state));
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", targets[i]);
        test_http_say(&http, request);
        if (test_http_answer(&http, false, &answer)) {
            assert_false(answer.is_whole);
            test_http_answer_fini(&answer);
        }
        assert_true(test_http_has_ended(&http));
        test_http_close(&http);
    }
}

static void a_client_that_leaves_during_the_answer_ends_the_write(void **state)
{
    struct http_world *world = *state;
    struct test_http http;
    uint8_t some[1000];
    test_http_open(&http, http_world_port(world));
    test_http_say(&http, "GET /pour?100000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(test_http_read(&http, some, sizeof(some)) > 0);
    test_http_close(&http);
    http_world_await_done(world, 1);
    assert_int_equal(world->code, HEARTH_CANCELLED);
    assert_true(world->cancelled);
}

/* ---- the end ---- */

static void *stop(void *context)
{
    struct http_world *world = context;
    http_server_stop_blocking(world->server, TEST_HTTP_WAIT_S * 1000);
    return NULL;
}

static void what_runs_is_answered_before_the_server_ends(void **state)
{
    struct http_world *world = *state;
    struct test_http http;
    struct test_http idle;
    struct test_http_answer answer;
    char value[32];
    pthread_t stopper;
    unsigned port = http_world_port(world);
    test_http_open(&http, port);
    test_http_open(&idle, port);
    test_http_ask(&idle, "GET /pour?3 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    test_http_answer_fini(&answer);
    test_http_say(&http, "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
    http_world_await_entered(world, 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop, world), 0);
    while (test_http_is_open(port)) {
    }
    http_world_open_gate(world);
    assert_true(test_http_answer(&http, false, &answer));
    pthread_join(stopper, NULL);
    const struct http_options options = http_world_options(world);
    http_world_start(world, &options); /* for the teardown */
    assert_true(test_http_header(&answer, "connection", value, sizeof(value)));
    assert_string_equal(value, "close");
    assert_body(&answer, 200, "ok");
    assert_true(test_http_has_ended(&http));
    assert_true(test_http_has_ended(&idle));
    test_http_close(&http);
    test_http_close(&idle);
}

static void what_does_not_end_in_time_is_cut(void **state)
{
    struct http_world *world = *state;
    struct test_http upload;
    struct test_http download;
    uint8_t some[1000];
    test_http_open(&upload, http_world_port(world));
    test_http_open(&download, http_world_port(world));
    test_http_say(&upload, "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nbegin");
    test_http_say(&download, "GET /pour?100000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(test_http_read(&download, some, sizeof(some)) > 0);
    http_server_stop_blocking(world->server, 1);
    unsigned done = world->done;
    enum hearth_code code = world->code;
    const struct http_options options = http_world_options(world);
    http_world_start(world, &options); /* for the teardown */
    assert_int_equal(done, 2);
    assert_int_equal(code, HEARTH_CANCELLED);
    assert_true(test_http_has_ended(&upload));
    while (!test_http_has_ended(&download)) {
    }
    test_http_close(&upload);
    test_http_close(&download);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_arrives_as_it_was_sent),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(head_tells_a_length_and_sends_nothing),
        TEST(a_body_may_come_byte_by_byte),
        TEST(continue_is_said_when_the_body_is_wanted),
        TEST(a_refused_small_body_does_not_cost_the_connection),
        TEST(a_handler_that_does_not_read_holds_the_client),
        TEST(a_client_that_leaves_during_the_body_ends_the_read),
        TEST(a_broken_chunk_ends_the_read),
        TEST(an_answer_of_any_size_arrives),
        TEST(an_answer_that_is_given_up_is_not_whole),
        TEST(a_client_that_leaves_during_the_answer_ends_the_write),
        TEST(what_runs_is_answered_before_the_server_ends),
        TEST(what_does_not_end_in_time_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
