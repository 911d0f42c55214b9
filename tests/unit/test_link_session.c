/*
 * link_session: two ends, back to back in memory.  Messages arrive whole in whatever pieces the
 * bytes come; streams take turns; who is not read from stops; who breaks off is told once.
 */
#include "proto/link_session.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

enum { MESSAGE_MAX = 400 * 1024, STREAMS = 4, CELL = 65572 };

struct end {
    struct link_home home;
    struct link_session session;
};

/* One stream's user, at either end. */
struct user {
    struct rpc_stream *stream;
    bool reads_on;
    unsigned to_send; /* more, each when the one before was sent */
    struct buf *last;
    unsigned messages;
    unsigned sent;
    unsigned half_closed;
    unsigned closed;
    enum hearth_code code;
};

struct fixture {
    struct test_env env;
    struct link_base base;
    struct end client;
    struct end server;
    struct user near[STREAMS];
    struct user far[STREAMS];
    unsigned accepted;
    size_t records; /* of the client, passed on */
};

static const struct rpc_method_row row = {.path = "/test.Test/Both",
    .kind = RPC_BOTH_STREAM,
    .mutates = true,
    .request_max = MESSAGE_MAX,
    .response_max = MESSAGE_MAX};

static void on_message(void *context, struct buf *message TAKES)
{
    struct user *user = context;
    if (message == NULL) {
        user->half_closed++;
        return;
    }
    buf_unref(user->last);
    user->last = message;
    user->messages++;
    if (user->reads_on) {
        rpc_stream_read(user->stream);
    }
}

static void send_bytes(struct user *user, size_t size)
{
    struct buf *buf = buf_create(size);
    for (size_t i = 0; i < size; i++) {
        buf->bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    buf->size = size;
    struct slice whole = {buf, buf_view(buf)};
    rpc_stream_send(user->stream, &whole, 1);
}

static void on_sent(void *context)
{
    struct user *user = context;
    user->sent++;
    if (user->to_send > 0) {
        user->to_send--;
        send_bytes(user, CELL);
    }
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct user *user = context;
    (void)err;
    user->closed++;
    user->code = code;
}

static const struct rpc_stream_handlers handlers = {on_message, on_sent, on_closed};

/* ---- both ends ---- */

static void begin(struct link_home *home, struct link_stream *stream)
{
    struct fixture *at = LINK_OF(home, struct fixture, client.home);
    uint32_t id;
    assert_true(link_session_next_id(&at->client.session, &id));
    link_stream_attach(stream, &at->client.session, id);
}

static void over(struct link_home *home)
{
    (void)home;
}

static const struct link_home_ops home_ops = {.begin = begin, .over = over};

static void open_accepted(void *owner, const struct link_head *head, struct view payload)
{
    struct fixture *at = owner;
    const struct rpc_context context = {.deadline_ns = UINT64_MAX};
    struct user *user = &at->far[at->accepted++];
    assert_true(
        view_equal(view_of(payload.bytes + RPC_REQUEST_ID_SIZE, payload.size - RPC_REQUEST_ID_SIZE),
            view_text(row.path)));
    struct link_stream *stream = link_stream_create_accepted(
        &at->server.home, &at->server.session, head->stream, &row, &context);
    link_stream_accept(stream, &handlers, user);
    user->stream = &stream->base;
}

static void changed(void *owner)
{
    (void)owner;
}

static const struct link_session_ops session_ops = {.open = open_accepted, .changed = changed};

static void init_end(struct fixture *at, struct end *end, enum link_side side)
{
    end->home = (struct link_home){&home_ops, &at->base, "the other end"};
    link_session_init(&end->session, &at->base, side, RPC_STREAMS_MAX, &session_ops, at);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, 1);
    at->base.env = &at->env.env;
    link_mailbox_init(&at->base.mailbox, -1);
    init_end(at, &at->client, LINK_CLIENT);
    init_end(at, &at->server, LINK_SERVER);
    link_session_greet(&at->server.session);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    link_mailbox_run(&at->base.mailbox);
    link_session_fini(&at->client.session, "torn down");
    link_session_fini(&at->server.session, "torn down");
    link_mailbox_run(&at->base.mailbox);
    for (unsigned i = 0; i < STREAMS; i++) {
        buf_unref(at->near[i].last);
        buf_unref(at->far[i].last);
        rpc_stream_release(at->near[i].stream);
        rpc_stream_release(at->far[i].stream);
    }
    link_timers_fini(&at->base.timers);
    link_mailbox_fini(&at->base.mailbox);
    free(at);
    return 0;
}

/* One record of one end to the other, in pieces. false: there is none. */
static bool pass_record(struct end *from, struct end *to, size_t piece_max)
{
    uint8_t record[LINK_RECORD_MAX];
    const size_t size = link_session_fill(&from->session, record);
    for (size_t done = 0; done < size;) {
        size_t room;
        uint8_t *at = link_session_room(&to->session, &room);
        room = room < piece_max ? room : piece_max;
        room = room < size - done ? room : size - done;
        memcpy(at, record + done, room);
        done += room;
        assert_true(link_session_advance(&to->session, room));
    }
    return size > 0;
}

/* Until nobody has anything to say. */
static void settle(struct fixture *at, size_t piece_max)
{
    bool moves = true;
    while (moves) {
        link_mailbox_run(&at->base.mailbox);
        moves = pass_record(&at->client, &at->server, piece_max);
        at->records += moves ? 1 : 0;
        moves = pass_record(&at->server, &at->client, piece_max) || moves;
        link_mailbox_run(&at->base.mailbox);
        moves = moves || link_session_has_output(&at->client.session) ||
            link_session_has_output(&at->server.session);
    }
}

static void open_stream(struct fixture *at, struct user *user)
{
    const struct rpc_request request = {.deadline_ms = 1000};
    const struct rpc_opening opening = {
        .row = &row, .request = &request, .handlers = &handlers, .context = user};
    link_stream_create(&at->client.home, &opening, &user->stream);
}

static void assert_got(const struct user *user, size_t size)
{
    assert_non_null(user->last);
    assert_int_equal(user->last->size, size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(user->last->bytes[i], (uint8_t)(i * 7 + i / 256));
    }
}

/* ---- what is shown ---- */

static void messages_arrive_whole_in_whatever_pieces(void **state)
{
    struct fixture *at = *state;
    static const size_t sizes[] = {
        0, 1, 15, 16, LINK_PART_MAX - 1, LINK_PART_MAX, LINK_PART_MAX + 1, 65556, MESSAGE_MAX};
    static const size_t pieces[] = {1, 7, 16, 1000, LINK_RECORD_MAX};
    settle(at, 1);
    open_stream(at, &at->near[0]);
    settle(at, 1);
    at->far[0].reads_on = true;
    rpc_stream_read(at->far[0].stream);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
            send_bytes(&at->near[0], sizes[i]);
            settle(at, pieces[j]);
            assert_got(&at->far[0], sizes[i]);
        }
    }
    assert_int_equal(at->far[0].messages, at->near[0].sent);
}

/* One message that is larger than what is left of the window waits in its middle. */
static void who_is_not_read_stops_and_goes_on_when_read(void **state)
{
    struct fixture *at = *state;
    settle(at, LINK_RECORD_MAX);
    open_stream(at, &at->near[0]);
    send_bytes(&at->near[0], MESSAGE_MAX);
    settle(at, LINK_RECORD_MAX);
    send_bytes(&at->near[0], MESSAGE_MAX);
    settle(at, LINK_RECORD_MAX);
    assert_int_equal(at->near[0].sent, 1);
    assert_int_equal(at->far[0].messages, 0);

    rpc_stream_read(at->far[0].stream);
    settle(at, LINK_RECORD_MAX);
    assert_int_equal(at->far[0].messages, 1);
    assert_int_equal(at->near[0].sent, 2);
    rpc_stream_read(at->far[0].stream);
    settle(at, LINK_RECORD_MAX);
    assert_got(&at->far[0], MESSAGE_MAX);
}

/* Four cells, each a few bytes over four records: five records each, if each began a new one. */
static void a_record_is_filled_from_two_messages(void **state)
{
    struct fixture *at = *state;
    settle(at, LINK_RECORD_MAX);
    open_stream(at, &at->near[0]);
    settle(at, LINK_RECORD_MAX);
    at->far[0].reads_on = true;
    rpc_stream_read(at->far[0].stream);
    settle(at, LINK_RECORD_MAX);
    at->near[0].to_send = 3;
    at->records = 0;
    send_bytes(&at->near[0], CELL);
    settle(at, LINK_RECORD_MAX);
    assert_int_equal(at->near[0].sent, 4);
    assert_int_equal(at->far[0].messages, 4);
    assert_got(&at->far[0], CELL);
    assert_int_equal(at->records, 4 * CELL / LINK_PART_MAX + 1);
}

/* A long message on one stream, then a short one on another: two records later it is there. */
static void a_short_message_does_not_wait_behind_a_long_one(void **state)
{
    struct fixture *at = *state;
    settle(at, LINK_RECORD_MAX);
    for (unsigned i = 0; i < 2; i++) {
        open_stream(at, &at->near[i]);
    }
    settle(at, LINK_RECORD_MAX);
    rpc_stream_read(at->far[1].stream);
    send_bytes(&at->near[0], MESSAGE_MAX);
    send_bytes(&at->near[1], 10);
    link_mailbox_run(&at->base.mailbox);
    for (unsigned i = 0; i < 2; i++) {
        pass_record(&at->client, &at->server, LINK_RECORD_MAX);
    }
    link_mailbox_run(&at->base.mailbox);
    assert_int_equal(at->far[1].messages, 1);
    assert_int_equal(at->near[0].sent, 0);
}

static void the_end_comes_after_what_was_sent_before_it(void **state)
{
    struct fixture *at = *state;
    settle(at, 100);
    open_stream(at, &at->near[0]);
    settle(at, 100);
    send_bytes(&at->far[0], 5000);
    rpc_stream_finish(at->far[0].stream, HEARTH_NO_SPACE, "full");
    settle(at, 100);
    assert_int_equal(at->far[0].closed, 1);
    assert_int_equal(at->far[0].code, HEARTH_OK);
    assert_int_equal(at->near[0].closed, 0); /* until it is read */
    rpc_stream_read(at->near[0].stream);
    settle(at, 100);
    assert_got(&at->near[0], 5000);
    assert_int_equal(at->near[0].closed, 1);
    assert_int_equal(at->near[0].code, HEARTH_NO_SPACE);
}

static void who_breaks_off_in_a_message_is_heard_once(void **state)
{
    struct fixture *at = *state;
    settle(at, 1000);
    for (unsigned i = 0; i < 2; i++) {
        open_stream(at, &at->near[i]);
    }
    settle(at, 1000);
    send_bytes(&at->near[0], MESSAGE_MAX);
    link_mailbox_run(&at->base.mailbox);
    pass_record(&at->client, &at->server, 1000);
    rpc_stream_cancel(at->near[0].stream);
    settle(at, 1000);
    assert_int_equal(at->near[0].closed, 1);
    assert_int_equal(at->near[0].code, HEARTH_CANCELLED);
    assert_int_equal(at->far[0].closed, 1);
    assert_int_equal(at->far[0].code, HEARTH_CANCELLED);
    assert_int_equal(at->near[1].closed + at->far[1].closed, 0);

    rpc_stream_read(at->far[1].stream); /* the other one is as it was */
    send_bytes(&at->near[1], 100);
    settle(at, 1000);
    assert_got(&at->far[1], 100);
}

static void after_goaway_no_stream_is_opened(void **state)
{
    struct fixture *at = *state;
    uint32_t id;
    settle(at, 100);
    assert_true(link_session_next_id(&at->client.session, &id));
    link_session_go_away(&at->server.session);
    settle(at, 100);
    assert_false(link_session_next_id(&at->client.session, &id));
}

/* A head the other end never made, at the server. false: the session has failed. */
static bool feed_head(struct fixture *at, const struct link_head *head)
{
    uint8_t bytes[LINK_HEAD_SIZE];
    size_t room;
    link_head_encode(head, bytes);
    uint8_t *to = link_session_room(&at->server.session, &room);
    assert_int_equal(room, LINK_HEAD_SIZE);
    memcpy(to, bytes, LINK_HEAD_SIZE);
    return link_session_advance(&at->server.session, LINK_HEAD_SIZE);
}

/* Nothing is filled meanwhile: as with a peer that never reads. */
static void answers_that_nobody_takes_end_the_session_at_their_limit(void **state)
{
    struct fixture *at = *state;
    struct link_session *session = &at->server.session;
    const struct link_head ping = {.type = LINK_PING, .value = 7};
    settle(at, 1000);
    assert_int_equal(session->control_size, 0);
    for (unsigned i = 0; i < LINK_CONTROL_MAX / LINK_HEAD_SIZE; i++) {
        assert_true(feed_head(at, &ping));
    }
    assert_false(feed_head(at, &ping));
    assert_true(session->control_size <= LINK_CONTROL_MAX);
    assert_string_equal(session->err.message, "it does not read what it asks for");
}

/* A sender of ours keeps to the window; this one does not.  Empty messages have a price, too. */
static void more_than_the_window_ends_the_session(void **state)
{
    struct fixture *at = *state;
    const struct link_head empty = {.type = LINK_MESSAGE, .stream = 1};
    settle(at, 1000);
    open_stream(at, &at->near[0]);
    settle(at, 1000);
    for (unsigned i = 0; i < LINK_WINDOW / LINK_MESSAGE_COST; i++) {
        assert_true(feed_head(at, &empty));
    }
    assert_false(feed_head(at, &empty));
    assert_string_equal(at->server.session.err.message, "more than the window of a stream");
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(messages_arrive_whole_in_whatever_pieces),
        with_fixture(who_is_not_read_stops_and_goes_on_when_read),
        with_fixture(a_record_is_filled_from_two_messages),
        with_fixture(a_short_message_does_not_wait_behind_a_long_one),
        with_fixture(the_end_comes_after_what_was_sent_before_it),
        with_fixture(who_breaks_off_in_a_message_is_heard_once),
        with_fixture(after_goaway_no_stream_is_opened),
        with_fixture(answers_that_nobody_takes_end_the_session_at_their_limit),
        with_fixture(more_than_the_window_ends_the_session),
    };
    return cmocka_run_group_tests_name("link_session", tests, NULL, NULL);
}
