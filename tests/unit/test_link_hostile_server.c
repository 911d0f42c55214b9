/*
 * A node with a valid certificate that answers in the link wrongly, by accident or design: the
 * client process lives on, every stream of its ends with some code, and honest nodes are read as
 * before, meanwhile as well.
 * HEARTH_SEED=n runs one mutation alone, HEARTH_MUTATIONS=n so many of them.
 */
#include "common/cleanup.h"
#include "proto/wire.h"
#include "tests/lib/test.h"
#include "tests/lib/test_link.h"
#include "tests/lib/test_rpc.h"
#include "tests/lib/test_tls.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* A mutation may leave the client waiting; it need not wait long. */
enum { MUTATIONS = 200, MUTATION_PATIENCE_MS = 500 };

struct fixture {
    struct test_rpc rpc;
    struct rpc_channel_options hostile; /* how to reach the wrong node */
    uint32_t patience_ms;

    /* The wrong node. */
    struct test_played_node node;
    const struct test_script *script; /* set before a call */
    bool at_once;                     /* without a HELLO, nor waiting for the request */
    bool floods;                      /* again and again, until the client leaves */
    bool stays;                       /* silent after the script, until the client leaves */
    unsigned visits;                  /* connections so far; */
    unsigned visits_max;              /* it takes no more of them */

    /* One stream of ours. */
    struct test_gate closed;
    struct rpc_stream *stream;
    bool is_deaf; /* never reads */
    enum hearth_code code;
    struct hearth_err why; /* of it */
    size_t got;
};

static const struct rpc_handler served[] = {{.method = TEST_KNOCK, .opened = test_knocked}};

static int set_up(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    struct fixture *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    at->rpc.transport = RPC_LINK;
    at->patience_ms = TEST_DEADLINE_MS;
    at->visits_max = 1;
    test_gate_init(&at->closed);
    test_rpc_serve(&at->rpc, served, 1, at, NULL);
    at->hostile = test_played_node_init(&at->node, &at->rpc, TEST_TLS_LINK);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_played_node_fini(&at->node);
    test_rpc_fini(&at->rpc);
    test_gate_fini(&at->closed);
    free(at);
    return 0;
}

/* ---- the wrong node ---- */

static bool greet_and_hear(struct test_tls *tls)
{
    uint8_t heard[4096];
    size_t size = 0;
    struct test_script hello = {0};
    test_link_frame(&hello, LINK_HELLO, 0, 32, view_of(NULL, 0));
    bool alive = test_tls_write(tls, test_script_view(&hello));
    test_script_fini(&hello);
    while (alive && memmem(heard, size, "hello", 5) == NULL) {
        size_t got = test_tls_read(tls, heard + size, sizeof(heard) - size);
        alive = got > 0;
        size += got;
    }
    return alive;
}

static void play(struct fixture *at, struct test_tls *tls)
{
    uint8_t bytes[16 * 1024];
    bool alive;
    do {
        alive = test_tls_write(tls, test_script_view(at->script));
    } while (alive && at->floods);
    if (!at->stays) {
        shutdown(tls->fd, SHUT_WR);
    }
    while (test_tls_read(tls, bytes, sizeof(bytes)) > 0) {
    }
}

/* Of each connection hears the request, plays the script, reads until the client leaves. */
static void *answer(void *context)
{
    struct fixture *at = context;
    for (int fd;
         at->visits < at->visits_max && (fd = accept(at->node.listener, NULL, NULL)) >= 0;) {
        struct test_tls tls;
        at->visits++;
        if (test_tls_open(&tls, at->node.context, fd, true) &&
            (at->at_once || greet_and_hear(&tls))) {
            play(at, &tls);
        }
        test_tls_close(&tls);
    }
    return NULL;
}

/* ---- our stream ---- */

static void on_message(void *context, struct buf *message TAKES)
{
    struct fixture *at = context;
    if (message != NULL) {
        at->got += message->size;
        rpc_stream_read(at->stream);
    }
    buf_unref(message);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct fixture *at = context;
    at->code = code;
    at->why = *err;
    test_gate_pass(&at->closed);
}

static void assert_honest_calls_work(struct fixture *at)
{
    assert_ok(test_rpc_knock(&at->rpc, at->rpc.channel), &at->rpc.err);
}

/* One stream to the wrong node, which plays the script: how it ended. */
static enum hearth_code ask_hostile(struct fixture *at, const struct test_script *script)
{
    static const struct rpc_stream_handlers handlers = {.message = on_message, .closed = on_closed};
    struct wire_backup_chunk message = {.bytes = view_text("hello")};
    struct rpc_request request = {
        .method = TEST_DOWN, .message = &message, .deadline_ms = at->patience_ms};
    struct rpc_channel *channel;
    pthread_t thread;
    at->script = script;
    at->got = 0;
    at->visits = 0;
    test_gate_fini(&at->closed);
    test_gate_init(&at->closed);
    pthread_create(&thread, NULL, answer, at);
    assert_ok(rpc_channel_create(&at->hostile, &channel, &at->rpc.err), &at->rpc.err);
    assert_ok(
        rpc_stream_open(channel, &request, &handlers, at, &at->stream, &at->rpc.err), &at->rpc.err);
    if (!at->is_deaf) {
        rpc_stream_read(at->stream);
    }
    assert_honest_calls_work(at); /* whatever the other one does */
    test_gate_wait(&at->closed, 1);
    rpc_stream_release(at->stream);
    rpc_channel_destroy(channel);
    if (at->visits_max > 1) {
        shutdown(at->node.listener, SHUT_RDWR); /* nobody else comes */
    }
    pthread_join(thread, NULL);
    return at->code;
}

static enum hearth_code ask_and_free(struct fixture *at, struct test_script *script)
{
    enum hearth_code code = ask_hostile(at, script);
    test_script_fini(script);
    assert_honest_calls_work(at);
    return code;
}

static void assert_said(struct fixture *at, const char *words)
{
    if (strstr(at->why.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", at->why.message, words);
    }
}

static void add_answer(struct test_script *script)
{
    test_link_message(script, 1, view_text("\x0a\x05hello"));
    test_link_parts(script, 1, 4);
    test_link_frame(script, LINK_FINISH, 1, HEARTH_OK, view_of(NULL, 0));
}

/* ---- that the honest script is one ---- */

static void the_honest_script_is_an_answer(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    add_answer(&script);
    assert_ok(ask_and_free(at, &script), &at->why);
    assert_int_equal(at->got, 7 + 4 * LINK_PART_MAX);
}

/* ---- what breaks the protocol ---- */

struct odd_frame {
    unsigned type;
    uint32_t stream;
    uint32_t value;
    const char *payload;
    const char *said;
};

static void frames_where_none_may_be_end_the_stream(void **state)
{
    struct fixture *at = *state;
    static const struct odd_frame odd[] = {
        {LINK_HELLO, 0, 32, "", "greeted"},
        {LINK_OPEN, 2, 1000, "0123456789abcdef/test.Test/Up", "a wrong OPEN"},
        {LINK_CLOSE, 1, 0, "", "a wrong CLOSE"},
        {LINK_MORE, 1, 0, "of nothing", "more than the message has"},
        {LINK_MESSAGE, 2, 4, "what", "never opened"},
        {LINK_FINISH, 2, 0, "", "never opened"},
        {LINK_CREDIT, 1, 100000, "", "credit for more"},
        {LINK_RESET, 1, 0, "", "gave it up"},
        {77, 1, 0, "", "unknown type 77"},
    };
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct test_script script = {0};
        test_link_frame(
            &script, odd[i].type, odd[i].stream, odd[i].value, view_text(odd[i].payload));
        at->stays = true; /* it is the client that goes */
        assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
        assert_said(at, odd[i].said);
    }
}

static void lengths_that_are_only_claimed_end_the_stream(void **state)
{
    struct fixture *at = *state;
    at->stays = true;
    for (unsigned type = 1; type < LINK_TYPES; type++) {
        struct test_script script = {0};
        test_link_head(&script, type, type < LINK_PING ? 1 : 0, UINT32_MAX, UINT32_MAX);
        assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
    }
}

static void a_message_over_the_row_is_nonsense(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    test_link_parts(&script, 1, TEST_MESSAGE_MAX / LINK_PART_MAX + 1);
    assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
    assert_said(at, "a message over the limit");
}

static void an_end_in_a_message_is_nonsense(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    test_link_frame(&script, LINK_MESSAGE, 1, 100, view_text("not a hundred"));
    test_link_frame(&script, LINK_FINISH, 1, HEARTH_OK, view_of(NULL, 0));
    assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
    assert_said(at, "the end in a message");
}

static void a_code_that_is_none_is_an_internal_error(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    test_link_frame(&script, LINK_FINISH, 1, 12345, view_text("odd\x1b[2J"));
    assert_int_equal(ask_and_free(at, &script), HEARTH_INTERNAL);
    assert_said(at, "odd?[2J");
}

static void more_than_the_window_ends_the_stream(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    at->is_deaf = true;
    at->stays = true;
    for (size_t size = 0; size <= LINK_WINDOW; size += 4 * LINK_PART_MAX) {
        test_link_parts(&script, 1, 4);
    }
    assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
    assert_said(at, "more than the window");
}

/* ---- time ---- */

static void who_does_not_greet_is_not_there(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    at->at_once = true;
    at->stays = true;
    at->hostile.connect_timeout_ms = 300;
    test_script_add_byte(&script, LINK_HELLO, 1); /* begins to */
    assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
    assert_said(at, "no connection");
}

static void who_falls_silent_is_left(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    at->stays = true;
    at->hostile.keepalive_ms = 200;
    test_link_head(&script, LINK_MESSAGE, 1, 1000, 1000);
    assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
    assert_said(at, "silent");
}

static void a_goaway_lets_the_stream_end(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    test_link_frame(&script, LINK_GOAWAY, 0, 0, view_of(NULL, 0));
    add_answer(&script);
    assert_ok(ask_and_free(at, &script), &at->why);
}

/* Or it would be dialled again and again, for as long as the stream's patience lasts. */
static void who_goes_away_while_greeting_is_not_there(void **state)
{
    struct fixture *at = *state;
    struct test_script script = {0};
    at->at_once = true;
    at->visits_max = 9;
    test_link_frame(&script, LINK_HELLO, 0, 32, view_of(NULL, 0));
    test_link_frame(&script, LINK_GOAWAY, 0, 0, view_of(NULL, 0));
    assert_int_equal(ask_and_free(at, &script), HEARTH_UNREACHABLE);
    assert_said(at, "went away");
    assert_int_equal(at->visits, 1);
}

/* ---- floods ---- */

static void floods_last_until_the_deadline_and_hold_up_nobody_else(void **state)
{
    struct fixture *at = *state;
    at->floods = true;
    at->patience_ms = MUTATION_PATIENCE_MS;
    struct test_script pings = {0};
    for (unsigned i = 0; i < 1000; i++) {
        test_link_frame(&pings, LINK_PING, 0, i, view_of(NULL, 0));
    }
    ask_and_free(at, &pings); /* either is right: DEADLINE, or the answers found no room */

    struct test_script empty = {0};
    for (unsigned i = 0; i < 500; i++) {
        test_link_message(&empty, 1, view_of(NULL, 0));
    }
    ask_and_free(at, &empty); /* as many as our reader asks for */

    struct test_script stale = {0};
    test_link_frame(&stale, LINK_PONG, 0, 1, view_of(NULL, 0));
    assert_int_equal(ask_and_free(at, &stale), HEARTH_DEADLINE);
}

/* ---- chance ---- */

static void mutated_answers_are_survived(void **state)
{
    struct fixture *at = *state;
    const char *one = getenv("HEARTH_SEED");
    const char *many = getenv("HEARTH_MUTATIONS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : MUTATIONS;
    at->patience_ms = MUTATION_PATIENCE_MS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct test_script script = {0};
        test_link_frame(&script, LINK_PING, 0, 5, view_of(NULL, 0));
        add_answer(&script);
        test_link_frame(&script, LINK_GOAWAY, 0, 0, view_of(NULL, 0));
        test_http2_mutate(&script, seed);
        ask_and_free(at, &script);
    }
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(the_honest_script_is_an_answer),
        with_fixture(frames_where_none_may_be_end_the_stream),
        with_fixture(lengths_that_are_only_claimed_end_the_stream),
        with_fixture(a_message_over_the_row_is_nonsense),
        with_fixture(an_end_in_a_message_is_nonsense),
        with_fixture(a_code_that_is_none_is_an_internal_error),
        with_fixture(more_than_the_window_ends_the_stream),
        with_fixture(who_does_not_greet_is_not_there),
        with_fixture(who_falls_silent_is_left),
        with_fixture(a_goaway_lets_the_stream_end),
        with_fixture(who_goes_away_while_greeting_is_not_there),
        with_fixture(floods_last_until_the_deadline_and_hold_up_nobody_else),
        with_fixture(mutated_answers_are_survived),
    };
    return cmocka_run_group_tests_name("link_hostile_server", tests, NULL, NULL);
}
