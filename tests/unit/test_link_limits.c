/*
 * A server of the link keeps to its limits: streams, memory, connections, handshakes, time,
 * descriptors; and whoever is at a limit does not stop the others.
 */
#include "tests/lib/link_world.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 128, PEER_CONNECTIONS_MAX = 8, STREAMS_MAX = 32 };

static void the_streams_of_a_connection_are_counted(void **state)
{
    struct link_world *at = *state;
    struct test_script script = {0};
    struct test_tls tls;
    uint8_t head[LINK_HEAD_SIZE];
    for (uint32_t stream = 1; stream <= STREAMS_MAX + 1; stream++) {
        test_link_open(&script, stream, "/test.Test/Both");
    }
    link_world_connect(at, &tls);
    assert_true(link_world_is_greeted(&tls));
    assert_true(test_tls_write(&tls, test_script_view(&script)));
    assert_int_equal(test_tls_read(&tls, head, sizeof(head)), sizeof(head));
    assert_int_equal(head[0], LINK_FINISH);
    assert_int_equal(head[4], STREAMS_MAX + 1);
    assert_int_equal(head[12], HEARTH_BUSY);
    test_tls_close(&tls);
    test_script_fini(&script);
}

/* Room for two windows and two messages; the third is told so. */
static void the_memory_of_a_server_is_bounded_by_its_streams(void **state)
{
    struct link_world *at = *state;
    struct rpc_server_options options = {.memory_max = 2 * (LINK_WINDOW + TEST_MESSAGE_MAX)};
    struct test_script script = {0};
    struct test_tls tls;
    uint8_t head[LINK_HEAD_SIZE];
    link_world_serve_with(at, &options);
    for (uint32_t stream = 1; stream <= 3; stream++) {
        test_link_open(&script, stream, "/test.Test/Both");
    }
    link_world_connect(at, &tls);
    assert_true(link_world_is_greeted(&tls));
    assert_true(test_tls_write(&tls, test_script_view(&script)));
    assert_int_equal(test_tls_read(&tls, head, sizeof(head)), sizeof(head));
    assert_int_equal(head[0], LINK_FINISH);
    assert_int_equal(head[4], 3);
    assert_int_equal(head[12], HEARTH_BUSY);
    test_tls_close(&tls);
    test_script_fini(&script);
}

static void silence_in_the_middle_of_a_frame_is_ended(void **state)
{
    struct link_world *at = *state;
    struct rpc_server_options options = {.keepalive_ms = 200};
    link_world_serve_with(at, &options);
    struct test_script script = {0};
    test_link_open(&script, 1, "/test.Test/Up");
    test_link_head(&script, LINK_MESSAGE, 1, 1000, 1000);
    test_script_add_byte(&script, 'x', 500);
    link_world_assert_sent_away(at, &script, 0);
    link_world_assert_well(at);
}

static void a_handshake_that_stops_is_ended(void **state)
{
    struct link_world *at = *state;
    struct rpc_server_options options = {.handshake_timeout_ms = 200};
    link_world_serve_with(at, &options);
    int fd = test_tcp_connect(link_world_port(at));
    char byte;
    assert_int_equal(write(fd, "\x16\x03\x01", 3), 3);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    link_world_assert_well(at);
}

static void who_says_nothing_takes_no_place_for_long(void **state)
{
    struct link_world *at = *state;
    enum { SILENT = 300 };
    int fds[SILENT];
    for (unsigned i = 0; i < SILENT; i++) {
        fds[i] = test_tcp_connect(link_world_port(at));
    }
    link_world_assert_well(at);
    for (unsigned i = 0; i < SILENT; i++) {
        close(fds[i]);
    }
    link_world_assert_well(at);
}

static bool is_closed(struct test_tls *tls)
{
    char byte;
    assert_int_equal(fcntl(tls->fd, F_SETFL, O_NONBLOCK), 0);
    ERR_clear_error(); /* a handshake that failed before would be taken for this one's error */
    int rc = SSL_read(tls->ssl, &byte, 1);
    return SSL_get_error(tls->ssl, rc) != SSL_ERROR_WANT_READ;
}

/* For tests in which one certificate stands for many peers. */
static void serve_one_peer_alone(struct link_world *at)
{
    struct rpc_server_options options = {.peer_connections_max = 2 * CONNECTIONS_MAX,
        .peer_streams_max = 2 * CONNECTIONS_MAX,
        .memory_max = CONNECTIONS_MAX * (LINK_WINDOW + TEST_MESSAGE_MAX)};
    link_world_serve_with(at, &options);
}

/* An idle one makes room for a newcomer. */
static void there_are_never_more_connections_than_may_be(void **state)
{
    struct link_world *at = *state;
    enum { MORE = CONNECTIONS_MAX + 12 };
    serve_one_peer_alone(at);
    struct test_tls tls[MORE];
    unsigned open = 0;
    for (unsigned i = 0; i < MORE; i++) {
        link_world_connect(at, &tls[i]);
        assert_true(link_world_is_greeted(&tls[i]));
    }
    link_world_assert_well(at);
    for (unsigned i = 0; i < MORE; i++) {
        open += is_closed(&tls[i]) ? 0 : 1;
    }
    assert_in_range(open, 1, CONNECTIONS_MAX - 1); /* the honest one has a place */
    for (unsigned i = 0; i < MORE; i++) {
        test_tls_close(&tls[i]);
    }
}

/* Those with a stream keep their place, and the newcomer finds none. */
static void the_busy_keep_their_place(void **state)
{
    struct link_world *at = *state;
    struct test_tls tls[CONNECTIONS_MAX];
    struct test_tls late;
    struct test_script script = {0};
    serve_one_peer_alone(at);
    rpc_channel_destroy(at->rpc.channel);
    at->rpc.channel = NULL;
    test_link_open(&script, 1, "/test.Test/Both");
    test_link_frame(&script, LINK_PING, 0, 0, view_of(NULL, 0));
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        uint8_t pong[LINK_HEAD_SIZE];
        link_world_connect(at, &tls[i]);
        assert_true(link_world_is_greeted(&tls[i]));
        assert_true(test_tls_write(&tls[i], test_script_view(&script)));
        assert_int_equal(test_tls_read(&tls[i], pong, sizeof(pong)), sizeof(pong));
    }
    assert_false(test_tls_open(&late, at->context, test_tcp_connect(link_world_port(at)), false));
    test_tls_close(&late);
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        assert_false(is_closed(&tls[i]));
        test_tls_close(&tls[i]);
    }
    test_script_fini(&script);
    at->rpc.channel = test_rpc_channel(&at->rpc, at->rpc.client_credentials);
    link_world_assert_well(at);
}

/* A stream is open and stays so; false: the server does not have it. */
static bool opens_a_stream(struct test_tls *tls, uint32_t stream)
{
    struct test_script script = {0};
    uint8_t head[LINK_HEAD_SIZE] = {0};
    test_link_open(&script, stream, "/test.Test/Both");
    test_link_frame(&script, LINK_PING, 0, 0, view_of(NULL, 0));
    bool is_open = test_tls_write(tls, test_script_view(&script)) &&
        test_tls_read(tls, head, sizeof(head)) == sizeof(head) && head[0] == LINK_PONG;
    test_script_fini(&script);
    return is_open;
}

/* Each of its connections would be busy; another customer still gets in. */
static void one_peer_does_not_keep_the_others_out(void **state)
{
    struct link_world *at = *state;
    struct test_tls tls[CONNECTIONS_MAX];
    unsigned taken = 0;
    rpc_channel_destroy(at->rpc.channel);
    at->rpc.channel = NULL;
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        bool stands =
            test_tls_open(&tls[i], at->context, test_tcp_connect(link_world_port(at)), false) &&
            link_world_is_greeted(&tls[i]) && opens_a_stream(&tls[i], 1);
        taken += stands;
        assert_true(stands == (i < PEER_CONNECTIONS_MAX));
    }
    assert_int_equal(taken, PEER_CONNECTIONS_MAX);
    at->rpc.channel = test_rpc_channel(&at->rpc, at->rpc.client_credentials);
    link_world_assert_well(at);
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        test_tls_close(&tls[i]);
    }
}

static void the_streams_of_a_peer_are_counted_over_its_connections(void **state)
{
    struct link_world *at = *state;
    struct test_tls tls[2];
    link_world_connect(at, &tls[0]);
    link_world_connect(at, &tls[1]);
    assert_true(link_world_is_greeted(&tls[0]) && link_world_is_greeted(&tls[1]));
    for (uint32_t stream = 1; stream <= STREAMS_MAX; stream++) {
        assert_true(opens_a_stream(&tls[stream % 2], stream));
    }
    assert_false(opens_a_stream(&tls[0], STREAMS_MAX + 1));
    assert_ok(test_rpc_knock(&at->rpc, at->rpc.channel), &at->rpc.err);
    test_tls_close(&tls[0]);
    test_tls_close(&tls[1]);
}

/* The connection waits in the kernel until there is a descriptor for it. */
static void a_process_without_descriptors_accepts_again_when_it_has_some(void **state)
{
    struct link_world *at = *state;
    enum { LIMIT = 512 };
    struct rlimit before;
    struct test_tls tls;
    int taken[LIMIT];
    unsigned count = 0;
    link_world_assert_well(at); /* whoever is there stays there */
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit low = {.rlim_cur = LIMIT, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (count < LIMIT && (taken[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0) {
        count++;
    }
    assert_int_equal(errno, EMFILE);
    close(taken[--count]);
    int fd = test_tcp_connect(link_world_port(at)); /* with the last one */
    assert_ok(test_rpc_knock(&at->rpc, at->rpc.channel), &at->rpc.err);
    while (count > 0) {
        close(taken[--count]);
    }
    assert_true(test_tls_open(&tls, at->context, fd, false));
    assert_true(link_world_is_greeted(&tls));
    test_tls_close(&tls);
    setrlimit(RLIMIT_NOFILE, &before);
    link_world_assert_well(at);
}

static void read_exactly(struct test_tls *tls, uint8_t *bytes, size_t size)
{
    for (size_t got = 0; got < size;) {
        size_t more = test_tls_read(tls, bytes + got, size - got);
        assert_true(more > 0);
        got += more;
    }
}

/* Reads until so much credit was used up. */
static void read_messages_worth(struct test_tls *tls, uint64_t credit)
{
    uint8_t bytes[LINK_PART_MAX];
    struct link_head head;
    struct hearth_err err;
    for (uint64_t used = 0; used < credit; used += link_head_cost(&head)) {
        read_exactly(tls, bytes, LINK_HEAD_SIZE);
        assert_ok(link_head_decode(bytes, LINK_SERVER, &head, &err), &err);
        read_exactly(tls, bytes, head.size);
    }
}

/* More than the kernel takes, and no word from the reader: all of it comes once he reads. */
static void what_a_full_socket_held_back_follows_when_it_is_read(void **state)
{
    struct link_world *at = *state;
    struct test_script script = {0};
    struct test_tls tls;
    for (uint32_t stream = 1; stream <= STREAMS_MAX; stream++) {
        test_link_open(&script, stream, "/test.Test/Down");
    }
    link_world_connect(at, &tls);
    assert_true(link_world_is_greeted(&tls));
    assert_true(test_tls_write(&tls, test_script_view(&script)));
    for (unsigned i = 0; i < 64; i++) { /* time for the server to go as far as it can */
        assert_ok(test_rpc_knock(&at->rpc, at->rpc.channel), &at->rpc.err);
    }
    read_messages_worth(&tls, STREAMS_MAX * (uint64_t)LINK_WINDOW);
    test_tls_close(&tls);
    test_script_fini(&script);
}

/* One that only connected, one that was greeted and went quiet, one in the middle of a call. */
static void connections_that_stay_open_do_not_hold_a_stop(void **state)
{
    struct link_world *at = *state;
    int mute = test_tcp_connect(link_world_port(at));
    struct test_script script = {0};
    struct test_tls quiet;
    struct test_tls calling;
    link_world_connect(at, &quiet);
    link_world_connect(at, &calling);
    test_link_open(&script, 1, "/test.Test/Down");
    assert_true(test_tls_write(&calling, test_script_view(&script)));
    link_world_assert_well(at);

    uint64_t before_ns = env_now_ns(env_system());
    test_rpc_stop_server(&at->rpc);
    assert_in_range((env_now_ns(env_system()) - before_ns) / 1000000, 0, 8000);
    close(mute);
    test_tls_close(&quiet);
    test_tls_close(&calling);
    test_script_fini(&script);
}

#define with_world(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, link_world_set_up, link_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(the_streams_of_a_connection_are_counted),
        with_world(the_memory_of_a_server_is_bounded_by_its_streams),
        with_world(silence_in_the_middle_of_a_frame_is_ended),
        with_world(a_handshake_that_stops_is_ended),
        with_world(who_says_nothing_takes_no_place_for_long),
        with_world(there_are_never_more_connections_than_may_be),
        with_world(the_busy_keep_their_place),
        with_world(one_peer_does_not_keep_the_others_out),
        with_world(the_streams_of_a_peer_are_counted_over_its_connections),
        with_world(a_process_without_descriptors_accepts_again_when_it_has_some),
        with_world(what_a_full_socket_held_back_follows_when_it_is_read),
        with_world(connections_that_stay_open_do_not_hold_a_stop),
    };
    return cmocka_run_group_tests_name("link_limits", tests, NULL, NULL);
}
