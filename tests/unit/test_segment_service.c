/*
 * Segments through their services: orders open for whom they are and no longer than they should,
 * the same question has the same answer, and what is never finished is let go.
 */
#include "coordinator/garbage/reclaim.h"
#include "coordinator/meta/meta_garbage.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"

#include <stdlib.h>

enum { NODES = 10, N = 8, W = 6, MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

struct fixture {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_member *nodes;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    at->nodes = test_coordinator_nodes(&at->world, NODES);
    test_customer_init(&at->customer, &at->world, "ann");
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_coordinator_fini(&at->world);
    free(at);
    return 0;
}

static enum hearth_code ask(
    struct fixture *at, enum rpc_method method, const void *request, void *response)
{
    return test_ask(&at->customer, method, request, response);
}

static void ask_well(
    struct fixture *at, enum rpc_method method, const void *request, void *response)
{
    assert_ok(ask(at, method, request, response), &at->world.err);
}

static void hear_nodes(struct fixture *at, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        test_coordinator_heartbeat(&at->world, &at->nodes[i]);
    }
}

static void step_ms(struct fixture *at, uint64_t ms)
{
    test_env_step_ms(&at->world.env, ms);
}

static uint64_t now_ms(const struct fixture *at)
{
    return at->world.env.unix_ms;
}

/* ---- orders ---- */

static void assert_order(
    struct fixture *at, const struct wire_placement *placement, enum order_action action)
{
    const struct order order = test_open_order(&at->world, placement->order);
    assert_int_equal(order.action, action);
    assert_memory_equal(order.node_id, placement->node->node_id.bytes, PKI_ID_SIZE);
    assert_memory_equal(order.session, at->customer.session, PKI_ID_SIZE);
    assert_int_equal(order.slot, placement->slot);
    assert_int_equal(order.p, placement->number);
    assert_int_equal(order.size_max, action == ORDER_PUT ? test_shard_size() : 0);
    assert_int_equal(order.created_unix_ms, now_ms(at));
    assert_int_equal(order.expires_unix_ms, now_ms(at) + META_ORDER_MS);
}

static void put_orders_are_for_the_session_the_node_and_the_size(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    test_open_segment(&at->customer, "key", &segment);
    assert_int_equal(segment.opened.placements_count, N);
    assert_int_equal(segment.opened.orders_expire_unix_ms, now_ms(at) + META_ORDER_MS);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(segment.opened.placements[i].slot, i);
        assert_order(at, &segment.opened.placements[i], ORDER_PUT);
        assert_int_equal(segment.opened.placements[i].node->endpoints_count, 1);
    }
}

static void a_segment_without_a_session_is_refused(void **state)
{
    struct fixture *at = *state;
    struct wire_begin_reply begun;
    struct wire_open_segment_reply opened;
    const struct wire_begin_request begin = test_ask_begin(&at->customer, "key");
    ask_well(at, RPC_BEGIN, &begin, &begun);
    struct wire_open_segment_request open = test_ask_open(&at->customer, begun.intent_id);
    open.session_id = (struct view){0};
    assert_int_equal(ask(at, RPC_OPEN_SEGMENT, &open, &opened), HEARTH_INVALID);
}

static void a_segment_longer_than_any_is_refused(void **state)
{
    struct fixture *at = *state;
    struct wire_begin_reply begun;
    struct wire_open_segment_reply opened;
    const struct wire_begin_request begin = test_ask_begin(&at->customer, "key");
    ask_well(at, RPC_BEGIN, &begin, &begun);
    struct wire_open_segment_request open = test_ask_open(&at->customer, begun.intent_id);
    open.length_max = (UINT64_C(64) << 20) + 1;
    assert_int_equal(ask(at, RPC_OPEN_SEGMENT, &open, &opened), HEARTH_INVALID);
}

static void a_lookup_brings_orders_for_enough_holders_and_names_all(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    struct wire_lookup_reply found;
    test_upload(&at->customer, "key", &segment);
    const struct wire_lookup_request lookup = test_ask_lookup(&at->customer, "key");
    ask_well(at, RPC_LOOKUP, &lookup, &found);
    assert_int_equal(found.segments_count, 1);
    assert_int_equal(found.segments[0].holders_count, N);
    for (unsigned i = 0; i < N; i++) {
        assert_order(at, &found.segments[0].holders[i], ORDER_GET); /* k + 4 is all of local */
    }
}

static void a_lookup_without_a_session_names_holders_and_opens_nothing(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    struct wire_lookup_reply found;
    test_upload(&at->customer, "key", &segment);
    struct wire_lookup_request lookup = test_ask_lookup(&at->customer, "key");
    lookup.session_id = (struct view){0};
    ask_well(at, RPC_LOOKUP, &lookup, &found);
    assert_int_equal(found.segments[0].holders_count, N);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(found.segments[0].holders[i].order.size, 0);
    }
}

static void more_orders_leave_out_what_the_reader_has_tried(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    struct wire_segment_info info;
    const uint32_t failed[] = {1, 6};
    test_upload(&at->customer, "key", &segment);
    struct wire_more_orders_request request = {
        .bucket = at->customer.bucket,
        .key = view_text("key"),
        .segment_id = segment.id,
        .failed_slots = failed,
        .failed_slots_count = 2,
        .session_id = view_of(at->customer.session, PKI_ID_SIZE),
    };
    ask_well(at, RPC_MORE_ORDERS, &request, &info);
    assert_int_equal(info.holders_count, N);
    for (unsigned i = 0; i < N; i++) {
        bool has_failed = info.holders[i].slot == 1 || info.holders[i].slot == 6;
        assert_int_equal(info.holders[i].order.size, has_failed ? 0 : ORDER_SIZE);
    }

    const struct view another = test_coordinator_id(&at->world);
    request.segment_id = another;
    assert_int_equal(ask(at, RPC_MORE_ORDERS, &request, &info), HEARTH_NOT_FOUND);
    request.segment_id = segment.id;
    request.key = view_text("other");
    assert_int_equal(ask(at, RPC_MORE_ORDERS, &request, &info), HEARTH_NOT_FOUND);
    request.key = view_text("key");
    request.session_id = (struct view){0};
    assert_int_equal(ask(at, RPC_MORE_ORDERS, &request, &info), HEARTH_INVALID);
}

/* Of eight holders two are silent; a reader of a wider code would get the six that answer. */
static void holders_that_answer_come_first(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    test_upload(&at->customer, "key", &segment);
    step_ms(at, 20 * 1000); /* all offline by their silence; then most are back */
    uint32_t silent[2];
    unsigned silent_count = 0;
    for (unsigned i = 0; i < NODES; i++) {
        const struct view id = view_of(at->nodes[i].id, PKI_ID_SIZE);
        bool holds_a_data_slot = view_equal(segment.opened.placements[0].node->node_id, id) ||
            view_equal(segment.opened.placements[2].node->node_id, id);
        if (holds_a_data_slot) {
            silent[silent_count++] = at->nodes[i].number;
        } else {
            test_coordinator_heartbeat(&at->world, &at->nodes[i]);
        }
    }
    assert_int_equal(silent_count, 2);

    struct meta_segment row;
    struct wire_segment_info info;
    const struct segment_reading reading = {
        .session_id = view_of(at->customer.session, PKI_ID_SIZE), .want = N - 2};
    struct meta_id id;
    memcpy(id.bytes, segment.id.bytes, sizeof(id.bytes));
    assert_ok(
        meta_segment_get(at->world.coordinator->store, id, &row, &at->world.err), &at->world.err);
    assert_ok(segment_to_wire(
                  at->world.coordinator, &row, &reading, &at->world.arena, &info, &at->world.err),
        &at->world.err);
    for (unsigned i = 0; i < N; i++) {
        uint32_t number = row.holders[info.holders[i].slot].node;
        bool is_silent = number == silent[0] || number == silent[1];
        assert_int_equal(info.holders[i].order.size, is_silent ? 0 : ORDER_SIZE);
    }
}

/* ---- the same question ---- */

static void begin_and_open(struct fixture *at, struct wire_open_segment_request *open,
    struct wire_open_segment_reply *opened)
{
    struct wire_begin_reply begun;
    const struct wire_begin_request begin = test_ask_begin(&at->customer, "key");
    ask_well(at, RPC_BEGIN, &begin, &begun);
    *open = test_ask_open(&at->customer, begun.intent_id);
    ask_well(at, RPC_OPEN_SEGMENT, open, opened);
}

static void assert_same_offers(
    const struct wire_open_segment_reply *a, const struct wire_open_segment_reply *b)
{
    assert_int_equal(a->placements_count, b->placements_count);
    for (size_t i = 0; i < a->placements_count; i++) {
        assert_int_equal(a->placements[i].slot, b->placements[i].slot);
        assert_int_equal(a->placements[i].number, b->placements[i].number);
        assert_true(view_equal(a->placements[i].node->node_id, b->placements[i].node->node_id));
    }
}

static void opening_again_renews_the_orders_of_the_same_offers(void **state)
{
    struct fixture *at = *state;
    struct wire_open_segment_request open;
    struct wire_open_segment_reply first;
    struct wire_open_segment_reply second;
    begin_and_open(at, &open, &first);
    step_ms(at, 9 * MINUTE_MS);
    hear_nodes(at, 0, NODES);
    ask_well(at, RPC_OPEN_SEGMENT, &open, &second);
    assert_same_offers(&first, &second);
    assert_int_equal(second.orders_expire_unix_ms, now_ms(at) + META_ORDER_MS);
    assert_order(at, &second.placements[3], ORDER_PUT);
}

/* Nothing new has to be placed, so it does not matter that nothing could be. */
static void opening_again_needs_no_new_nodes(void **state)
{
    struct fixture *at = *state;
    struct wire_open_segment_request open;
    struct wire_open_segment_reply first;
    struct wire_open_segment_reply second;
    begin_and_open(at, &open, &first);
    step_ms(at, 9 * MINUTE_MS); /* all are silent */
    ask_well(at, RPC_OPEN_SEGMENT, &open, &second);
    assert_same_offers(&first, &second);

    struct wire_begin_reply begun;
    struct wire_begin_request begin = test_ask_begin(&at->customer, "new");
    ask_well(at, RPC_BEGIN, &begin, &begun);
    const struct wire_open_segment_request new = test_ask_open(&at->customer, begun.intent_id);
    assert_int_equal(ask(at, RPC_OPEN_SEGMENT, &new, &second), HEARTH_FLEET_TOO_SMALL);
}

static void a_segment_id_is_used_once(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    struct wire_open_segment_request open;
    struct wire_open_segment_reply opened;
    test_open_segment(&at->customer, "one", &segment);
    begin_and_open(at, &open, &opened);
    struct wire_open_segment_request stolen = open;
    stolen.segment_id = segment.id;
    assert_int_equal(ask(at, RPC_OPEN_SEGMENT, &stolen, &opened), HEARTH_CONFLICT);
}

static void sealing_again_is_answered_as_it_is(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    struct wire_seal_segment_reply first;
    struct wire_seal_segment_reply second;
    test_open_segment(&at->customer, "key", &segment);
    struct wire_seal_segment_request seal = test_ask_seal(&segment);
    seal.receipts_count = W;
    ask_well(at, RPC_SEAL_SEGMENT, &seal, &first);
    ask_well(at, RPC_SEAL_SEGMENT, &seal, &second);
    assert_int_equal(first.holders, W);
    assert_int_equal(second.holders, W);
    assert_int_equal(second.generation, first.generation);
}

/* ---- spares ---- */

static void a_spare_is_none_of_those_that_have_an_offer_or_failed(void **state)
{
    struct fixture *at = *state;
    struct wire_open_segment_request open;
    struct wire_open_segment_reply opened;
    begin_and_open(at, &open, &opened);
    struct view failed = {0};
    for (unsigned i = 0; i < NODES && failed.size == 0; i++) {
        bool is_offered = false;
        for (unsigned j = 0; j < N; j++) {
            is_offered |= view_equal(
                opened.placements[j].node->node_id, view_of(at->nodes[i].id, PKI_ID_SIZE));
        }
        failed = is_offered ? failed : view_of(at->nodes[i].id, PKI_ID_SIZE);
    }
    const struct wire_offer_slot_request offer = {
        .intent_id = open.intent_id,
        .segment_id = open.segment_id,
        .slot = 5,
        .failed_node_ids = &failed,
        .failed_node_ids_count = 1,
        .session_id = open.session_id,
    };
    struct wire_placement spare;
    ask_well(at, RPC_OFFER_SLOT, &offer, &spare);
    assert_int_equal(spare.slot, 5);
    assert_int_equal(spare.number, 2);
    assert_false(view_equal(spare.node->node_id, failed));
    for (unsigned j = 0; j < N; j++) {
        assert_false(view_equal(spare.node->node_id, opened.placements[j].node->node_id));
    }

    /* That was the tenth node: there is no other. */
    assert_int_equal(ask(at, RPC_OFFER_SLOT, &offer, &spare), HEARTH_FLEET_TOO_SMALL);
}

/* ---- what is never finished ---- */

static void collect(struct fixture *at)
{
    reclaim_round(NULL, at->world.coordinator);
}

static size_t count_dead(struct fixture *at)
{
    size_t dead = 0;
    for (unsigned i = 0; i < NODES; i++) {
        struct meta_id ids[64];
        size_t count;
        assert_ok(meta_dead_next(at->world.coordinator->store, at->nodes[i].number,
                      (struct meta_id){{0}}, ids, 64, &count, &at->world.err),
            &at->world.err);
        dead += count;
    }
    return dead;
}

/* F-34: the client dies with one segment sealed and one open. */
static void an_upload_never_finished_is_collected_when_its_time_is_over(void **state)
{
    struct fixture *at = *state;
    struct test_segment sealed;
    struct wire_seal_segment_reply reply;
    struct wire_open_segment_reply opened;
    test_open_segment(&at->customer, "key", &sealed);
    const struct wire_seal_segment_request seal = test_ask_seal(&sealed);
    ask_well(at, RPC_SEAL_SEGMENT, &seal, &reply);
    const struct wire_open_segment_request open = test_ask_open(&at->customer, sealed.intent);
    ask_well(at, RPC_OPEN_SEGMENT, &open, &opened);

    step_ms(at, META_INTENT_MS - 1);
    collect(at);
    assert_int_equal(count_dead(at), 0);

    step_ms(at, 2);
    collect(at);
    assert_int_equal(count_dead(at), N); /* the open one's: its orders are over */
    struct wire_extent extent;
    struct wire_commit_reply committed;
    const struct wire_commit_request commit =
        test_ask_commit(&at->customer, &sealed, NULL, &extent);
    assert_int_equal(ask(at, RPC_COMMIT, &commit, &committed), HEARTH_EXPIRED);
    const struct wire_lookup_request lookup = test_ask_lookup(&at->customer, "key");
    struct wire_lookup_reply found;
    assert_int_equal(ask(at, RPC_LOOKUP, &lookup, &found), HEARTH_NOT_FOUND);

    step_ms(at, META_READ_GRACE_MS + 1);
    collect(at);
    assert_int_equal(count_dead(at), 2 * N);
}

static void what_is_deleted_is_named_to_its_holders_after_the_last_reader(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    struct wire_delete_reply deleted;
    test_upload(&at->customer, "key", &segment);
    const struct wire_delete_request request = test_ask_delete(&at->customer, "key");
    ask_well(at, RPC_DELETE, &request, &deleted);
    assert_true(deleted.existed);

    collect(at);
    assert_int_equal(count_dead(at), 0);
    for (unsigned i = 0; i < 4; i++) { /* doomed, dying, buried: each waits for its readers */
        step_ms(at, META_READ_GRACE_MS + 1);
        collect(at);
    }
    assert_int_equal(count_dead(at), N);
    struct meta_segment row;
    struct meta_id id;
    memcpy(id.bytes, segment.id.bytes, sizeof(id.bytes));
    assert_int_equal(
        meta_segment_get(at->world.coordinator->store, id, &row, &at->world.err), HEARTH_NOT_FOUND);
}

static void what_is_committed_is_never_collected(void **state)
{
    struct fixture *at = *state;
    struct test_segment segment;
    struct wire_lookup_reply found;
    test_upload(&at->customer, "key", &segment);
    for (unsigned i = 0; i < 30; i++) {
        step_ms(at, HOUR_MS);
        collect(at);
    }
    assert_int_equal(count_dead(at), 0);
    const struct wire_lookup_request lookup = test_ask_lookup(&at->customer, "key");
    ask_well(at, RPC_LOOKUP, &lookup, &found);
    assert_int_equal(found.segments[0].holders_count, N);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(put_orders_are_for_the_session_the_node_and_the_size),
        claim(a_segment_without_a_session_is_refused),
        claim(a_segment_longer_than_any_is_refused),
        claim(a_lookup_brings_orders_for_enough_holders_and_names_all),
        claim(a_lookup_without_a_session_names_holders_and_opens_nothing),
        claim(more_orders_leave_out_what_the_reader_has_tried),
        claim(holders_that_answer_come_first),
        claim(opening_again_renews_the_orders_of_the_same_offers),
        claim(opening_again_needs_no_new_nodes),
        claim(a_segment_id_is_used_once),
        claim(sealing_again_is_answered_as_it_is),
        claim(a_spare_is_none_of_those_that_have_an_offer_or_failed),
        claim(an_upload_never_finished_is_collected_when_its_time_is_over),
        claim(what_is_deleted_is_named_to_its_holders_after_the_last_reader),
        claim(what_is_committed_is_never_collected),
    };
    return cmocka_run_group_tests_name("segment_service", tests, NULL, NULL);
}
