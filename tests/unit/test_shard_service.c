/*
 * shard_service: a request's messages are read some ahead of its user, come to him in order and
 * one at a time, and no more are read than there is room for; the end may overtake them.
 *
 * The test plays the transport under a whole node without network or time.
 */
#include "storaged/shard_service.h"

#include "proto/rpc_transport.h"
#include "tests/lib/test.h"
#include "tests/lib/test_node.h"

enum { AHEAD = 4, CELLS = 12 };

static const struct test_shard shard = {
    .cells = CELLS, .cell_size = 4096, .last_cell_size = 640, .seed = 5};

/* A stream as its transport sees it. */
struct wire {
    struct rpc_stream rpc; /* first */
    const struct rpc_stream_handlers *handlers;
    void *context;
    bool read_is_out;
    unsigned sent;
    bool is_finished;
    enum hearth_code code;
    unsigned releases;
};

struct fixture {
    struct test_node node;
    struct shard_service *service;
    struct wire wire;
    uint32_t next; /* message of the put that the peer has not sent yet */
};

/* ---- the transport ---- */

static void wire_read(struct rpc_stream *rpc)
{
    struct wire *wire = (struct wire *)rpc;
    assert_false(wire->read_is_out);
    wire->read_is_out = true;
}

static void wire_send(struct rpc_stream *rpc, const struct slice *slices TAKES, size_t count)
{
    ((struct wire *)rpc)->sent++;
    for (size_t i = 0; i < count; i++) {
        buf_unref(slices[i].owner);
    }
}

static void wire_finish(struct rpc_stream *rpc, enum hearth_code code, const char *text)
{
    struct wire *wire = (struct wire *)rpc;
    (void)text;
    wire->is_finished = true;
    wire->code = code;
}

static void wire_release(struct rpc_stream *rpc)
{
    ((struct wire *)rpc)->releases++;
}

static const struct rpc_method_row row = {
    .path = "/a/put", .kind = RPC_BOTH_STREAM, .request_max = 128 << 10, .response_max = 4096};

static const struct rpc_stream_ops wire_ops = {
    .read = wire_read, .send = wire_send, .finish = wire_finish, .release = wire_release};

static void close_wire(struct fixture *at)
{
    struct hearth_err err;
    hearth_fail(&err, HEARTH_CANCELLED, "closed");
    at->wire.handlers->closed(at->wire.context, HEARTH_CANCELLED, &err);
}

/* ---- a put, as its client sends it ---- */

static struct buf *put_message(struct fixture *at, uint32_t number)
{
    if (number == 0) {
        struct order order = test_node_order(&at->node, ORDER_PUT, 1, test_shard_size(&shard));
        return test_put_open(&order, 0);
    }
    return number <= CELLS ? test_put_cell(&shard, number - 1) : test_put_footer(&shard);
}

/* As many messages as are asked for, while the loop stands still. */
static unsigned send_what_is_asked_for(struct fixture *at)
{
    unsigned count = 0;
    while (at->wire.read_is_out && at->next < CELLS + 2) {
        at->wire.read_is_out = false;
        at->wire.handlers->message(at->wire.context, put_message(at, at->next++));
        count++;
    }
    return count;
}

/* ---- a node, and a request that it took ---- */

static struct fixture *begin(void)
{
    struct fixture *at = calloc(1, sizeof(*at));
    struct rpc_context call = {.method = RPC_SHARD_PUT};
    struct test_peer session; /* whose orders they are */
    test_node_init(&at->node);
    test_peer_init(&session);
    memcpy(call.peer.id, session.stream.peer_id, PKI_ID_SIZE);
    assert_ok(
        shard_service_create(&at->node.context, 1, &at->service, &at->node.err), &at->node.err);
    at->wire.rpc.ops = &wire_ops;
    at->wire.rpc.row = &row;
    assert_ok(shard_service_handlers[0].opened(at->service, &at->wire.rpc, &call,
                  &at->wire.handlers, &at->wire.context, &at->node.err),
        &at->node.err);
    test_node_run(&at->node);
    return at;
}

/* The stream was closed. */
static void end(struct fixture *at)
{
    test_node_run(&at->node);
    assert_int_equal(at->wire.releases, 1);
    shard_service_destroy(at->service);
    test_node_fini(&at->node);
    free(at);
}

static int set_up(void **state)
{
    *state = begin();
    return 0;
}

static int tear_down(void **state)
{
    end(*state);
    return 0;
}

/* ---- what is shown ---- */

static void a_put_read_ahead_is_stored_in_order(void **state)
{
    struct fixture *at = *state;
    while (!at->wire.is_finished) {
        assert_in_range(send_what_is_asked_for(at), 1, AHEAD);
        test_node_run(&at->node);
    }
    assert_int_equal(at->wire.code, HEARTH_OK); /* the digest of the tags is one of their order */
    assert_int_equal(at->wire.sent, 1);
    close_wire(at);
}

static void no_more_is_read_than_there_is_room_for(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(send_what_is_asked_for(at), AHEAD);
    assert_false(at->wire.read_is_out);
    test_node_run(&at->node);
    assert_true(at->wire.read_is_out);
    close_wire(at);
}

static void the_end_may_overtake_what_was_read_ahead(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(send_what_is_asked_for(at), AHEAD);
    close_wire(at);
    test_node_run(&at->node);
    assert_int_equal(at->wire.releases, 1);
}

/* At one of these moments the user has asked and is about to get what is there. */
static void the_end_may_come_at_any_moment(void **state)
{
    (void)state;
    for (unsigned moment = 0; moment < 60; moment++) {
        struct fixture *at = begin();
        for (unsigned step = 0; step < moment; step++) {
            send_what_is_asked_for(at);
            if (!loop_run_once(at->node.loop)) {
                sim_disk_step(at->node.sim);
            }
        }
        close_wire(at);
        end(at);
    }
}

static void after_half_close_nothing_is_read(void **state)
{
    struct fixture *at = *state;
    at->wire.read_is_out = false;
    at->wire.handlers->message(at->wire.context, NULL);
    test_node_run(&at->node);
    assert_false(at->wire.read_is_out);
    assert_true(at->wire.is_finished);
    assert_int_equal(at->wire.code, HEARTH_INVALID);
    close_wire(at);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(a_put_read_ahead_is_stored_in_order),
        with_fixture(no_more_is_read_than_there_is_room_for),
        with_fixture(the_end_may_overtake_what_was_read_ahead),
        cmocka_unit_test(the_end_may_come_at_any_moment),
        with_fixture(after_half_close_nothing_is_read),
    };
    return cmocka_run_group_tests_name("shard_service", tests, NULL, NULL);
}
