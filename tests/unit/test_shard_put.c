/*
 * shard_put: a shard is acknowledged when it is durable and not before; whatever is wrong before
 * the footer leaves nothing behind.
 *
 * The test plays the client, message by message, against a volume on a simulated disk.
 */
#include "storaged/shard_put.h"

#include "common/failpoint.h"
#include "common/log.h"
#include "storaged/shard_pace.h"
#include "tests/lib/test.h"
#include "tests/lib/test_node.h"

#include <errno.h>

static const struct test_shard shard = {
    .cells = 3, .cell_size = 4096, .last_cell_size = 640, .seed = 9};

struct fixture {
    struct test_node node;
    struct test_peer peer;
};

static int setup(void **state)
{
    static struct fixture fixture;
    test_node_init(&fixture.node);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    test_node_fini(&fixture->node);
    return 0;
}

static struct order put_order(struct fixture *fixture)
{
    return test_node_order(&fixture->node, ORDER_PUT, 1, test_shard_size(&shard));
}

/* ---- helpers that say what is stored ---- */

static uint64_t stored(struct fixture *fixture)
{
    struct volume_stats stats;
    volume_stats(fixture->node.volume, &stats);
    return stats.shards;
}

/* Nothing is stored and no room is set aside: the same put fits and succeeds. */
static void assert_nothing_is_left(struct fixture *fixture)
{
    struct test_peer peer;
    struct order order = put_order(fixture);
    assert_int_equal(stored(fixture), 0);
    test_peer_put(&peer, &fixture->node, &order, &shard);
    assert_int_equal(peer.code, HEARTH_OK);
    test_peer_fini(&peer, &fixture->node);
    assert_int_equal(stored(fixture), 1);
}

static struct receipt receipt_of(const struct test_peer *peer)
{
    struct arena arena;
    struct hearth_err err;
    struct wire_shard_put_reply reply;
    struct receipt receipt;
    struct order_keys keys;
    assert_int_equal(peer->received, 1);
    arena_init(&arena, 0);
    assert_ok(wire_decode(
                  &wire_shard_put_reply_message, buf_view(peer->messages[0]), &arena, &reply, &err),
        &err);
    test_node_keys(&keys);
    assert_ok(receipt_verify(reply.receipt, keys.receipt_key, &receipt, &err), &err);
    arena_fini(&arena);
    return receipt;
}

/* Opens a put, which must be accepted. */
static void open_put(struct fixture *fixture, const struct order *order)
{
    struct test_peer *peer = &fixture->peer;
    test_peer_init(peer);
    assert_ok(shard_put_start(&fixture->node.context, &peer->stream, &fixture->node.err),
        &fixture->node.err);
    test_peer_give(peer, &fixture->node, test_put_open(order, 0));
    assert_false(peer->is_finished);
}

static void expect_refusal(struct fixture *fixture, enum hearth_code code)
{
    assert_true(fixture->peer.is_finished);
    assert_int_equal(fixture->peer.code, code);
    assert_int_equal(fixture->peer.received, 0);
    test_peer_fini(&fixture->peer, &fixture->node);
}

/* ---- what is right ---- */

static void a_whole_shard_gets_a_receipt_for_what_came(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    uint8_t digest[ORDER_DIGEST_SIZE];
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    assert_int_equal(fixture->peer.code, HEARTH_OK);

    struct receipt receipt = receipt_of(&fixture->peer);
    test_shard_digest(&shard, digest);
    assert_memory_equal(receipt.shard_id, order.shard_id, ORDER_SHARD_ID_SIZE);
    assert_memory_equal(receipt.serial, order.serial, ORDER_SERIAL_SIZE);
    assert_memory_equal(receipt.tag_digest, digest, ORDER_DIGEST_SIZE);
    assert_int_equal(receipt.cells, 3);
    assert_int_equal(receipt.size, test_shard_size(&shard));
    assert_int_equal(receipt.slot, order.slot);
    assert_int_equal(receipt.p, order.p);
    test_peer_fini(&fixture->peer, &fixture->node);
}

static void what_was_acknowledged_survives_losing_power(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    assert_int_equal(fixture->peer.code, HEARTH_OK);
    test_peer_fini(&fixture->peer, &fixture->node);
    test_node_crash(&fixture->node, SIM_DROP_ALL);
    assert_int_equal(stored(fixture), 1);
}

static void a_failed_sync_is_not_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    sim_disk_add_fault(fixture->node.sim,
        &(struct sim_fault){.kind = SIM_FAIL,
            .request = DISK_SYNC,
            .nth = sim_disk_requests(fixture->node.sim, DISK_SYNC),
            .count = UINT64_MAX / 2,
            .error = EIO});
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    expect_refusal(fixture, HEARTH_IO);
    sim_disk_heal(fixture->node.sim);
}

static void the_same_shard_again_gets_the_same_receipt(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    struct receipt first = receipt_of(&fixture->peer);
    test_peer_fini(&fixture->peer, &fixture->node);

    test_env_step_ms(&fixture->node.env, 5000);
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    struct receipt second = receipt_of(&fixture->peer);
    assert_memory_equal(&first, &second, sizeof(first));
    test_peer_fini(&fixture->peer, &fixture->node);
    assert_int_equal(stored(fixture), 1);
}

static void other_content_under_the_same_name_is_a_conflict(void **state)
{
    struct fixture *fixture = *state;
    struct test_shard other = shard;
    struct order order = put_order(fixture);
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    test_peer_fini(&fixture->peer, &fixture->node);

    other.seed++;
    test_peer_put(&fixture->peer, &fixture->node, &order, &other);
    expect_refusal(fixture, HEARTH_CONFLICT);
}

static void note_done(struct volume_wait *wait)
{
    (void)wait;
}

static void a_deleted_shard_is_not_taken_back(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    struct shard_id id = test_shard_id(1);
    struct volume_trash trash = {.wait.done = note_done};
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    test_peer_fini(&fixture->peer, &fixture->node);
    volume_trash(fixture->node.volume, &id, &trash);
    test_node_run(&fixture->node);
    assert_ok(trash.wait.err.code, &trash.wait.err);

    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    expect_refusal(fixture, HEARTH_TRASHED);
}

/* ---- what is wrong ---- */

static void an_order_that_is_not_good_opens_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const enum hearth_code codes[] = {
        HEARTH_DENIED, HEARTH_DENIED, HEARTH_DENIED, HEARTH_EXPIRED, HEARTH_EXPIRED};
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct order order = put_order(fixture);
        order.node_id[0] ^= i == 0;
        order.session[0] ^= i == 1;
        order.action = i == 2 ? ORDER_GET : ORDER_PUT;
        order.expires_unix_ms -= i == 3 ? TEST_ORDER_MS : 0;
        order.created_unix_ms += i == 4 ? TEST_ORDER_MS : 0;
        test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
        expect_refusal(fixture, codes[i]);
    }
    assert_nothing_is_left(fixture);
}

static void before_the_first_heartbeat_the_node_is_not_ready(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    fixture->node.orders.is_ready = false;
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    expect_refusal(fixture, HEARTH_NOT_READY);
}

static void an_order_that_expires_on_the_way_is_refused_at_the_footer(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    order.expires_unix_ms = order.created_unix_ms + 20000;
    open_put(fixture, &order);
    for (uint32_t stripe = 0; stripe < shard.cells; stripe++) {
        test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, stripe));
    }
    test_env_step_ms(&fixture->node.env, 20000);
    test_peer_give(&fixture->peer, &fixture->node, test_put_footer(&shard));
    expect_refusal(fixture, HEARTH_EXPIRED);
    assert_nothing_is_left(fixture);
}

static void more_than_the_order_allows_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    order.size_max = test_shard_size(&shard) - 1;
    open_put(fixture, &order);
    for (uint32_t stripe = 0; stripe < shard.cells; stripe++) {
        test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, stripe));
    }
    expect_refusal(fixture, HEARTH_INVALID);

    /* announced beforehand it is refused before the first cell */
    test_peer_init(&fixture->peer);
    assert_ok(shard_put_start(&fixture->node.context, &fixture->peer.stream, &fixture->node.err),
        &fixture->node.err);
    test_peer_give(&fixture->peer, &fixture->node, test_put_open(&order, test_shard_size(&shard)));
    expect_refusal(fixture, HEARTH_INVALID);
    assert_nothing_is_left(fixture);
}

/* Stores the cells of `shard` and closes with the footer of another. */
static void expect_footer_refused(struct fixture *fixture, const struct test_shard *claimed)
{
    struct order order = put_order(fixture);
    open_put(fixture, &order);
    for (uint32_t stripe = 0; stripe < shard.cells; stripe++) {
        test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, stripe));
    }
    test_peer_give(&fixture->peer, &fixture->node, test_put_footer(claimed));
    expect_refusal(fixture, HEARTH_INVALID);
}

static void a_footer_that_lies_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct test_shard claimed = shard;
    claimed.cells = 2;
    expect_footer_refused(fixture, &claimed); /* fewer cells */
    claimed = shard;
    claimed.last_cell_size += 64;
    expect_footer_refused(fixture, &claimed); /* more bytes, and other tags */
    claimed = shard;
    claimed.seed++;
    expect_footer_refused(fixture, &claimed); /* other tags */
    assert_nothing_is_left(fixture);
}

static struct buf *garbage(uint8_t first)
{
    uint8_t bytes[100];
    memset(bytes, 0x5A, sizeof(bytes));
    bytes[0] = first;
    return buf_copy(view_of(bytes, sizeof(bytes)));
}

static void garbage_is_refused_in_any_place(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    for (unsigned first = 0; first < 256; first += 5) {
        test_peer_init(&fixture->peer);
        assert_ok(
            shard_put_start(&fixture->node.context, &fixture->peer.stream, &fixture->node.err),
            &fixture->node.err);
        test_peer_give(&fixture->peer, &fixture->node, garbage((uint8_t)first));
        expect_refusal(fixture, HEARTH_INVALID);

        open_put(fixture, &order);
        test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, 0));
        test_peer_give(&fixture->peer, &fixture->node, garbage((uint8_t)first));
        expect_refusal(fixture, HEARTH_INVALID);
    }
    assert_nothing_is_left(fixture);
}

static void messages_out_of_turn_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    struct test_shard empty = shard;
    empty.cells = 0;

    test_peer_init(&fixture->peer); /* a cell before the order */
    assert_ok(shard_put_start(&fixture->node.context, &fixture->peer.stream, &fixture->node.err),
        &fixture->node.err);
    test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, 0));
    expect_refusal(fixture, HEARTH_INVALID);

    open_put(fixture, &order); /* the order twice */
    test_peer_give(&fixture->peer, &fixture->node, test_put_open(&order, 0));
    expect_refusal(fixture, HEARTH_INVALID);

    open_put(fixture, &order); /* a footer without cells */
    test_peer_give(&fixture->peer, &fixture->node, test_put_footer(&empty));
    expect_refusal(fixture, HEARTH_INVALID);

    open_put(fixture, &order); /* no footer */
    test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, 0));
    test_peer_give(&fixture->peer, &fixture->node, NULL);
    expect_refusal(fixture, HEARTH_INVALID);
    assert_nothing_is_left(fixture);
}

static void a_client_that_leaves_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    for (uint32_t cells = 0; cells <= shard.cells; cells++) {
        open_put(fixture, &order);
        for (uint32_t stripe = 0; stripe < cells; stripe++) {
            test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, stripe));
        }
        test_peer_fini(&fixture->peer, &fixture->node);
        assert_false(fixture->peer.is_finished);
    }
    assert_nothing_is_left(fixture);
}

static void a_client_that_leaves_while_the_volume_works_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    open_put(fixture, &order);
    struct test_peer *peer = &fixture->peer;
    peer->read_is_out = false;
    peer->stream.user->message(&peer->stream, test_put_cell(&shard, 0)); /* nothing turned yet */
    test_peer_fini(peer, &fixture->node);
    assert_nothing_is_left(fixture);
}

static void a_client_that_leaves_after_its_footer_finds_its_shard(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    struct test_peer *peer = &fixture->peer;
    open_put(fixture, &order);
    for (uint32_t stripe = 0; stripe < shard.cells; stripe++) {
        test_peer_give(peer, &fixture->node, test_put_cell(&shard, stripe));
    }
    peer->read_is_out = false;
    peer->stream.user->message(&peer->stream, test_put_footer(&shard));
    test_peer_fini(peer, &fixture->node);
    assert_int_equal(stored(fixture), 1);
}

/* A put whose footer's sync is under way; its client has left, and its stream is gone. */
static void leave_after_the_footer(struct fixture *fixture)
{
    struct order order = put_order(fixture);
    struct test_peer *peer = malloc(sizeof(*peer));
    assert_non_null(peer);
    test_peer_init(peer);
    assert_ok(shard_put_start(&fixture->node.context, &peer->stream, &fixture->node.err),
        &fixture->node.err);
    test_peer_give(peer, &fixture->node, test_put_open(&order, 0));
    for (uint32_t stripe = 0; stripe < shard.cells; stripe++) {
        test_peer_give(peer, &fixture->node, test_put_cell(&shard, stripe));
    }
    peer->stream.user->message(&peer->stream, test_put_footer(&shard));
    peer->stream.user->closed(&peer->stream);
    free(peer);
}

/* The sanitizer sees it; the log, which names the request, is what would look. */
static void a_stream_that_is_gone_is_not_looked_at_again(void **state)
{
    struct fixture *fixture = *state;
    log_set_level(LOG_LEVEL_DEBUG);
    leave_after_the_footer(fixture);
    sim_disk_add_fault(fixture->node.sim,
        &(struct sim_fault){.kind = SIM_FAIL,
            .request = DISK_SYNC,
            .nth = sim_disk_requests(fixture->node.sim, DISK_SYNC),
            .count = 1,
            .error = EIO});
    test_node_run(&fixture->node);
    assert_int_equal(stored(fixture), 0);
    leave_after_the_footer(fixture);
    test_node_run(&fixture->node);
    assert_int_equal(stored(fixture), 1);
    log_set_level(LOG_LEVEL_INFO);
}

static void a_client_that_drips_is_sent_away(void **state)
{
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    open_put(fixture, &order);
    test_peer_give(&fixture->peer, &fixture->node, test_put_cell(&shard, 0));
    test_env_step_ms(&fixture->node.env, SHARD_PATIENCE_MS);
    test_node_run(&fixture->node);
    expect_refusal(fixture, HEARTH_DEADLINE);
    assert_nothing_is_left(fixture);
}

#ifdef HEARTH_FAILPOINTS
static void a_step_that_fails_is_told_and_the_shard_can_come_again(void **state)
{
    static const char *const specs[] = {"storaged.put.opened=error", "storaged.put.cell:2=error",
        "storaged.put.footer=error", "storaged.put.durable=error"};
    struct fixture *fixture = *state;
    struct order order = put_order(fixture);
    for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        assert_ok(failpoint_arm(specs[i], &fixture->node.err), &fixture->node.err);
        test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
        expect_refusal(fixture, HEARTH_IO);
    }
    assert_ok(failpoint_arm(NULL, &fixture->node.err), &fixture->node.err);
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    assert_int_equal(fixture->peer.code, HEARTH_OK);
    test_peer_fini(&fixture->peer, &fixture->node);
}

static void a_log_that_fails_is_told_and_the_shard_goes_to_another(void **state)
{
    static const char *const specs[] = {
        "storaged.log.created=error", "storaged.log.written=error", "storaged.log.synced=error"};
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct order order = put_order(fixture);
        assert_ok(failpoint_arm(specs[i], &fixture->node.err), &fixture->node.err);
        test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
        expect_refusal(fixture, HEARTH_IO);
        assert_nothing_is_left(fixture);
        test_node_fini(&fixture->node);
        test_node_init(&fixture->node); /* the second failure would end this one's writing */
    }
    assert_ok(failpoint_arm(NULL, &fixture->node.err), &fixture->node.err);
}
#endif

/* ---- the owner's limit ---- */

enum { LIMIT = 50 }; /* bytes a second: a cell takes longer than a client's patience would last */

/* It has paid for the opening and waits for the first cell. */
static void open_limited_put(struct fixture *fixture, const struct order *order)
{
    rate_gate_set_rate(&fixture->node.download, LIMIT);
    open_put(fixture, order);
    assert_false(fixture->peer.read_is_out);
    test_env_step_ms(&fixture->node.env, 10000);
    test_node_run(&fixture->node);
    assert_true(fixture->peer.read_is_out);
}

static void a_limited_node_asks_for_the_next_cell_only_when_its_owner_allows(void **state)
{
    struct fixture *fixture = *state;
    struct test_node *node = &fixture->node;
    struct order order = put_order(fixture);
    open_limited_put(fixture, &order);
    test_peer_give(&fixture->peer, node, test_put_cell(&shard, 0));
    assert_false(fixture->peer.read_is_out);
    test_env_step_ms(&node->env, SHARD_PATIENCE_MS + 10000);
    test_node_run(node);
    assert_false(fixture->peer.read_is_out);
    assert_false(fixture->peer.is_finished); /* it was not the client's turn */
    test_env_step_ms(&node->env, 4200 * 1000 / LIMIT - SHARD_PATIENCE_MS - 10000);
    test_node_run(node);
    assert_true(fixture->peer.read_is_out);

    rate_gate_set_rate(&node->download, 0);
    test_peer_give(&fixture->peer, node, test_put_cell(&shard, 1));
    test_peer_give(&fixture->peer, node, test_put_cell(&shard, 2));
    test_peer_give(&fixture->peer, node, test_put_footer(&shard));
    assert_int_equal(fixture->peer.code, HEARTH_OK);
    test_peer_fini(&fixture->peer, node);
}

static void a_put_that_ends_while_it_waits_gives_its_turn_back(void **state)
{
    struct fixture *fixture = *state;
    struct test_node *node = &fixture->node;
    struct order order = put_order(fixture);
    open_limited_put(fixture, &order);
    test_peer_give(&fixture->peer, node, test_put_cell(&shard, 0));
    assert_false(fixture->peer.read_is_out);
    test_peer_fini(&fixture->peer, node); /* waits in line */
    assert_null(node->download.oldest);

    rate_gate_set_rate(&node->download, 0);
    open_limited_put(fixture, &order);
    int64_t level = node->download.bucket.level;
    test_peer_fini(&fixture->peer, node); /* was to bring a message, and did not */
    assert_true(node->download.bucket.level > level);
    rate_gate_set_rate(&node->download, 0);
    assert_nothing_is_left(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_whole_shard_gets_a_receipt_for_what_came),
        CASE(what_was_acknowledged_survives_losing_power),
        CASE(a_failed_sync_is_not_acknowledged),
        CASE(the_same_shard_again_gets_the_same_receipt),
        CASE(other_content_under_the_same_name_is_a_conflict),
        CASE(a_deleted_shard_is_not_taken_back),
        CASE(an_order_that_is_not_good_opens_nothing),
        CASE(before_the_first_heartbeat_the_node_is_not_ready),
        CASE(an_order_that_expires_on_the_way_is_refused_at_the_footer),
        CASE(more_than_the_order_allows_is_refused),
        CASE(a_footer_that_lies_is_refused),
        CASE(garbage_is_refused_in_any_place),
        CASE(messages_out_of_turn_are_refused),
        CASE(a_client_that_leaves_leaves_nothing),
        CASE(a_client_that_leaves_while_the_volume_works_leaves_nothing),
        CASE(a_client_that_leaves_after_its_footer_finds_its_shard),
        CASE(a_stream_that_is_gone_is_not_looked_at_again),
        CASE(a_client_that_drips_is_sent_away),
        CASE(a_limited_node_asks_for_the_next_cell_only_when_its_owner_allows),
        CASE(a_put_that_ends_while_it_waits_gives_its_turn_back),
#ifdef HEARTH_FAILPOINTS
        CASE(a_step_that_fails_is_told_and_the_shard_can_come_again),
        CASE(a_log_that_fails_is_told_and_the_shard_goes_to_another),
#endif
#undef CASE
    };
    return cmocka_run_group_tests_name("shard_put", tests, NULL, NULL);
}
