/*
 * shard_move: a shard gets a new holder only when it is there, true to its tags, and nobody was
 * first; until then, and whatever goes wrong, the old holder has it (D5, D6, D7, D8).
 */
#include "coordinator/rebalance/shard_move.h"

#include "common/failpoint.h"
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/rebalance/node_copier.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "tests/lib/move_world.h"
#include "tests/lib/test.h"

#include <stdlib.h>

enum { NODES = 10, SLOT = 3 };

struct fixture {
    struct move_world at;
    uint64_t plan;
    uint32_t to; /* a node that holds nothing of the segment */
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct move_world *at = &fixture->at;
    struct hearth_err *err = &at->world.err;
    move_world_init(at, NODES, NODES);
    move_world_upload(at);
    fixture->to = 1;
    while (move_world_held(at, fixture->to) > 0) {
        fixture->to++;
    }
    const struct meta_rebalance plan =
        move_world_plan(at, REBALANCE_LEAVING, at->rows[0].holders[SLOT].node, true);
    fixture->plan = plan.number;
    assert_ok(rebalance_survey(at->world.coordinator, &plan, NULL, err), err);
    assert_int_equal(move_world_read_plan(at, plan.number).state, META_REBALANCE_RUNNING);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    move_world_fini(&fixture->at);
    free(fixture);
    return 0;
}

static struct shard_move move_of(struct fixture *fixture)
{
    struct move_world *at = &fixture->at;
    return (struct shard_move){.coordinator = at->world.coordinator,
        .net = &at->net.net,
        .session_id = view_of(at->customer.session, PKI_ID_SIZE),
        .plan = fixture->plan,
        .segment = at->rows[0].id,
        .slot = SLOT,
        .from = at->rows[0].holders[SLOT].node,
        .to = fixture->to};
}

static enum hearth_code run(struct fixture *fixture)
{
    const struct shard_move move = move_of(fixture);
    return shard_move_blocking(&move, &fixture->at.world.err);
}

static void assert_unmoved(struct fixture *fixture)
{
    const struct meta_segment now = move_world_row(&fixture->at, 0);
    assert_memory_equal(now.holders, fixture->at.rows[0].holders, sizeof(now.holders));
    assert_int_equal(move_world_read_plan(&fixture->at, fixture->plan).moves_done, 0);
}

static struct fake_node *source(struct fixture *fixture)
{
    return &fixture->at.net.nodes[fixture->at.rows[0].holders[SLOT].node - 1];
}

static struct fake_node *target(struct fixture *fixture)
{
    return &fixture->at.net.nodes[fixture->to - 1];
}

/* ---- it moves ---- */

static void every_cell_is_at_the_new_holder_and_no_other_slot_changes(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(run(fixture), &fixture->at.world.err);
    const struct meta_segment now = move_world_row(&fixture->at, 0);
    assert_int_equal(now.holders[SLOT].node, fixture->to);
    for (unsigned slot = 0; slot < MOVE_WORLD_N; slot++) {
        assert_int_equal(
            now.holders[slot].node != fixture->at.rows[0].holders[slot].node, slot == SLOT);
    }
    move_world_check(&fixture->at);
    const struct meta_rebalance plan = move_world_read_plan(&fixture->at, fixture->plan);
    assert_int_equal(plan.moves_done, 1);
    assert_int_equal(plan.bytes_done, test_shard_size());
}

static size_t count_dead(struct fixture *fixture)
{
    struct meta_id ids[4];
    size_t count;
    struct hearth_err *err = &fixture->at.world.err;
    assert_ok(
        meta_dead_next(fixture->at.world.coordinator->store, fixture->at.rows[0].holders[SLOT].node,
            (struct meta_id){{0}}, ids, 4, &count, err),
        err);
    return count;
}

static void the_old_shard_is_dead_when_no_reader_can_have_an_order_for_it(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(run(fixture), &fixture->at.world.err);
    test_env_step_ms(&fixture->at.world.env, META_READ_GRACE_MS - 1000);
    assert_int_equal(count_dead(fixture), 0);
    test_env_step_ms(&fixture->at.world.env, 2000);
    assert_int_equal(count_dead(fixture), 1);
}

/* It was read back: who took the shard was asked for it. */
static void the_new_holder_is_read_before_it_is_believed(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(run(fixture), &fixture->at.world.err);
    assert_int_equal(target(fixture)->puts, 1);
    assert_int_equal(target(fixture)->gets, 1);
    assert_int_equal(source(fixture)->gets, 1);
}

/* Half a shard a second: the second cell, a seventh of it, waits for what the first took. */
static void cells_of_one_shard_keep_the_pace(void **state)
{
    struct fixture *fixture = *state;
    struct env *env = &fixture->at.world.env.env;
    struct token_bucket bucket;
    struct move_pace pace;
    struct shard_move move = move_of(fixture);
    token_bucket_init(&bucket, test_shard_size() / 2, env_now_ns(env));
    move_pace_init(&pace, env, 1, &bucket);
    move.pace = &pace;
    const uint64_t began = env_now_ns(env);
    assert_ok(shard_move_blocking(&move, &fixture->at.world.err), &fixture->at.world.err);
    assert_in_range((env_now_ns(env) - began) / 1000000, 1500, 2100);
    assert_true(
        move_pace_wait_ns(&pace) > 0); /* what the last cell took, the next move waits for */
    move_pace_fini(&pace);
    move_world_check(&fixture->at);
}

static void one_move_rests_no_longer_than_its_orders_last(void **state)
{
    struct fixture *fixture = *state;
    struct env *env = &fixture->at.world.env.env;
    struct token_bucket bucket;
    struct move_pace pace;
    uint64_t rested_ns = 0;
    token_bucket_init(&bucket, 100, env_now_ns(env));
    move_pace_init(&pace, env, 4, &bucket);
    for (unsigned i = 0; i < 10; i++) {
        test_env_step_ms(&fixture->at.world.env,
            (unsigned)(move_pace_pass_ns(&pace, 65536, &rested_ns) / 1000000));
    }
    assert_int_equal(rested_ns, UINT64_C(1000000) * MOVE_REST_MS);
    assert_int_equal(move_pace_rate(&pace, 1000 * 1000), 1000 * 1000 / 240 + 1);
    assert_int_equal(move_pace_rate(&pace, 24), 25);
    move_pace_fini(&pace);
}

/* ---- from node to node ---- */

/* Nodes that fetch from one another, or do not. */
struct fake_copier {
    struct node_copier copier; /* first */
    struct fixture *fixture;
    unsigned copies;
    bool fails;
    atomic_bool *halted; /* NULL: nobody is */
};

static void plant_copy(struct fixture *fixture, const struct order *put)
{
    struct fake_order from = {.action = FAKE_GET,
        .node = fixture->at.rows[0].holders[SLOT].node - 1,
        .slot = SLOT,
        .number = fixture->at.rows[0].holders[SLOT].p};
    memcpy(from.segment_id, fixture->at.rows[0].id.bytes, sizeof(from.segment_id));
    struct fake_order to = from;
    to.node = fixture->to - 1;
    to.number = put->p;
    for (unsigned stripe = 0; stripe < 2; stripe++) {
        fake_net_plant_cell(&fixture->at.net, &to, fake_net_cell(&fixture->at.net, &from, stripe));
    }
}

/* As the new holder would: its order names the coordinator, the source's names it. */
static enum hearth_code fake_copy(struct node_copier *copier, uint32_t to,
    const struct wire_shard_copy_request *request, const struct halt *halt,
    uint8_t receipt[RECEIPT_SIZE], struct hearth_err *err)
{
    struct fake_copier *fake = (struct fake_copier *)copier;
    struct fixture *fixture = fake->fixture;
    const struct order put = test_open_order(&fixture->at.world, request->put_order);
    const struct order get = test_open_order(&fixture->at.world, request->get_order);
    fake->copies++;
    if (fake->halted != NULL) { /* a verb comes meanwhile */
        atomic_store(fake->halted, true);
        return halt_check(halt, err);
    }
    assert_int_equal(to, fixture->to);
    assert_int_equal(put.action, ORDER_PUT);
    assert_memory_equal(put.session, copier->session_id, PKI_ID_SIZE);
    assert_memory_equal(put.node_id, target(fixture)->id, PKI_ID_SIZE);
    assert_int_equal(get.action, ORDER_GET);
    assert_memory_equal(get.session, target(fixture)->id, PKI_ID_SIZE);
    assert_memory_equal(get.node_id, source(fixture)->id, PKI_ID_SIZE);
    assert_memory_equal(request->source->node_id.bytes, source(fixture)->id, PKI_ID_SIZE);
    if (fake->fails) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "connection refused");
    }
    plant_copy(fixture, &put);
    const struct wire_placement placement = {.order = request->put_order};
    memcpy(receipt, test_receipt_of(&fixture->at.customer, &placement).receipt.bytes, RECEIPT_SIZE);
    return HEARTH_OK;
}

static void begin_copier(struct fake_copier *fake, struct fixture *fixture, bool fails)
{
    static const struct node_copier_ops ops = {.copy = fake_copy};
    *fake = (struct fake_copier){.fixture = fixture, .fails = fails};
    node_copier_init(&fake->copier, &ops, &fixture->at.world.env.env);
    memset(fake->copier.session_id, 9, PKI_ID_SIZE);
    fixture->at.world.coordinator->copier = &fake->copier;
}

static void end_copier(struct fake_copier *fake)
{
    fake->fixture->at.world.coordinator->copier = NULL;
    node_copier_fini(&fake->copier);
}

static void the_new_holder_fetches_it_and_is_read_back(void **state)
{
    struct fixture *fixture = *state;
    struct fake_copier fake;
    begin_copier(&fake, fixture, false);
    assert_ok(run(fixture), &fixture->at.world.err);
    assert_int_equal(fake.copies, 1);
    assert_int_equal(source(fixture)->gets, 0);
    assert_int_equal(target(fixture)->puts, 0);
    assert_int_equal(target(fixture)->gets, 1);
    move_world_check(&fixture->at);
    end_copier(&fake);
}

static void a_halt_ends_a_copy_between_nodes_and_says_nothing_of_their_way(void **state)
{
    struct fixture *fixture = *state;
    struct fake_copier fake;
    atomic_bool is_called = false;
    const struct halt halt = {.is_called = &is_called};
    struct shard_move move = move_of(fixture);
    move.halt = &halt;
    begin_copier(&fake, fixture, false);
    fake.halted = &is_called;
    assert_int_equal(shard_move_blocking(&move, &fixture->at.world.err), HEARTH_CANCELLED);
    assert_int_equal(target(fixture)->puts + source(fixture)->gets, 0);
    assert_true(node_copier_may(&fake.copier, move.from, move.to));
    assert_unmoved(fixture);
    end_copier(&fake);
}

static void where_they_do_not_reach_one_another_it_comes_by_the_coordinator(void **state)
{
    struct fixture *fixture = *state;
    struct fake_copier fake;
    begin_copier(&fake, fixture, true);
    const uint32_t from = fixture->at.rows[0].holders[SLOT].node;
    assert_true(node_copier_may(&fake.copier, from, fixture->to));
    assert_ok(run(fixture), &fixture->at.world.err);
    assert_int_equal(source(fixture)->gets, 1);
    move_world_check(&fixture->at);

    assert_false(node_copier_may(&fake.copier, from, fixture->to));
    assert_true(node_copier_may(&fake.copier, fixture->to, from));
    test_env_step_ms(&fixture->at.world.env, NODE_COPIER_AVOID_MS);
    assert_true(node_copier_may(&fake.copier, from, fixture->to));
    end_copier(&fake);
}

/* ---- nodes that fail ---- */

static const enum fake_manner bad_manners[] = {FAKE_DEAD, FAKE_STOPPED, FAKE_FLIPS_A_BIT,
    FAKE_SWAPS_CELLS, FAKE_WRONG_LENGTH, FAKE_EMPTY, FAKE_ENDS_EARLY, FAKE_LACKS, FAKE_ROTTEN,
    FAKE_DIES_MIDWAY};
enum { BAD_MANNERS = sizeof(bad_manners) / sizeof(bad_manners[0]) };

/* All but the last two are also what a node may do to one who writes. */
static void whatever_the_new_holder_does_wrong_nothing_is_moved(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i + 3 < BAD_MANNERS; i++) {
        target(fixture)->manner = bad_manners[i];
        assert_int_not_equal(run(fixture), HEARTH_OK);
        assert_unmoved(fixture);
        target(fixture)->manner = FAKE_HONEST;
    }
    assert_ok(run(fixture), &fixture->at.world.err);
    move_world_check(&fixture->at);
}

static void what_its_holder_does_not_give_is_made_anew_from_others(void **state)
{
    for (size_t i = 0; i < BAD_MANNERS; i++) {
        struct fixture *fixture = *state;
        source(fixture)->manner = bad_manners[i];
        assert_ok(run(fixture), &fixture->at.world.err);
        assert_int_equal(move_world_row(&fixture->at, 0).holders[SLOT].node, fixture->to);
        move_world_check(&fixture->at);
        assert_int_equal(move_world_read_plan(&fixture->at, fixture->plan).moves_done, 1);
        tear_down(state);
        set_up(state);
    }
}

static unsigned count_gets(struct fixture *fixture)
{
    unsigned gets = 0;
    for (unsigned i = 0; i < NODES; i++) {
        gets += fixture->at.net.nodes[i].gets;
    }
    return gets;
}

static void what_was_not_heard_of_is_not_even_asked(void **state)
{
    struct fixture *fixture = *state;
    struct move_world *at = &fixture->at;
    uint64_t silent_ms;
    const uint32_t from = at->rows[0].holders[SLOT].node;
    while (node_table_health(at->world.coordinator->nodes, from, &silent_ms) <= NODE_SUSPECT) {
        test_env_step_ms(&at->world.env, TEST_HEARTBEAT_MS);
        for (unsigned i = 0; i < NODES; i++) {
            if (i + 1 != from) {
                test_coordinator_heartbeat(&at->world, at->nodes[i]);
            }
        }
    }
    assert_ok(run(fixture), &at->world.err);
    assert_int_equal(source(fixture)->gets, 0);
    assert_int_equal(count_gets(fixture), at->rows[0].k + 1); /* one is the reading back */
    move_world_check(at);
}

static void a_holder_that_is_busy_is_asked_another_time(void **state)
{
    struct fixture *fixture = *state;
    source(fixture)->busy = 1;
    assert_int_equal(run(fixture), HEARTH_BUSY);
    assert_unmoved(fixture);
    assert_int_equal(count_gets(fixture), source(fixture)->gets);
    assert_ok(run(fixture), &fixture->at.world.err);
}

/* Three of eight are left. */
static void with_fewer_than_k_others_nothing_is_moved(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned slot = SLOT; slot < MOVE_WORLD_N; slot++) {
        fixture->at.net.nodes[fixture->at.rows[0].holders[slot].node - 1].manner = FAKE_DEAD;
    }
    assert_int_equal(run(fixture), HEARTH_SHARDS_LOST);
    assert_unmoved(fixture);
}

static void a_receipt_for_what_was_thrown_away_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    target(fixture)->manner = FAKE_FORGETS;
    assert_int_not_equal(run(fixture), HEARTH_OK);
    assert_non_null(strstr(fixture->at.world.err.message, "read back from node"));
    assert_unmoved(fixture);
}

/* ---- others who change the same ---- */

/* While cells are under way the slot goes to another node. */
static void be_first(struct fake_net *net, void *context)
{
    struct fixture *fixture = context;
    struct move_world *at = &fixture->at;
    struct meta_store *store = at->world.coordinator->store;
    struct hearth_err *err = &at->world.err;
    struct meta_offers offers;
    struct meta_seal_result result;
    net->at_open = NULL;
    uint32_t number = fixture->to + 1;
    while (move_world_held(at, number) > 0) {
        number++;
    }
    const struct meta_offer offer = {.slot = SLOT, .node = number};
    const struct meta_repair_offer request = {
        .segment = at->rows[0].id, .generation = 1, .offers = &offer, .offer_count = 1};
    assert_ok(meta_repair_offer(store, &request, &offers, err), err);
    const struct meta_receipt receipt = {
        .slot = SLOT, .p = offers.offers[0].p, .node = number, .shard_length = test_shard_size()};
    const struct meta_repair_apply apply = {.segment = at->rows[0].id,
        .generation = 1,
        .shard_length = test_shard_size(),
        .receipts = &receipt,
        .receipt_count = 1};
    assert_ok(meta_repair_apply(store, &apply, &result, err), err);
}

static void a_repair_that_was_first_wins(void **state)
{
    struct fixture *fixture = *state;
    fixture->at.net.at_open = be_first;
    fixture->at.net.at_open_context = fixture;
    assert_int_equal(run(fixture), HEARTH_CONFLICT);
    const struct meta_segment now = move_world_row(&fixture->at, 0);
    assert_int_equal(now.generation, 2);
    assert_int_not_equal(now.holders[SLOT].node, fixture->to);
    assert_int_equal(run(fixture), HEARTH_CONFLICT); /* the slot has another holder */
}

static void delete_it(struct fake_net *net, void *context)
{
    struct fixture *fixture = context;
    net->at_open = NULL;
    move_world_delete(&fixture->at, 0);
    test_env_step_ms(&fixture->at.world.env, 60 * 60 * 1000);
    struct meta_garbage_report report = {.idle = false};
    while (!report.idle) {
        assert_ok(meta_garbage_step(
                      fixture->at.world.coordinator->store, &report, &fixture->at.world.err),
            &fixture->at.world.err);
    }
}

static void what_was_deleted_meanwhile_is_not_moved(void **state)
{
    struct fixture *fixture = *state;
    fixture->at.net.at_open = delete_it;
    fixture->at.net.at_open_context = fixture;
    assert_int_not_equal(run(fixture), HEARTH_OK);
    assert_int_equal(move_world_read_plan(&fixture->at, fixture->plan).moves_done, 0);
    assert_int_equal(run(fixture), HEARTH_NOT_FOUND);
}

static void what_is_to_be_deleted_is_not_begun(void **state)
{
    struct fixture *fixture = *state;
    move_world_delete(&fixture->at, 0);
    assert_int_equal(run(fixture), HEARTH_NOT_FOUND);
    assert_int_equal(target(fixture)->puts, 0);
}

static void cancel(struct fake_net *net, void *context)
{
    struct fixture *fixture = context;
    net->at_open = NULL;
    struct hearth_err *err = &fixture->at.world.err;
    assert_ok(meta_rebalance_command(fixture->at.world.coordinator->store, fixture->plan,
                  META_REBALANCE_CANCEL, 0, err),
        err);
}

static void a_plan_that_was_cancelled_takes_nothing_from_anybody(void **state)
{
    struct fixture *fixture = *state;
    fixture->at.net.at_open = cancel;
    fixture->at.net.at_open_context = fixture;
    assert_int_equal(run(fixture), HEARTH_CANCELLED);
    assert_unmoved(fixture);
}

/* ---- steps that fail ---- */

static void a_move_that_ends_at_any_step_leaves_the_old_holder(void **state)
{
    struct fixture *fixture = *state;
    static const char *const steps[] = {"coordinator.move.offered=error",
        "coordinator.move.copied=error", "coordinator.move.verified=error"};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_ok(failpoint_arm(steps[i], &fixture->at.world.err), &fixture->at.world.err);
        assert_int_equal(run(fixture), HEARTH_IO);
        assert_unmoved(fixture);
        move_world_check(&fixture->at);
    }
    assert_ok(failpoint_arm(NULL, &fixture->at.world.err), &fixture->at.world.err);
    assert_ok(run(fixture), &fixture->at.world.err);
    move_world_check(&fixture->at);
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(every_cell_is_at_the_new_holder_and_no_other_slot_changes),
        CLAIM(the_old_shard_is_dead_when_no_reader_can_have_an_order_for_it),
        CLAIM(the_new_holder_is_read_before_it_is_believed),
        CLAIM(cells_of_one_shard_keep_the_pace),
        CLAIM(one_move_rests_no_longer_than_its_orders_last),
        CLAIM(the_new_holder_fetches_it_and_is_read_back),
        CLAIM(a_halt_ends_a_copy_between_nodes_and_says_nothing_of_their_way),
        CLAIM(where_they_do_not_reach_one_another_it_comes_by_the_coordinator),
        CLAIM(whatever_the_new_holder_does_wrong_nothing_is_moved),
        CLAIM(what_its_holder_does_not_give_is_made_anew_from_others),
        CLAIM(what_was_not_heard_of_is_not_even_asked),
        CLAIM(a_holder_that_is_busy_is_asked_another_time),
        CLAIM(with_fewer_than_k_others_nothing_is_moved),
        CLAIM(a_receipt_for_what_was_thrown_away_is_not_believed),
        CLAIM(a_repair_that_was_first_wins),
        CLAIM(what_was_deleted_meanwhile_is_not_moved),
        CLAIM(what_is_to_be_deleted_is_not_begun),
        CLAIM(a_plan_that_was_cancelled_takes_nothing_from_anybody),
        CLAIM(a_move_that_ends_at_any_step_leaves_the_old_holder),
    };
#undef CLAIM
    return cmocka_run_group_tests(tests, NULL, NULL);
}
