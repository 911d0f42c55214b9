/*
 * repair from end to end: a coordinator with its metadata, nodes that are invented.
 *
 * A holder lost is made anew at another node by compare-and-swap, a young segment is filled, and
 * who comes second changes nothing.  What cannot be repaired waits, and costs nobody anything.
 */
#include "coordinator/repair/repair.h"

#include "coordinator/garbage/reclaim.h"
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/repair/repair_backoff.h"
#include "tests/lib/repair_world.h"
#include "tests/lib/test.h"

enum {
    NODES = REPAIR_WORLD_NODES,
    N = REPAIR_WORLD_N,
    W = REPAIR_WORLD_W,
    LOST_SLOT = REPAIR_WORLD_LOST_SLOT,
    LOST_AFTER_S = REPAIR_WORLD_LOST_AFTER_S,
    STEP_MS = REPAIR_WORLD_STEP_MS,
};

/* ---- the claims ---- */

static void a_whole_segment_is_left_alone(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.segments, 1);
    assert_int_equal(status.below_n, 0);
    assert_int_equal(status.repaired, 0);
    assert_int_equal(repair_world_row(at).generation, 1);
}

static void a_lost_holder_is_made_anew_at_a_spare(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_lose(at, at->row.holders[LOST_SLOT].node);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.below_n, 1);
    assert_int_equal(status.repaired, 1);

    const struct meta_segment now = repair_world_row(at);
    assert_int_equal(now.generation, 2);
    for (unsigned slot = 0; slot < N; slot++) {
        bool is_new = now.holders[slot].node != at->row.holders[slot].node;
        assert_int_equal(is_new, slot == LOST_SLOT);
    }
    assert_int_equal(now.holders[LOST_SLOT].p, 2);
    assert_int_equal(repair_world_equal_cells(at, &now, LOST_SLOT), 2);
    assert_int_equal(repair_world_round(at).below_n, 0);
}

static void a_young_segment_is_filled(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, W);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.below_n, 1);
    assert_int_equal(status.repaired, N - W);
    const struct meta_segment now = repair_world_row(at);
    for (unsigned slot = 0; slot < N; slot++) {
        assert_true(now.holders[slot].node != 0);
    }
    assert_int_equal(repair_world_round(at).below_n, 0);
}

/* While shards move somebody else fills the slot. */
static void be_first(struct fake_net *net, void *context)
{
    struct repair_world *at = context;
    struct meta_store *store = at->world.coordinator->store;
    struct meta_offers offers;
    struct meta_seal_result result;
    net->at_open = NULL;
    uint32_t number = 1;
    while (repair_world_is_holder(&at->row, number)) {
        number++;
    }
    const struct meta_offer offer = {.slot = LOST_SLOT, .node = number};
    const struct meta_repair_offer request = {
        .segment = at->row.id, .generation = 1, .offers = &offer, .offer_count = 1};
    assert_ok(meta_repair_offer(store, &request, &offers, &at->world.err), &at->world.err);
    const struct meta_receipt receipt = {.slot = LOST_SLOT,
        .p = offers.offers[0].p,
        .node = number,
        .shard_length = test_shard_size()};
    const struct meta_repair_apply apply = {.segment = at->row.id,
        .generation = 1,
        .shard_length = test_shard_size(),
        .receipts = &receipt,
        .receipt_count = 1};
    assert_ok(meta_repair_apply(store, &apply, &result, &at->world.err), &at->world.err);
}

static void who_comes_second_changes_nothing(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_lose(at, at->row.holders[LOST_SLOT].node);
    at->net.at_open = be_first;
    at->net.at_open_context = at;
    assert_int_equal(repair_world_round(at).repaired, 0);
    const struct meta_segment now = repair_world_row(at);
    assert_int_equal(now.generation, 2);
    assert_int_equal(now.holders[LOST_SLOT].p, 3); /* 2 was ours */
}

/* ---- what cannot be repaired ---- */

static unsigned calls_at_all_nodes(const struct repair_world *at)
{
    unsigned calls = 0;
    for (unsigned i = 0; i < NODES; i++) {
        calls += at->net.nodes[i].gets + at->net.nodes[i].puts;
    }
    return calls;
}

static void a_repair_that_failed_is_not_tried_again_at_once(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_lose(at, at->row.holders[LOST_SLOT].node);
    repair_world_make_spares(at, FAKE_DEAD);
    assert_int_equal(repair_world_round(at).repaired, 0);
    const unsigned calls = calls_at_all_nodes(at);
    assert_int_equal(repair_world_row(at).last_p, 2);

    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.queue, 1);
    assert_int_equal(status.waiting, 1);
    assert_int_equal(repair_world_row(at).last_p, 2);
    assert_int_equal(calls_at_all_nodes(at), calls);
}

static void a_repair_that_keeps_failing_uses_few_placements_and_works_in_the_end(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    const uint32_t lost = at->row.holders[LOST_SLOT].node;
    repair_world_lose(at, lost);
    repair_world_make_spares(at, FAKE_DEAD);
    for (unsigned second = 0; second < 15 * 60; second += 2) {
        repair_world_pass(at, STEP_MS, 1, &lost);
        repair_world_round(at);
    }
    /* 2 + 4 + ... + 512 s, each at least half as long in truth, and no longer. */
    assert_in_range(repair_world_row(at).last_p, 1 + 9, 1 + 11);

    repair_world_make_spares(at, FAKE_HONEST);
    repair_world_pass(at, REPAIR_BACKOFF_MOST_MS, 1, &lost);
    assert_int_equal(repair_world_round(at).repaired, 1);
    assert_int_equal(repair_world_round(at).waiting, 0);
}

/* The two that failed are more endangered, and have the same right to the rest of the time. */
static void one_that_never_failed_goes_before_the_second_that_did(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload_unplanted(at, "in vain", W);
    repair_world_upload_unplanted(at, "as well", W);
    repair_world_round(at);
    assert_int_equal(at->asked_count, 2);

    repair_world_pass(at, REPAIR_BACKOFF_FIRST_MS, 0, NULL);
    repair_world_upload(at, W + 1);
    at->asked_count = 0;
    assert_int_equal(repair_world_round(at).repaired, 1);
    assert_int_equal(at->asked_count, 3);
    assert_true(meta_id_equal(at->asked[1], at->row.id));
}

/* Eight slots, and three of ten nodes are silent: the seven others hold one each. */
static void nobody_is_asked_for_what_has_no_place(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_leave_no_place(at);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.queue, 1);
    assert_int_equal(status.without_place, 1);
    assert_int_equal(status.bytes, 0); /* nothing of it moves: it is in no time to go */
    assert_int_equal(calls_at_all_nodes(at), 0);
    assert_int_equal(repair_world_row(at).last_p, 1);

    repair_world_pass(at, STEP_MS, 0, NULL); /* and the spares are there again */
    assert_int_equal(repair_world_round(at).below_n, 0);
}

static uint64_t repair_reports_of(struct repair_world *at, uint32_t number)
{
    struct node_status_list list;
    assert_ok(
        node_table_list(at->world.coordinator->nodes, &at->world.arena, &list, &at->world.err),
        &at->world.err);
    for (size_t i = 0; i < list.count; i++) {
        if (list.nodes[i].node.number == number) {
            return list.nodes[i].repair_reports;
        }
    }
    return UINT64_MAX;
}

static void whom_a_repair_accuses_is_counted(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_lose(at, at->row.holders[LOST_SLOT].node);
    at->net.nodes[at->row.holders[0].node - 1].manner = FAKE_FLIPS_A_BIT;
    assert_int_equal(repair_world_round(at).repaired, 1);
    for (unsigned slot = 0; slot < N; slot++) {
        assert_int_equal(repair_reports_of(at, at->row.holders[slot].node), slot == 0);
    }
}

/* ---- objects that change in the middle ---- */

static void delete_object(struct repair_world *at)
{
    struct wire_delete_reply reply;
    const struct wire_delete_request request = test_ask_delete(&at->customer, "key");
    assert_ok(test_ask(&at->customer, RPC_DELETE, &request, &reply), &at->world.err);
}

static bool is_named_dead(struct repair_world *at, uint32_t node, uint16_t slot, uint16_t p)
{
    struct shard_place place = {.slot = slot, .p = p};
    struct shard_name name;
    struct meta_id ids[META_DEAD_BATCH_MAX];
    size_t count;
    memcpy(place.segment, at->row.id.bytes, sizeof(place.segment));
    shard_name_make(&at->world.coordinator->names, &place, &name);
    assert_ok(meta_dead_next(at->world.coordinator->store, node, (struct meta_id){{0}}, ids,
                  META_DEAD_BATCH_MAX, &count, &at->world.err),
        &at->world.err);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(ids[i].bytes, name.id, sizeof(name.id)) == 0) {
            return true;
        }
    }
    return false;
}

/* How many nodes have been given shard (LOST_SLOT, p), and whether each is told to trash it. */
static unsigned count_stored(struct repair_world *at, uint16_t p, bool and_dead)
{
    unsigned count = 0;
    for (unsigned i = 0; i < NODES; i++) {
        struct fake_order order = repair_world_order(&at->row, LOST_SLOT);
        order.node = i;
        order.number = p;
        count += fake_net_has_shard(&at->net, &order) &&
            (!and_dead || is_named_dead(at, at->nodes[i].number, LOST_SLOT, p));
    }
    return count;
}

/* While shards move the object is deleted, and its last reader done: only the wall clock moves. */
static void let_it_die(struct fake_net *net, void *context)
{
    struct repair_world *at = context;
    net->at_open = NULL;
    delete_object(at);
    at->world.env.unix_ms += META_READ_GRACE_MS;
    reclaim_round(NULL, at->world.coordinator);
    assert_true(repair_world_row(at).dying_ms > 0);
}

static void what_is_made_for_an_object_deleted_meanwhile_is_named_garbage(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_lose(at, at->row.holders[LOST_SLOT].node);
    at->net.at_open = let_it_die;
    at->net.at_open_context = at;
    assert_int_equal(repair_world_round(at).repaired, 0);
    assert_int_equal(repair_world_row(at).generation, 1);
    assert_int_equal(count_stored(at, 2, false), 1);

    test_env_step_ms(&at->world.env, META_READ_GRACE_MS);
    reclaim_round(NULL, at->world.coordinator);
    assert_int_equal(count_stored(at, 2, true), 1);
    assert_true(is_named_dead(at, at->row.holders[0].node, 0, 1));
}

/* The key gets another object; readers of the old one may still be at work. */
static void overwrite(struct fake_net *net, void *context)
{
    struct repair_world *at = context;
    struct test_segment newer;
    net->at_open = NULL;
    test_upload(&at->customer, "key", &newer);
}

static void an_object_overwritten_meanwhile_keeps_all_shards_until_its_readers_are_done(
    void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_lose(at, at->row.holders[LOST_SLOT].node);
    assert_int_equal(repair_world_good_shards(at), N - 1);
    at->net.at_open = overwrite;
    at->net.at_open_context = at;
    repair_world_round(at);
    assert_int_equal(repair_world_good_shards(at), N);
    assert_int_equal(repair_world_row(at).generation, 2);

    for (unsigned grace = 0; grace < 2; grace++) {
        assert_int_equal(count_stored(at, 2, true), 0);
        test_env_step_ms(&at->world.env, META_READ_GRACE_MS);
        reclaim_round(NULL, at->world.coordinator);
    }
    assert_int_equal(count_stored(at, 2, true), 1);
}

#define claim(test)                                                                                \
    cmocka_unit_test_setup_teardown(test, repair_world_set_up, repair_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_whole_segment_is_left_alone),
        claim(a_lost_holder_is_made_anew_at_a_spare),
        claim(a_young_segment_is_filled),
        claim(who_comes_second_changes_nothing),
        claim(a_repair_that_failed_is_not_tried_again_at_once),
        claim(a_repair_that_keeps_failing_uses_few_placements_and_works_in_the_end),
        claim(one_that_never_failed_goes_before_the_second_that_did),
        claim(nobody_is_asked_for_what_has_no_place),
        claim(whom_a_repair_accuses_is_counted),
        claim(what_is_made_for_an_object_deleted_meanwhile_is_named_garbage),
        claim(an_object_overwritten_meanwhile_keeps_all_shards_until_its_readers_are_done),
    };
    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
