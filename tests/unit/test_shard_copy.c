/*
 * shard_copy: a shard that another node gives is stored and acknowledged as one that a client
 * brings; whatever the other node does wrong leaves nothing behind, and is said.
 *
 * The test plays the coordinator and the other node, message by message.
 */
#include "storaged/shard_copy.h"

#include "storaged/shard_source.h"
#include "tests/lib/test.h"
#include "tests/lib/test_node.h"

static const struct test_shard shard = {
    .cells = 3, .cell_size = 4096, .last_cell_size = 640, .seed = 9};

struct fixture {
    struct shard_source source; /* first */
    struct test_node node;
    struct test_peer asker;
    struct shard_fetch *fetch; /* NULL: none is open */
    uint32_t cells_asked;
    bool read_is_out;
    bool is_cancelled;
    uint64_t rate; /* that the coordinator allows */
    uint8_t get_order[ORDER_SIZE];
};

/* ---- the other node ---- */

static enum hearth_code source_open(struct shard_source *source,
    const struct shard_fetch_request *request, struct shard_fetch *fetch, struct hearth_err *err)
{
    struct fixture *fixture = (struct fixture *)source;
    (void)err;
    assert_null(fixture->fetch);
    assert_int_equal(request->order.size, ORDER_SIZE);
    assert_memory_equal(request->order.bytes, fixture->get_order, ORDER_SIZE);
    fixture->fetch = fetch;
    fixture->cells_asked = request->cells;
    fetch->implementation = fixture;
    return HEARTH_OK;
}

static void source_read(struct shard_fetch *fetch)
{
    struct fixture *fixture = fetch->implementation;
    assert_false(fixture->read_is_out);
    fixture->read_is_out = true;
}

static void source_cancel(struct shard_fetch *fetch)
{
    struct fixture *fixture = fetch->implementation;
    fixture->is_cancelled = true;
}

static void close_source(struct fixture *fixture, enum hearth_code code, const char *text)
{
    struct hearth_err err = {.code = HEARTH_OK};
    struct shard_fetch *fetch = fixture->fetch;
    if (code != HEARTH_OK) {
        hearth_fail(&err, code, "%s", text);
    }
    fixture->fetch = NULL;
    fetch->user->closed(fetch, &err);
    test_node_run(&fixture->node);
}

static void give(struct fixture *fixture, struct view cell)
{
    const struct wire_shard_get_message message = {.cell = cell};
    struct buf *buf;
    assert_true(fixture->read_is_out);
    fixture->read_is_out = false;
    assert_ok(wire_encode(&wire_shard_get_message_message, &message, &buf, &fixture->node.err),
        &fixture->node.err);
    fixture->fetch->user->message(fixture->fetch, buf);
    test_node_run(&fixture->node);
}

static void give_cell(struct fixture *fixture, uint32_t stripe)
{
    uint8_t cell[8192];
    test_shard_cell(&shard, stripe, cell);
    give(fixture, view_of(cell, test_shard_cell_size(&shard, stripe)));
}

/* ---- the coordinator ---- */

static int setup(void **state)
{
    static const struct shard_source_ops ops = {
        .open = source_open, .read = source_read, .cancel = source_cancel};
    static struct fixture fixture;
    fixture = (struct fixture){.source = {.ops = &ops}};
    test_node_init(&fixture.node);
    fixture.node.context.source = &fixture.source;
    test_peer_init(&fixture.asker);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    test_peer_fini(&fixture->asker, &fixture->node);
    if (fixture->fetch != NULL) {
        assert_true(fixture->is_cancelled);
        close_source(fixture, HEARTH_CANCELLED, "cancelled");
    }
    test_node_fini(&fixture->node);
    return 0;
}

static void ask_with(struct fixture *fixture, const struct order *put, uint32_t cells)
{
    uint8_t put_order[ORDER_SIZE];
    const uint8_t node_id[PKI_ID_SIZE] = {8};
    const struct order get = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    const struct wire_endpoint endpoint = {.kind = 1, .host = view_text("there"), .port = 7000};
    const struct wire_node_address source = {
        .node_id = view_of(node_id, sizeof(node_id)), .endpoints = &endpoint, .endpoints_count = 1};
    test_node_sign(put, put_order);
    test_node_sign(&get, fixture->get_order);
    const struct wire_shard_copy_request request = {
        .put_order = view_of(put_order, sizeof(put_order)),
        .get_order = view_of(fixture->get_order, sizeof(fixture->get_order)),
        .source = &source,
        .cells = cells,
        .size = test_shard_size(&shard),
        .rate = fixture->rate};
    struct buf *buf;
    struct hearth_err *err = &fixture->node.err;
    assert_ok(shard_copy_start(&fixture->node.context, &fixture->asker.stream, err), err);
    assert_ok(wire_encode(&wire_shard_copy_request_message, &request, &buf, err), err);
    test_peer_give(&fixture->asker, &fixture->node, buf);
}

static void ask(struct fixture *fixture)
{
    const struct order put = test_node_order(&fixture->node, ORDER_PUT, 1, test_shard_size(&shard));
    ask_with(fixture, &put, shard.cells);
}

static uint64_t stored(struct fixture *fixture)
{
    struct volume_stats stats;
    volume_stats(fixture->node.volume, &stats);
    return stats.shards;
}

static void assert_refused(struct fixture *fixture, enum hearth_code code, const char *text)
{
    assert_true(fixture->asker.is_finished);
    assert_int_equal(fixture->asker.code, code);
    assert_non_null(strstr(fixture->asker.text, text));
    assert_int_equal(fixture->asker.received, 0);
    assert_int_equal(stored(fixture), 0);
}

static void pass_ms(struct fixture *fixture, unsigned ms)
{
    test_env_step_ms(&fixture->node.env, ms);
    test_node_run(&fixture->node);
}

/* ---- the claims ---- */

static void a_shard_from_another_node_is_durable_and_has_a_receipt(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture);
    assert_int_equal(fixture->cells_asked, shard.cells);
    for (uint32_t stripe = 0; stripe < shard.cells; stripe++) {
        assert_int_equal(fixture->asker.received, 0);
        give_cell(fixture, stripe);
    }
    assert_true(fixture->is_cancelled); /* nothing more is wanted of it */
    assert_int_equal(fixture->asker.code, HEARTH_OK);
    assert_int_equal(fixture->asker.received, 1);
    assert_int_equal(stored(fixture), 1);

    struct arena arena;
    struct wire_shard_put_reply reply;
    struct receipt receipt;
    struct order_keys keys;
    uint8_t digest[ORDER_DIGEST_SIZE];
    struct hearth_err *err = &fixture->node.err;
    arena_init(&arena, 0);
    assert_ok(wire_decode(&wire_shard_put_reply_message, buf_view(fixture->asker.messages[0]),
                  &arena, &reply, err),
        err);
    test_node_keys(&keys);
    assert_ok(receipt_verify(reply.receipt, keys.receipt_key, &receipt, err), err);
    test_shard_digest(&shard, digest);
    assert_memory_equal(receipt.tag_digest, digest, sizeof(digest));
    assert_int_equal(receipt.cells, shard.cells);
    assert_int_equal(receipt.size, test_shard_size(&shard));
    arena_fini(&arena);
}

/* 8 KiB/s: the second cell is let go of half a second after the first, which is 4 KiB. */
static void no_cell_is_asked_for_before_the_rate_lets_it_pass(void **state)
{
    struct fixture *fixture = *state;
    fixture->rate = 8 * 1024;
    ask(fixture);
    give_cell(fixture, 0);
    assert_false(fixture->read_is_out);
    pass_ms(fixture, 300);
    assert_false(fixture->read_is_out);
    pass_ms(fixture, 300);
    give_cell(fixture, 1);
    pass_ms(fixture, 600);
    give_cell(fixture, 2);
    assert_int_equal(fixture->asker.code, HEARTH_OK);
    assert_int_equal(stored(fixture), 1);
}

static void a_source_that_ends_while_it_rests_is_named(void **state)
{
    struct fixture *fixture = *state;
    fixture->rate = 8 * 1024;
    ask(fixture);
    give_cell(fixture, 0);
    close_source(fixture, HEARTH_TRASHED, "it is in the trash");
    pass_ms(fixture, 1000);
    assert_refused(fixture, HEARTH_TRASHED, "it is in the trash");
}

static void a_source_that_fails_is_named_and_nothing_is_stored(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture);
    give_cell(fixture, 0);
    close_source(fixture, HEARTH_TRASHED, "it is in the trash");
    assert_refused(fixture, HEARTH_TRASHED, "read from the source: it is in the trash");
}

static void a_source_that_nobody_reaches_is_said(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture);
    close_source(fixture, HEARTH_UNREACHABLE, "connection refused");
    assert_refused(fixture, HEARTH_UNREACHABLE, "connection refused");
}

static void a_source_that_ends_early_is_said(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture);
    give_cell(fixture, 0);
    close_source(fixture, HEARTH_OK, NULL);
    assert_refused(fixture, HEARTH_CHECKSUM, "it ended early");
}

static void what_is_no_cell_is_not_stored(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture);
    give_cell(fixture, 0);
    give(fixture, view_text("short"));
    assert_refused(fixture, HEARTH_CHECKSUM, "no cell");
}

static void an_order_for_another_session_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct order put = test_node_order(&fixture->node, ORDER_PUT, 1, test_shard_size(&shard));
    memset(put.session, 7, sizeof(put.session));
    ask_with(fixture, &put, shard.cells);
    assert_refused(fixture, HEARTH_DENIED, "another session");
    assert_true(fixture->is_cancelled);
}

static void an_order_to_read_does_not_let_anything_in(void **state)
{
    struct fixture *fixture = *state;
    const struct order get = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    ask_with(fixture, &get, shard.cells);
    assert_refused(fixture, HEARTH_DENIED, "another action");
}

static void more_bytes_than_the_order_is_for_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct order put =
        test_node_order(&fixture->node, ORDER_PUT, 1, test_shard_size(&shard) - 1);
    ask_with(fixture, &put, shard.cells);
    assert_refused(fixture, HEARTH_INVALID, "bytes announced");
}

static void a_coordinator_that_leaves_stops_the_source(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture);
    give_cell(fixture, 0);
    test_peer_close(&fixture->asker, &fixture->node);
    assert_true(fixture->is_cancelled);
    close_source(fixture, HEARTH_CANCELLED, "cancelled");
    assert_int_equal(stored(fixture), 0);
}

static void a_node_without_connections_to_others_says_so(void **state)
{
    struct fixture *fixture = *state;
    fixture->node.context.source = NULL;
    ask(fixture);
    assert_refused(fixture, HEARTH_UNIMPLEMENTED, "reads from no other");
}

static void what_is_no_request_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err *err = &fixture->node.err;
    assert_ok(shard_copy_start(&fixture->node.context, &fixture->asker.stream, err), err);
    test_peer_give(&fixture->asker, &fixture->node, buf_copy(view_text("nonsense")));
    assert_true(fixture->asker.is_finished);
    assert_int_not_equal(fixture->asker.code, HEARTH_OK);
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CLAIM(a_shard_from_another_node_is_durable_and_has_a_receipt),
        CLAIM(no_cell_is_asked_for_before_the_rate_lets_it_pass),
        CLAIM(a_source_that_ends_while_it_rests_is_named),
        CLAIM(a_source_that_fails_is_named_and_nothing_is_stored),
        CLAIM(a_source_that_nobody_reaches_is_said),
        CLAIM(a_source_that_ends_early_is_said),
        CLAIM(what_is_no_cell_is_not_stored),
        CLAIM(an_order_for_another_session_is_refused),
        CLAIM(an_order_to_read_does_not_let_anything_in),
        CLAIM(more_bytes_than_the_order_is_for_are_refused),
        CLAIM(a_coordinator_that_leaves_stops_the_source),
        CLAIM(a_node_without_connections_to_others_says_so),
        CLAIM(what_is_no_request_is_refused),
    };
#undef CLAIM
    return cmocka_run_group_tests(tests, NULL, NULL);
}
