/*
 * shard_get: the cells asked for, whole and in order, as fast as the reader takes them and no
 * faster; anything else is a refusal with its reason.
 */
#include "storaged/shard_get.h"

#include "storaged/shard_pace.h"
#include "tests/lib/test.h"
#include "tests/lib/test_node.h"

#include <stdlib.h>

static const struct test_shard shard = {
    .cells = 11, .cell_size = 4096, .last_cell_size = 640, .seed = 9};

struct fixture {
    struct test_node node;
    struct test_peer peer;
};

static int setup(void **state)
{
    static struct fixture fixture;
    test_node_init(&fixture.node);
    struct order order = test_node_order(&fixture.node, ORDER_PUT, 1, test_shard_size(&shard));
    test_peer_put(&fixture.peer, &fixture.node, &order, &shard);
    assert_int_equal(fixture.peer.code, HEARTH_OK);
    test_peer_fini(&fixture.peer, &fixture.node);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    test_node_fini(&fixture->node);
    return 0;
}

static struct buf *request(const struct order *order, uint32_t first, uint32_t stripes)
{
    uint8_t bytes[ORDER_SIZE];
    struct hearth_err err;
    struct buf *out;
    test_node_sign(order, bytes);
    const struct wire_shard_get_request message = {
        .order = view_of(bytes, sizeof(bytes)), .first_stripe = first, .stripes = stripes};
    assert_ok(wire_encode(&wire_shard_get_request_message, &message, &out, &err), &err);
    return out;
}

static void begin(struct fixture *fixture)
{
    test_peer_init(&fixture->peer);
    assert_ok(shard_get_start(&fixture->node.context, &fixture->peer.stream, &fixture->node.err),
        &fixture->node.err);
}

static void ask(
    struct fixture *fixture, const struct order *order, uint32_t first, uint32_t stripes)
{
    begin(fixture);
    test_peer_give(&fixture->peer, &fixture->node, request(order, first, stripes));
}

static void take_all(struct fixture *fixture)
{
    while (!fixture->peer.is_finished) {
        test_peer_take(&fixture->peer, &fixture->node);
    }
}

static void assert_is_cell(const struct buf *message, uint32_t stripe)
{
    struct arena arena;
    struct hearth_err err;
    struct wire_shard_get_message got;
    uint8_t expected[4096 + VOLUME_TAG_SIZE];
    arena_init(&arena, 0);
    assert_ok(wire_decode_shard_get(buf_view(message), &arena, &got, &err), &err);
    test_shard_cell(&shard, stripe, expected);
    assert_int_equal(got.cell.size, test_shard_cell_size(&shard, stripe));
    assert_memory_equal(got.cell.bytes, expected, got.cell.size);
    arena_fini(&arena);
}

static void expect_refusal(struct fixture *fixture, enum hearth_code code)
{
    take_all(fixture);
    assert_int_equal(fixture->peer.code, code);
    test_peer_fini(&fixture->peer, &fixture->node);
}

static void every_range_comes_back_whole_and_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    for (uint32_t first = 0; first < shard.cells; first++) {
        for (uint32_t stripes = 1; first + stripes <= shard.cells; stripes++) {
            ask(fixture, &order, first, stripes);
            take_all(fixture);
            assert_int_equal(fixture->peer.code, HEARTH_OK);
            assert_int_equal(fixture->peer.received, stripes);
            for (uint32_t i = 0; i < stripes; i++) {
                assert_is_cell(fixture->peer.messages[i], first + i);
            }
            test_peer_fini(&fixture->peer, &fixture->node);
        }
    }
}

static void a_reader_that_stops_stops_the_disk(void **state)
{
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    ask(fixture, &order, 0, shard.cells);
    uint64_t reads = sim_disk_requests(fixture->node.sim, DISK_READ);
    assert_int_equal(fixture->peer.received, 1);
    test_env_step_ms(&fixture->node.env, SHARD_PATIENCE_MS / 2);
    test_node_run(&fixture->node);
    assert_int_equal(fixture->peer.received, 1);
    assert_int_equal(sim_disk_requests(fixture->node.sim, DISK_READ), reads);

    test_env_step_ms(&fixture->node.env, SHARD_PATIENCE_MS / 2);
    test_node_run(&fixture->node);
    assert_true(fixture->peer.is_finished);
    assert_int_equal(fixture->peer.code, HEARTH_DEADLINE);
    test_peer_fini(&fixture->peer, &fixture->node);
}

static void ranges_outside_the_shard_are_refused(void **state)
{
    static const uint32_t ranges[][2] = {{0, 12}, {11, 1}, {10, 2}, {0, 0}, {UINT32_MAX, 1},
        {1, UINT32_MAX}, {UINT32_MAX, UINT32_MAX}, {0, VOLUME_CELLS_MAX}};
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        ask(fixture, &order, ranges[i][0], ranges[i][1]);
        assert_int_equal(fixture->peer.received, 0);
        expect_refusal(fixture, HEARTH_INVALID);
    }
}

static void a_shard_that_is_not_here_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 2, 0);
    ask(fixture, &order, 0, 1);
    expect_refusal(fixture, HEARTH_NOT_FOUND);
}

static void note_done(struct volume_wait *wait)
{
    (void)wait;
}

static void a_shard_in_the_trash_is_still_read(void **state)
{
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    struct shard_id id = test_shard_id(1);
    struct volume_trash trash = {.wait.done = note_done};
    volume_trash(fixture->node.volume, &id, &trash);
    test_node_run(&fixture->node);
    assert_int_equal(trash.outcome, VOLUME_TRASH_DONE);

    ask(fixture, &order, 2, 1);
    take_all(fixture);
    assert_int_equal(fixture->peer.code, HEARTH_OK);
    assert_is_cell(fixture->peer.messages[0], 2);
    test_peer_fini(&fixture->peer, &fixture->node);
}

static void an_order_that_is_not_good_reads_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const enum hearth_code codes[] = {
        HEARTH_DENIED, HEARTH_DENIED, HEARTH_DENIED, HEARTH_EXPIRED};
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
        order.node_id[0] ^= i == 0;
        order.session[0] ^= i == 1;
        order.action = i == 2 ? ORDER_PUT : ORDER_GET;
        order.size_max = i == 2;
        order.expires_unix_ms -= i == 3 ? TEST_ORDER_MS : 0;
        ask(fixture, &order, 0, 1);
        assert_int_equal(fixture->peer.received, 0);
        expect_refusal(fixture, codes[i]);
    }
    fixture->node.orders.is_ready = false;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    ask(fixture, &order, 0, 1);
    expect_refusal(fixture, HEARTH_NOT_READY);
}

static void an_order_that_expires_while_reading_ends_it(void **state)
{
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    order.expires_unix_ms = order.created_unix_ms + 1000;
    ask(fixture, &order, 0, shard.cells);
    test_peer_take(&fixture->peer, &fixture->node);
    assert_false(fixture->peer.is_finished);
    test_env_step_ms(&fixture->node.env, 1000);
    test_peer_take(&fixture->peer, &fixture->node);
    expect_refusal(fixture, HEARTH_EXPIRED);
}

static void rot_is_told_and_not_sent(void **state)
{
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    uint8_t cell[4096 + VOLUME_TAG_SIZE];
    test_shard_cell(&shard, 5, cell);
    struct view log = sim_disk_file(fixture->node.sim, "log-00000001");
    const uint8_t *found = memmem(log.bytes, log.size, cell, 512);
    assert_non_null(found);
    sim_disk_flip(fixture->node.sim, "log-00000001", (uint64_t)(found - log.bytes) + 100, 1);

    ask(fixture, &order, 5, 1);
    assert_int_equal(fixture->peer.received, 0);
    expect_refusal(fixture, HEARTH_CHECKSUM);
    ask(fixture, &order, 0, 1);
    expect_refusal(fixture, HEARTH_OK);
}

static void garbage_is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[64];
    memset(bytes, 0xC3, sizeof(bytes));
    begin(fixture);
    test_peer_give(&fixture->peer, &fixture->node, buf_copy(view_of(bytes, sizeof(bytes))));
    expect_refusal(fixture, HEARTH_INVALID);
    begin(fixture);
    test_peer_give(&fixture->peer, &fixture->node, NULL);
    expect_refusal(fixture, HEARTH_INVALID);
}

static void a_reader_may_leave_at_any_moment(void **state)
{
    struct fixture *fixture = *state;
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    for (uint32_t taken = 0; taken < shard.cells; taken++) {
        ask(fixture, &order, 0, shard.cells);
        for (uint32_t i = 0; i < taken; i++) {
            test_peer_take(&fixture->peer, &fixture->node);
        }
        test_peer_fini(&fixture->peer, &fixture->node);
        assert_false(fixture->peer.is_finished);
    }
    begin(fixture); /* before the volume has answered */
    fixture->peer.read_is_out = false;
    fixture->peer.stream.user->message(&fixture->peer.stream, request(&order, 0, 4));
    test_peer_fini(&fixture->peer, &fixture->node);
}

/* ---- the owner's limit ---- */

static void a_limited_node_sends_the_next_cell_only_when_its_owner_allows(void **state)
{
    enum { LIMIT = 50 }; /* bytes a second: a cell takes longer than a client's patience would */
    struct fixture *fixture = *state;
    struct test_node *node = &fixture->node;
    struct order order = test_node_order(node, ORDER_GET, 1, 0);
    rate_gate_set_rate(&node->upload, LIMIT);
    ask(fixture, &order, 0, 3);
    assert_int_equal(fixture->peer.received, 1); /* a pause is worth one message */
    test_peer_take(&fixture->peer, node);
    assert_int_equal(fixture->peer.received, 1);
    test_env_step_ms(&node->env, SHARD_PATIENCE_MS + 10000);
    test_node_run(node);
    assert_int_equal(fixture->peer.received, 1);
    assert_false(fixture->peer.is_finished);
    test_env_step_ms(&node->env, 4200 * 1000 / LIMIT - SHARD_PATIENCE_MS - 10000);
    test_node_run(node);
    assert_int_equal(fixture->peer.received, 2);

    rate_gate_set_rate(&node->upload, 0);
    take_all(fixture);
    assert_int_equal(fixture->peer.code, HEARTH_OK);
    assert_int_equal(fixture->peer.received, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_is_cell(fixture->peer.messages[i], i);
    }
    test_peer_fini(&fixture->peer, node);
}

static void a_reader_that_leaves_while_it_waits_gives_its_turn_back(void **state)
{
    struct fixture *fixture = *state;
    struct test_node *node = &fixture->node;
    struct order order = test_node_order(node, ORDER_GET, 1, 0);
    rate_gate_set_rate(&node->upload, 50);
    ask(fixture, &order, 0, 3);
    test_peer_take(&fixture->peer, node);
    assert_non_null(node->upload.oldest);
    test_peer_fini(&fixture->peer, node);
    assert_null(node->upload.oldest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(every_range_comes_back_whole_and_in_order),
        CASE(a_reader_that_stops_stops_the_disk),
        CASE(a_limited_node_sends_the_next_cell_only_when_its_owner_allows),
        CASE(a_reader_that_leaves_while_it_waits_gives_its_turn_back),
        CASE(ranges_outside_the_shard_are_refused),
        CASE(a_shard_that_is_not_here_is_not_found),
        CASE(a_shard_in_the_trash_is_still_read),
        CASE(an_order_that_is_not_good_reads_nothing),
        CASE(an_order_that_expires_while_reading_ends_it),
        CASE(rot_is_told_and_not_sent),
        CASE(garbage_is_refused),
        CASE(a_reader_may_leave_at_any_moment),
#undef CASE
    };
    return cmocka_run_group_tests_name("shard_get", tests, NULL, NULL);
}
