/*
 * A client with a valid certificate that speaks the link wrongly, by accident or design: the server
 * lives on, and honest calls work meanwhile and afterwards.
 * The wrong peer is OpenSSL and hand-made frames; mutations are numbered by seed, so one that did
 * harm can be repeated: HEARTH_SEED=n runs that one alone, HEARTH_MUTATIONS=n so many.
 */
#include "tests/lib/link_world.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { MUTATIONS = 200 };

static void add_honest_call(struct test_script *script, uint32_t stream)
{
    test_link_open(script, stream, "/test.Test/Up");
    test_link_message(script, stream, view_text("hello"));
    test_link_parts(script, stream, 4);
    test_link_frame(script, LINK_CLOSE, stream, 0, view_of(NULL, 0));
}

/* ---- that the honest script is one ---- */

static void the_honest_script_is_answered(void **state)
{
    struct link_world *at = *state;
    struct test_script script = {0};
    struct test_tls tls;
    uint8_t bytes[4096];
    size_t size = 0;
    add_honest_call(&script, 1);
    link_world_connect(at, &tls);
    assert_true(test_tls_write(&tls, test_script_view(&script)));
    while (size < LINK_HEAD_SIZE || bytes[size - LINK_HEAD_SIZE] != LINK_FINISH) {
        size_t got = test_tls_read(&tls, bytes + size, sizeof(bytes) - size);
        assert_true(got > 0);
        size += got;
    }
    assert_int_equal(bytes[0], LINK_HELLO);
    assert_int_equal(bytes[size - 4], HEARTH_OK);
    test_tls_close(&tls);
    test_script_fini(&script);
}

/* ---- what breaks the protocol ---- */

static void a_head_that_may_not_be_ends_the_connection(void **state)
{
    struct link_world *at = *state;
    for (unsigned type = 0; type < LINK_TYPES + 2; type++) {
        struct test_script script = {0};
        test_link_open(&script, 1, "/test.Test/Up");
        test_link_head(&script, type, type < LINK_PING ? 1 : 0, UINT32_MAX, 1);
        link_world_assert_sent_away(at, &script, type);
    }
    struct test_script script = {0};
    test_link_head(&script, LINK_PING | 0x100, 0, 0, 0); /* in the bytes that are zero */
    link_world_assert_sent_away(at, &script, 100);
    link_world_assert_well(at);
}

struct odd_frame {
    unsigned type;
    uint32_t stream;
    uint32_t value;
    const char *payload;
};

static void frames_where_none_may_be_end_the_connection(void **state)
{
    struct link_world *at = *state;
    static const struct odd_frame odd[] = {
        {LINK_MORE, 1, 0, "more of nothing"},
        {LINK_MESSAGE, 2, 5, "hello"},
        {LINK_CREDIT, 1, 1, ""},
        {LINK_CREDIT, 99, 1, ""},
        {LINK_RESET, 99, 0, ""},
        {LINK_CLOSE, 99, 0, ""},
        {LINK_OPEN, 1, 1000, "0123456789abcdef/test.Test/Up"},
        {LINK_FINISH, 1, 0, ""},
        {LINK_HELLO, 0, 1, ""},
        {LINK_GOAWAY, 0, 0, ""},
    };
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct test_script script = {0};
        test_link_open(&script, 1, "/test.Test/Up");
        test_link_frame(
            &script, odd[i].type, odd[i].stream, odd[i].value, view_text(odd[i].payload));
        link_world_assert_sent_away(at, &script, i);
    }
    link_world_assert_well(at);
}

static void messages_out_of_order_end_the_connection(void **state)
{
    struct link_world *at = *state;
    for (unsigned i = 0; i < 5; i++) {
        struct test_script script = {0};
        test_link_open(&script, 1, "/test.Test/Both");
        if (i < 3) {
            test_link_frame(&script, LINK_MESSAGE, 1, 100, view_text("a hundred bytes, says"));
        } else {
            test_link_frame(&script, LINK_CLOSE, 1, 0, view_of(NULL, 0));
        }
        if (i == 0 || i == 3) {
            test_link_message(&script, 1, view_text("another"));
        } else if (i == 1) {
            test_link_head(&script, LINK_MORE, 1, 80, 0);
            test_script_add_byte(&script, 'x', 80);
        } else {
            test_link_frame(&script, LINK_CLOSE, 1, 0, view_of(NULL, 0));
        }
        link_world_assert_sent_away(at, &script, i);
    }
    link_world_assert_well(at);
}

/* Nobody reads it there. 4 x 64 KiB and a little, and as many empty ones as cost the same. */
static void more_than_the_window_ends_the_connection(void **state)
{
    struct link_world *at = *state;
    struct test_script script = {0};
    test_link_open(&script, 1, "/test.Test/Both");
    for (unsigned i = 0; i < 5; i++) {
        test_link_parts(&script, 1, 4);
    }
    link_world_assert_sent_away(at, &script, 0);

    script = (struct test_script){0};
    test_link_open(&script, 1, "/test.Test/Both");
    for (unsigned i = 0; i <= LINK_WINDOW / LINK_MESSAGE_COST; i++) {
        test_link_message(&script, 1, view_of(NULL, 0));
    }
    link_world_assert_sent_away(at, &script, 1);
    link_world_assert_well(at);
}

/* ---- floods ---- */

/* Writes it again and again, never reads; true: the server ended it before `bytes_max`. */
static bool is_ended_by(struct link_world *at, const struct test_script *script, size_t bytes_max)
{
    struct test_tls tls;
    size_t total = 0;
    link_world_connect(at, &tls);
    link_world_narrow(&tls);
    while (total < bytes_max && test_tls_write(&tls, test_script_view(script))) {
        total += script->size;
    }
    test_tls_close(&tls);
    return total < bytes_max;
}

static void who_asks_and_never_reads_the_answers_is_sent_away(void **state)
{
    struct link_world *at = *state;
    struct test_script pings = {0};
    for (unsigned i = 0; i < 1000; i++) {
        test_link_frame(&pings, LINK_PING, 0, i, view_of(NULL, 0));
    }
    assert_true(is_ended_by(at, &pings, (size_t)64 << 20));
    test_script_fini(&pings);
    link_world_assert_well(at);
}

static void opens_without_end_are_refused_and_then_sent_away(void **state)
{
    struct link_world *at = *state;
    struct test_script script = {0};
    for (uint32_t stream = 1; stream <= 100000; stream++) {
        test_link_open(&script, stream, "/test.Test/Both");
    }
    assert_true(is_ended_by(at, &script, 2 * script.size));
    test_script_fini(&script);
    link_world_assert_well(at);
}

static void rapid_resets_are_survived(void **state)
{
    struct link_world *at = *state;
    struct test_script script = {0};
    for (uint32_t stream = 1; stream <= 20000; stream++) {
        test_link_open(&script, stream, stream % 2 == 0 ? "/test.Test/Up" : "/test.Test/Down");
        test_link_frame(&script, LINK_RESET, stream, 0, view_of(NULL, 0));
    }
    link_world_play(at, &script);
    test_script_fini(&script);
    link_world_assert_well(at);
}

static void key_updates_without_end_are_survived(void **state)
{
    struct link_world *at = *state;
    struct test_tls tls;
    bool alive = true;
    link_world_connect(at, &tls);
    link_world_narrow(&tls);
    for (unsigned i = 0; alive && i < 5000; i++) {
        alive = SSL_key_update(tls.ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
            SSL_do_handshake(tls.ssl) == 1 && test_tls_write(&tls, view_of("\x09\0\0\0", 4)) &&
            test_tls_write(&tls, view_of("\0\0\0\0\0\0\0\0\0\0\0\0", 12));
    }
    link_world_assert_well(at);
    test_tls_close(&tls);
}

/* A stream that is never read, and a message that goes on and on: others go on as well. */
static void streams_without_end_do_not_hold_up_others(void **state)
{
    struct link_world *at = *state;
    struct test_script script = {0};
    struct test_tls tls;
    link_world_connect(at, &tls);
    link_world_narrow(&tls);
    for (uint32_t stream = 1; stream <= 16; stream++) {
        test_link_open(&script, stream, "/test.Test/Down");
    }
    test_link_open(&script, 17, "/test.Test/Up");
    assert_true(test_tls_write(&tls, test_script_view(&script)));
    script.size = 0;
    test_link_parts(&script, 17, 4); /* credit comes back unread, as far as the socket takes it */
    for (unsigned i = 0; i < 3; i++) {
        assert_true(test_tls_write(&tls, test_script_view(&script)));
        link_world_assert_well(at);
    }
    test_tls_close(&tls);
    test_script_fini(&script);
}

/* ---- chance ---- */

static void mutated_connections_are_survived(void **state)
{
    struct link_world *at = *state;
    const char *one = getenv("HEARTH_SEED");
    const char *many = getenv("HEARTH_MUTATIONS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : MUTATIONS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct test_script script = {0};
        add_honest_call(&script, 1);
        add_honest_call(&script, 2);
        test_link_frame(&script, LINK_PING, 0, 1, view_of(NULL, 0));
        test_link_open(&script, 3, "/test.Test/Down");
        test_link_frame(&script, LINK_RESET, 3, 0, view_of(NULL, 0));
        add_honest_call(&script, 4);
        test_http2_mutate(&script, seed);
        link_world_play(at, &script);
        test_script_fini(&script);
    }
    link_world_assert_well(at);
}

#define with_world(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, link_world_set_up, link_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(the_honest_script_is_answered),
        with_world(a_head_that_may_not_be_ends_the_connection),
        with_world(frames_where_none_may_be_end_the_connection),
        with_world(messages_out_of_order_end_the_connection),
        with_world(more_than_the_window_ends_the_connection),
        with_world(who_asks_and_never_reads_the_answers_is_sent_away),
        with_world(opens_without_end_are_refused_and_then_sent_away),
        with_world(rapid_resets_are_survived),
        with_world(key_updates_without_end_are_survived),
        with_world(streams_without_end_do_not_hold_up_others),
        with_world(mutated_connections_are_survived),
    };
    return cmocka_run_group_tests_name("link_hostile_client", tests, NULL, NULL);
}
