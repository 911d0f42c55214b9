/*
 * recode: a bucket's segments get the code of another profile, and stay the same sealed bytes;
 * until the one swap, and whatever goes wrong or ends before it, the old shards are the segment
 * (D2, D5 to D8, D12).
 */
#include "common/failpoint.h"
#include "coordinator/halt.h"
#include "coordinator/meta/meta_garbage.h"
#include "tests/lib/recode_world.h"
#include "tests/lib/test.h"

#include <stdio.h>

/* ---- it is coded anew ---- */

static void every_segment_has_the_code_of_the_profile_and_the_same_bytes(void **state)
{
    struct plan_world *world = *state;
    static const char *const profiles[] = {"small", "medium", "lean", "local"};
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        recode_world_start(world, profiles[i]);
        plan_world_run_to_the_end(world);
        const struct meta_rebalance plan = plan_world_plan_now(world);
        assert_int_equal(plan.state, META_REBALANCE_DONE);
        assert_int_equal(plan.moves_done, RECODE_WORLD_OBJECTS);
        assert_int_equal(plan.bytes_done, plan.bytes_planned);
        recode_world_assert_all(world, profiles[i]);
    }
}

static void nothing_is_coded_before_the_plan_is_applied_and_it_says_what_changes(void **state)
{
    struct plan_world *world = *state;
    recode_world_plan(world, "small", 0);
    const struct meta_rebalance plan = plan_world_plan_now(world);
    assert_int_equal(plan.state, META_REBALANCE_PLANNED);
    assert_int_equal(plan.moves_planned, RECODE_WORLD_OBJECTS);
    assert_int_equal(plan.bytes_planned, RECODE_WORLD_OBJECTS * (4 + 14) * test_shard_size());
    assert_int_equal(plan.disk_before, RECODE_WORLD_OBJECTS * 8 * test_shard_size());
    assert_int_equal(plan.disk_after, RECODE_WORLD_OBJECTS * 14 * test_shard_size());
    assert_int_equal(plan.stuck_planned, 0);
    plan_world_run_round(world);
    assert_int_equal(world->looked, 0);
    assert_int_equal(recode_world_count(world, "local"), RECODE_WORLD_OBJECTS);
}

static enum fake_manner takers_have_stopped(void *context, const struct fake_order *order)
{
    (void)context;
    return order->action == FAKE_PUT ? FAKE_STOPPED : FAKE_HONEST;
}

static void cancel_at_fifth_wait(struct fake_net *net, void *context)
{
    struct plan_world *world = context;
    if (world->waits++ == 5) {
        world->acted_ns = env_now_ns(&net->env->env);
        plan_world_cancel_it(world);
    }
}

static void a_verb_ends_what_is_coded_anew_at_once(void **state)
{
    struct plan_world *world = *state;
    world->at.net.choose_manner = takers_have_stopped;
    world->at.net.at_wait = cancel_at_fifth_wait;
    world->at.net.at_wait_context = world;
    recode_world_start(world, "small");
    plan_world_run_round(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_CANCELLED);
    const uint64_t ms = (env_now_ns(&world->at.world.env.env) - world->acted_ns) / 1000000;
    assert_in_range(ms, 0, HALT_LOOK_MS + 10);
    assert_int_equal(recode_world_count(world, "local"), RECODE_WORLD_OBJECTS);
}

/* D12: the cell of a slot and stripe is another string of bytes now. */
static void the_key_of_the_tags_is_new_and_no_placement_is_used_twice(void **state)
{
    struct plan_world *world = *state;
    recode_world_start(world, "medium");
    plan_world_run_to_the_end(world);
    for (unsigned i = 0; i < RECODE_WORLD_OBJECTS; i++) {
        const struct meta_segment *before = &world->at.rows[i];
        const struct meta_segment now = move_world_row(&world->at, i);
        assert_memory_not_equal(now.vk, before->vk, sizeof(now.vk));
        assert_true(now.generation > before->generation);
        for (unsigned slot = 0; slot < before->n; slot++) {
            assert_true(now.holders[slot].p > before->holders[slot].p);
        }
    }
}

static size_t count_dead(struct plan_world *world)
{
    enum { MAX = 64 };
    struct meta_id ids[MAX];
    size_t all = 0;
    for (uint32_t node = 1; node <= RECODE_WORLD_NODES; node++) {
        size_t count;
        assert_ok(meta_dead_next(plan_world_store_of(world), node, (struct meta_id){{0}}, ids, MAX,
                      &count, plan_world_err_of(world)),
            plan_world_err_of(world));
        all += count;
    }
    return all;
}

static void readers_of_before_have_the_old_shards_for_as_long_as_their_orders_last(void **state)
{
    struct plan_world *world = *state;
    recode_world_start(world, "medium");
    plan_world_run_round(world);
    recode_world_assert_all(world, "medium");
    test_env_step_ms(&world->at.world.env, META_ORDER_MS);
    assert_int_equal(count_dead(world), 0);
    for (unsigned i = 0; i < RECODE_WORLD_OBJECTS; i++) {
        const struct meta_segment *before = &world->at.rows[i];
        assert_int_equal(ec_slots_count(recode_world_good(world, before)), before->n);
    }
    test_env_step_ms(&world->at.world.env, META_SKEW_MS + 1000);
    assert_int_equal(count_dead(world), RECODE_WORLD_OBJECTS * MOVE_WORLD_N);
}

/* ---- whatever ends ---- */

static void a_process_that_ends_anywhere_goes_on_where_it_was(void **state)
{
    struct plan_world *world = *state;
    static const char *const steps[] = {"coordinator.recode.offered=error",
        "coordinator.recode.copied=error", "coordinator.recode.verified:2=error",
        "coordinator.rebalance.progress=error"};
    recode_world_start(world, "small");
    plan_world_restart_at(world, steps, sizeof(steps) / sizeof(steps[0]));
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(plan_world_plan_now(world).moves_done, RECODE_WORLD_OBJECTS);
    recode_world_assert_all(world, "small");
}

/* After each number of calls: 4 reads, 14 writes and 14 to read back are those of one segment. */
static void a_plan_may_be_cancelled_at_any_step(void **state)
{
    struct plan_world *world = *state;
    static const unsigned steps[] = {0, 3, 4, 10, 18, 25, 31, 32, 50};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const unsigned calls = steps[i];
        recode_world_start(world, "small");
        const unsigned before = recode_world_count(world, "small");
        plan_world_after_calls(world, calls, plan_world_cancel_it);
        plan_world_run_round(world);
        assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_CANCELLED);
        assert_int_equal(plan_world_plan_now(world).moves_done, calls / 32);
        assert_int_equal(recode_world_count(world, "small") - before, calls / 32);
        for (unsigned index = 0; index < RECODE_WORLD_OBJECTS; index++) {
            recode_world_assert_same_bytes(world, index);
        }
    }
}

/* In the middle of the second segment, which is coded when the plan goes on. */
static void a_plan_that_is_paused_rests_and_goes_on(void **state)
{
    struct plan_world *world = *state;
    recode_world_start(world, "small");
    plan_world_after_calls(world, 40, plan_world_pause_it);
    plan_world_run_round(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_PAUSED);
    assert_int_equal(plan_world_plan_now(world).moves_done, 1);
    plan_world_run_round(world);
    assert_int_equal(plan_world_plan_now(world).moves_done, 1);
    assert_ok(plan_world_command(world, META_REBALANCE_RESUME), plan_world_err_of(world));
    plan_world_run_to_the_end(world);
    recode_world_assert_all(world, "small");
}

/* ---- others who change the same ---- */

static void delete_one(struct plan_world *world)
{
    world->at.net.at_open = NULL;
    move_world_delete(&world->at, 1);
}

static void overwrite_one(struct plan_world *world)
{
    world->at.net.at_open = NULL;
    move_world_overwrite(&world->at, 1);
}

static void what_is_deleted_meanwhile_ends_the_plan_all_the_same(void **state)
{
    struct plan_world *world = *state;
    recode_world_start(world, "small");
    plan_world_after_calls(world, 20, delete_one);
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    recode_world_assert_same_bytes(world, 0);
    recode_world_assert_same_bytes(world, 2);
}

/* What is written meanwhile has the new profile from the start. */
static void what_is_overwritten_meanwhile_is_not_coded_twice(void **state)
{
    struct plan_world *world = *state;
    recode_world_start(world, "small");
    plan_world_after_calls(world, 20, overwrite_one);
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(move_world_row(&world->at, 1).generation, 1);
    assert_int_equal(recode_world_count(world, "small"), RECODE_WORLD_OBJECTS);
    recode_world_assert_same_bytes(world, 0);
    recode_world_assert_same_bytes(world, 2);
}

/* The holder of a slot changes while the segment is coded. */
static void be_first(struct fake_net *net, void *context)
{
    struct plan_world *world = context;
    struct move_world *at = &world->at;
    struct meta_store *store = plan_world_store_of(world);
    struct hearth_err *err = plan_world_err_of(world);
    struct meta_offers offers;
    struct meta_seal_result result;
    net->at_open = NULL;
    for (unsigned i = 0; i < RECODE_WORLD_OBJECTS; i++) {
        const struct meta_segment row = move_world_row(at, i);
        struct ec_slots nodes = {{0}};
        for (unsigned slot = 0; slot < row.n; slot++) {
            ec_slots_add(&nodes, row.holders[slot].node);
        }
        uint32_t number = 1;
        while (ec_slots_has(nodes, number)) {
            number++;
        }
        const struct meta_offer offer = {.slot = 3, .node = number};
        const struct meta_repair_offer request = {
            .segment = row.id, .generation = row.generation, .offers = &offer, .offer_count = 1};
        assert_ok(meta_repair_offer(store, &request, &offers, err), err);
        const struct meta_receipt receipt = {
            .slot = 3, .p = offers.offers[0].p, .node = number, .shard_length = test_shard_size()};
        const struct meta_repair_apply apply = {.segment = row.id,
            .generation = row.generation,
            .shard_length = test_shard_size(),
            .receipts = &receipt,
            .receipt_count = 1};
        assert_ok(meta_repair_apply(store, &apply, &result, err), err);
    }
}

static void a_repair_that_was_first_wins(void **state)
{
    struct plan_world *world = *state;
    unsigned repaired = 0;
    recode_world_start(world, "small");
    world->at.net.at_open = be_first;
    assert_ok(failpoint_arm("coordinator.rebalance.progress=error", plan_world_err_of(world)),
        plan_world_err_of(world));
    plan_world_run_round(world);
    assert_ok(failpoint_arm(NULL, plan_world_err_of(world)), plan_world_err_of(world));
    assert_int_equal(plan_world_plan_now(world).moves_done, RECODE_WORLD_OBJECTS - 1);
    for (unsigned i = 0; i < RECODE_WORLD_OBJECTS; i++) {
        const struct meta_segment row = move_world_row(&world->at, i);
        repaired += row.generation == 2 && row.n == MOVE_WORLD_N;
    }
    assert_int_equal(repaired, 1);
}

/* ---- who else names a segment ---- */

static void copy_to(struct plan_world *world, struct view bucket, const char *key)
{
    struct test_customer *customer = &world->at.customer;
    struct wire_lookup_request lookup = test_ask_lookup(customer, "key 0");
    struct wire_lookup_reply found;
    struct wire_commit_reply reply;
    assert_ok(test_ask(customer, RPC_LOOKUP, &lookup, &found), plan_world_err_of(world));
    struct wire_put_inline_request put = test_ask_put_inline(customer, key);
    put.bucket = bucket;
    put.size = CUSTOMER_SEGMENT_LENGTH;
    const struct wire_extent extent = {
        .segment_id = meta_id_view(&world->at.rows[0].id), .length = CUSTOMER_SEGMENT_LENGTH};
    const struct wire_copy_request copy = {.source_bucket = customer->bucket,
        .source_key = view_text("key 0"),
        .source_version = found.info->version,
        .put = &put,
        .extents = &extent,
        .extents_count = 1};
    assert_ok(test_ask(customer, RPC_COPY, &copy, &reply), plan_world_err_of(world));
}

static void a_copy_in_the_same_bucket_is_coded_with_it(void **state)
{
    struct plan_world *world = *state;
    copy_to(world, world->at.customer.bucket, "copy");
    assert_int_equal(move_world_row(&world->at, 0).refs, 2);
    recode_world_start(world, "small");
    plan_world_run_to_the_end(world);
    recode_world_assert_all(world, "small");
    assert_int_equal(move_world_row(&world->at, 0).refs, 2);
}

static void what_another_bucket_names_too_stays_as_it_is_and_is_counted(void **state)
{
    struct plan_world *world = *state;
    struct wire_bucket_info info;
    const struct view other = view_text("another-bucket");
    const struct wire_create_bucket_request create =
        test_ask_create_bucket(&world->at.customer, other);
    assert_ok(
        test_ask(&world->at.customer, RPC_CREATE_BUCKET, &create, &info), plan_world_err_of(world));
    copy_to(world, other, "copy");
    recode_world_start(world, "small");
    assert_int_equal(plan_world_plan_now(world).stuck_planned, 1);
    assert_int_equal(plan_world_plan_now(world).moves_planned, RECODE_WORLD_OBJECTS - 1);
    plan_world_run_to_the_end(world);
    assert_int_equal(recode_world_count(world, "small"), RECODE_WORLD_OBJECTS - 1);
    assert_int_equal(move_world_row(&world->at, 0).profile, world->at.rows[0].profile);
    assert_non_null(strstr(plan_world_plan_now(world).reason, "others name some segments"));
}

/* ---- uploads that may still bring shards ---- */

/* Nobody takes the new slot 0. */
static enum fake_manner lack_slot_0(void *context, const struct fake_order *order)
{
    (void)context;
    return order->action == FAKE_PUT && order->slot == 0 ? FAKE_DEAD : FAKE_HONEST;
}

static void no_shard_of_the_old_code_gets_into_the_new_one(void **state)
{
    struct plan_world *world = *state;
    struct hearth_err *err = plan_world_err_of(world);
    const struct meta_segment before = world->at.rows[0];
    const struct meta_offer offer = {.slot = 0, .node = before.holders[0].node};
    const struct meta_repair_offer request = {
        .segment = before.id, .generation = before.generation, .offers = &offer, .offer_count = 1};
    struct meta_offers offers;
    assert_ok(meta_repair_offer(plan_world_store_of(world), &request, &offers, err), err);
    world->at.net.at_open = NULL;
    world->at.net.choose_manner = lack_slot_0;
    recode_world_start(world, "small");
    plan_world_run_round(world);
    assert_int_equal(move_world_row(&world->at, 0).holders[0].node, 0);

    const struct meta_receipt receipt = {
        .slot = 0, .p = offers.offers[0].p, .node = offer.node, .shard_length = test_shard_size()};
    const struct meta_add_holders add = {.segment = before.id,
        .shard_length = test_shard_size(),
        .receipts = &receipt,
        .receipt_count = 1};
    struct meta_seal_result result;
    assert_ok(meta_add_holders(plan_world_store_of(world), &add, &result, err), err);
    assert_int_equal(result.bad_count, 1);
    assert_int_equal(move_world_row(&world->at, 0).holders[0].node, 0);
}

/* While the old code was there it would have, for a slot that is empty. */
static void the_upload_that_wrote_it_offers_no_slot_any_more(void **state)
{
    struct plan_world *world = *state;
    struct hearth_err *err = plan_world_err_of(world);
    struct meta_offers offers;
    const struct meta_offer_slot request = {
        .segment = world->at.rows[0].id, .intent = world->at.intents[0], .slot = 0, .node = 1};
    assert_int_equal(
        meta_offer_slot(plan_world_store_of(world), &request, &offers, err), HEARTH_EXISTS);
    world->at.net.at_open = NULL;
    world->at.net.choose_manner = lack_slot_0;
    recode_world_start(world, "small");
    plan_world_run_round(world);
    assert_int_equal(move_world_row(&world->at, 0).holders[0].node, 0);
    assert_int_equal(
        meta_offer_slot(plan_world_store_of(world), &request, &offers, err), HEARTH_NOT_FOUND);
}

/* ---- nodes that fail ---- */

static void old_holders_that_fail_are_replaced_by_others(void **state)
{
    struct plan_world *world = *state;
    world->at.net.at_open = NULL;
    for (unsigned slot = 0; slot < 3; slot++) {
        world->at.net.nodes[world->at.rows[0].holders[slot].node - 1].manner = FAKE_FLIPS_A_BIT;
    }
    recode_world_start(world, "medium");
    plan_world_run_to_the_end(world);
    const struct meta_segment row = move_world_row(&world->at, 0);
    assert_int_equal(row.k, 8);
    for (unsigned i = 0; i < RECODE_WORLD_NODES; i++) {
        world->at.net.nodes[i].manner = FAKE_HONEST;
    }
    assert_true(ec_slots_count(recode_world_good(world, &row)) >= 19);
}

static void a_segment_that_cannot_be_read_stays_what_it_is(void **state)
{
    struct plan_world *world = *state;
    world->at.net.at_open = NULL;
    for (unsigned slot = 0; slot < 5; slot++) {
        world->at.net.nodes[world->at.rows[0].holders[slot].node - 1].manner = FAKE_LACKS;
    }
    recode_world_start(world, "small");
    plan_world_run_to_the_end(world);
    const struct meta_segment row = move_world_row(&world->at, 0);
    assert_int_equal(row.generation, world->at.rows[0].generation);
    assert_memory_equal(row.vk, world->at.rows[0].vk, sizeof(row.vk));
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_non_null(strstr(plan_world_plan_now(world).reason, "cannot be read"));
}

/* Twelve of fourteen must have it: of twenty-six nodes three may lie, not fifteen. */
static void new_holders_that_do_not_give_it_back_do_not_count(void **state)
{
    struct plan_world *world = *state;
    world->at.net.at_open = NULL;
    for (unsigned i = 0; i < RECODE_WORLD_NODES; i++) {
        world->at.net.nodes[i].manner = i % 2 == 0 ? FAKE_FORGETS : FAKE_HONEST;
    }
    recode_world_start(world, "small");
    plan_world_run_round(world);
    for (unsigned i = 0; i < RECODE_WORLD_NODES; i++) {
        world->at.net.nodes[i].manner = FAKE_HONEST;
    }
    for (unsigned i = 0; i < RECODE_WORLD_OBJECTS; i++) {
        const struct meta_segment row = move_world_row(&world->at, i);
        if (row.n == 14) {
            assert_true(ec_slots_count(recode_world_good(world, &row)) >= 12);
        } else {
            assert_memory_equal(&row, &world->at.rows[i].id, sizeof(row.id));
        }
    }
}

/* ---- refused, and said ---- */

static void a_profile_for_which_there_are_too_few_nodes_is_refused(void **state)
{
    struct plan_world *world = *state;
    recode_world_plan(world, "home", 0);
    const struct meta_rebalance plan = plan_world_plan_now(world);
    assert_int_equal(plan.state, META_REBALANCE_FAILED);
    assert_true(strlen(plan.reason) > 0);
}

static void a_bucket_that_has_another_profile_by_now_ends_the_plan(void **state)
{
    struct plan_world *world = *state;
    recode_world_start(world, "small");
    recode_world_set_profile(world, "medium");
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_non_null(strstr(plan_world_plan_now(world).reason, "another profile by now"));
    assert_int_equal(recode_world_count(world, "local"), RECODE_WORLD_OBJECTS);
}

static void a_plan_may_be_limited_in_bytes(void **state)
{
    struct plan_world *world = *state;
    recode_world_plan(world, "small", 18 * test_shard_size() + 1);
    assert_int_equal(plan_world_plan_now(world).moves_planned, 1);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).moves_done, 1);
    assert_int_equal(recode_world_count(world, "small"), 1);
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, recode_world_set_up, plan_world_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(every_segment_has_the_code_of_the_profile_and_the_same_bytes),
        CLAIM(nothing_is_coded_before_the_plan_is_applied_and_it_says_what_changes),
        CLAIM(a_verb_ends_what_is_coded_anew_at_once),
        CLAIM(the_key_of_the_tags_is_new_and_no_placement_is_used_twice),
        CLAIM(readers_of_before_have_the_old_shards_for_as_long_as_their_orders_last),
        CLAIM(a_process_that_ends_anywhere_goes_on_where_it_was),
        CLAIM(a_plan_may_be_cancelled_at_any_step),
        CLAIM(a_plan_that_is_paused_rests_and_goes_on),
        CLAIM(what_is_deleted_meanwhile_ends_the_plan_all_the_same),
        CLAIM(what_is_overwritten_meanwhile_is_not_coded_twice),
        CLAIM(a_repair_that_was_first_wins),
        CLAIM(a_copy_in_the_same_bucket_is_coded_with_it),
        CLAIM(what_another_bucket_names_too_stays_as_it_is_and_is_counted),
        CLAIM(no_shard_of_the_old_code_gets_into_the_new_one),
        CLAIM(the_upload_that_wrote_it_offers_no_slot_any_more),
        CLAIM(old_holders_that_fail_are_replaced_by_others),
        CLAIM(a_segment_that_cannot_be_read_stays_what_it_is),
        CLAIM(new_holders_that_do_not_give_it_back_do_not_count),
        CLAIM(a_profile_for_which_there_are_too_few_nodes_is_refused),
        CLAIM(a_bucket_that_has_another_profile_by_now_ends_the_plan),
        CLAIM(a_plan_may_be_limited_in_bytes),
    };
#undef CLAIM
    return cmocka_run_group_tests(tests, NULL, NULL);
}
