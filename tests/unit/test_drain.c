/*
 * A node leaves: what it holds goes to others whatever happens beside it, and it is called empty
 * only when nothing can come to it any more.
 */
#include "coordinator/rebalance/rebalance.h"

#include "common/failpoint.h"
#include "coordinator/meta/meta_audit.h"
#include "tests/lib/plan_world.h"
#include "tests/lib/test.h"

/* ---- nodes that leave ---- */

static enum node_health health_of(struct plan_world *world, uint32_t node)
{
    uint64_t silent;
    return node_table_health(world->at.world.coordinator->nodes, node, &silent);
}

static void a_drained_node_is_empty_and_every_segment_whole(void **state)
{
    struct plan_world *world = *state;
    assert_true(move_world_held(&world->at, world->leaver) > 0);
    plan_world_start_drain(world, world->leaver);
    assert_int_equal(health_of(world, world->leaver), NODE_DRAINING);
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(move_world_held(&world->at, world->leaver), 0);
    move_world_check(&world->at);
}

/* Readers may have orders for what was moved: ten minutes, and the slack. */
static void it_is_called_empty_when_the_last_order_for_it_has_expired(void **state)
{
    struct plan_world *world = *state;
    plan_world_start_drain(world, world->leaver);
    for (uint64_t ms = 0; ms < META_ORDER_MS; ms += PLAN_WORLD_TICK_MS) {
        plan_world_run_round(world);
        assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_RUNNING);
        move_world_pass_ms(&world->at, PLAN_WORLD_TICK_MS);
    }
    assert_int_equal(move_world_held(&world->at, world->leaver), 0);
    assert_non_null(strstr(plan_world_plan_now(world).reason, "expired"));
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
}

/* One pass moves, one finds nothing more, and one looks when the last order has expired. */
static void it_is_not_looked_at_again_and_again_until_then(void **state)
{
    struct plan_world *world = *state;
    plan_world_start_drain(world, world->leaver);
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(plan_world_plan_now(world).pass, 3);
}

/* An upload that began before the drain may still bring it a shard. */
static void it_is_not_empty_while_an_upload_may_still_reach_it(void **state)
{
    struct plan_world *world = *state;
    struct test_segment segment;
    struct wire_extent extent;
    struct wire_commit_reply committed;
    test_open_segment(&world->at.customer, "late", &segment);
    uint32_t node = 0;
    assert_true(node_table_find(world->at.world.coordinator->nodes,
        segment.opened.placements[0].node->node_id.bytes, &node));
    plan_world_start_drain(world, node);
    for (unsigned i = 0; i < 20; i++) {
        plan_world_run_round(world);
        move_world_pass_ms(&world->at, PLAN_WORLD_TICK_MS);
    }
    assert_int_equal(move_world_held(&world->at, node), 0);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_RUNNING);

    const struct wire_seal_segment_request seal = test_ask_seal(&segment);
    const struct wire_commit_request commit =
        test_ask_commit(&world->at.customer, &segment, &seal, &extent);
    assert_ok(
        test_ask(&world->at.customer, RPC_COMMIT, &commit, &committed), plan_world_err_of(world));
    for (unsigned i = 0; i < 200; i++) { /* nobody has the bytes: it cannot be moved */
        plan_world_run_round(world);
        move_world_pass_ms(&world->at, PLAN_WORLD_TICK_MS);
    }
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_RUNNING);
    assert_true(plan_world_plan_now(world).reason[0] != '\0');
}

/* Twelve nodes; without five of them only seven are left for eight slots. */
static void a_drain_that_nobody_could_take_is_refused_with_what_is_missing(void **state)
{
    struct plan_world *world = *state;
    const uint32_t leaving[] = {1, 2, 3, 4, 5};
    struct meta_rebalance plan = {.kind = REBALANCE_LEAVING, .starts = true};
    assert_ok(meta_rebalance_create(
                  plan_world_store_of(world), &plan, leaving, 5, plan_world_err_of(world)),
        plan_world_err_of(world));
    world->plan = plan.number;
    plan_world_run_round(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_FAILED);
    assert_non_null(strstr(plan_world_plan_now(world).reason, "have nowhere to go"));
    assert_non_null(strstr(plan_world_plan_now(world).reason, "and 7 nodes take shards now"));
    assert_int_equal(health_of(world, 1), NODE_ALIVE);
    plan_world_assert_refused(
        world, plan_world_command(world, META_REBALANCE_APPLY), "cannot be carried out");
}

static void the_same_node_is_not_drained_twice(void **state)
{
    struct plan_world *world = *state;
    plan_world_start_drain(world, world->leaver);
    struct meta_rebalance plan = {.kind = REBALANCE_LEAVING};
    plan_world_assert_refused(world,
        meta_rebalance_create(
            plan_world_store_of(world), &plan, &world->leaver, 1, plan_world_err_of(world)),
        "drained by plan 1 already");
}

static enum meta_node_state state_of(struct plan_world *world, uint32_t node)
{
    assert_ok(node_table_reload(world->at.world.coordinator->nodes, plan_world_err_of(world)),
        plan_world_err_of(world));
    struct node_status_list list;
    assert_ok(node_table_list(world->at.world.coordinator->nodes, &world->at.world.arena, &list,
                  plan_world_err_of(world)),
        plan_world_err_of(world));
    return list.nodes[node - 1].node.state;
}

/* Of the segment, by the node that leaves, if it holds one of its shards. */
static void audit_row(struct plan_world *world, unsigned index, enum audit_outcome outcome)
{
    const struct meta_segment row = move_world_row(&world->at, index);
    for (uint16_t slot = 0; slot < MOVE_WORLD_N; slot++) {
        if (row.holders[slot].node == world->leaver) {
            struct meta_audit_result result = {
                .cell = {.node = world->leaver, .segment = row.id, .slot = slot, .count = 1},
                .verdict = {.outcome = outcome,
                    .fault = outcome == AUDIT_FAIL ? AUDIT_FAULT_WRONG : AUDIT_FAULT_NONE}};
            result.cell.p = row.holders[slot].p;
            assert_ok(
                meta_audit_record(plan_world_store_of(world), &result, 1, plan_world_err_of(world)),
                plan_world_err_of(world));
        }
    }
}

/* Until audits have made something else of the node. */
static void audit_leaver_while(
    struct plan_world *world, enum meta_node_state state, enum audit_outcome outcome)
{
    for (unsigned i = 0; i < 4000 && state_of(world, world->leaver) == state; i++) {
        audit_row(world, i % world->at.row_count, outcome);
    }
    assert_int_not_equal(state_of(world, world->leaver), state);
}

static void a_suspended_node_that_is_drained_goes_on_leaving_when_audits_let_it_come_back(
    void **state)
{
    struct plan_world *world = *state;
    audit_leaver_while(world, META_NODE_ACTIVE, AUDIT_FAIL);
    assert_int_equal(state_of(world, world->leaver), META_NODE_SUSPENDED);
    plan_world_make_plan(world, REBALANCE_LEAVING, world->leaver);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    test_env_step_ms(&world->at.world.env, AUDIT_SUSPENDED_MS);
    audit_leaver_while(world, META_NODE_SUSPENDED, AUDIT_PASS);
    assert_int_equal(state_of(world, world->leaver), META_NODE_DRAINING);
    assert_ok(
        meta_node_undrain(plan_world_store_of(world), world->leaver, plan_world_err_of(world)),
        plan_world_err_of(world));
    assert_int_equal(state_of(world, world->leaver), META_NODE_ACTIVE);
}

/* A plan that nobody applied drains nothing. */
static void a_suspended_node_that_nobody_drains_is_active_when_it_comes_back(void **state)
{
    struct plan_world *world = *state;
    audit_leaver_while(world, META_NODE_ACTIVE, AUDIT_FAIL);
    plan_world_make_plan(world, REBALANCE_LEAVING, world->leaver);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_PLANNED);
    test_env_step_ms(&world->at.world.env, AUDIT_SUSPENDED_MS);
    audit_leaver_while(world, META_NODE_SUSPENDED, AUDIT_PASS);
    assert_int_equal(state_of(world, world->leaver), META_NODE_ACTIVE);
}

static void a_drain_that_is_cancelled_lets_the_node_take_shards_again(void **state)
{
    struct plan_world *world = *state;
    plan_world_after_calls(world, 4, plan_world_cancel_it);
    plan_world_start_drain(world, world->leaver);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_CANCELLED);
    assert_int_equal(state_of(world, world->leaver), META_NODE_ACTIVE);
    assert_true(move_world_held(&world->at, world->leaver) > 0);
    move_world_check(&world->at);
}

static void undraining_ends_the_plan_and_says_when_there_is_none(void **state)
{
    struct plan_world *world = *state;
    plan_world_assert_refused(world,
        meta_node_undrain(plan_world_store_of(world), world->leaver, plan_world_err_of(world)),
        "is not draining");
    plan_world_start_drain(world, world->leaver);
    assert_ok(
        meta_node_undrain(plan_world_store_of(world), world->leaver, plan_world_err_of(world)),
        plan_world_err_of(world));
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_CANCELLED);
    assert_int_equal(state_of(world, world->leaver), META_NODE_ACTIVE);
    assert_int_equal(meta_node_undrain(plan_world_store_of(world), 77, plan_world_err_of(world)),
        HEARTH_NOT_FOUND);
}

/* Two of a plan leave, and one of them is told to stay. */
static void undrain_meanwhile(struct plan_world *world)
{
    assert_ok(
        meta_node_undrain(plan_world_store_of(world), world->leaver, plan_world_err_of(world)),
        plan_world_err_of(world));
    rebalance_interrupt(world->at.world.coordinator->rebalance);
}

static void who_is_told_to_stay_gives_nothing_more(void **state)
{
    struct plan_world *world = *state;
    const uint32_t other = world->leaver % PLAN_WORLD_NODES + 1;
    const uint32_t leavers[] = {world->leaver, other};
    struct meta_rebalance plan = {.kind = REBALANCE_LEAVING, .starts = true};
    assert_ok(meta_rebalance_create(
                  plan_world_store_of(world), &plan, leavers, 2, plan_world_err_of(world)),
        plan_world_err_of(world));
    world->plan = plan.number;
    const unsigned held = move_world_held(&world->at, world->leaver);
    plan_world_after_calls(world, 0, undrain_meanwhile);
    plan_world_run_round(world);
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(move_world_held(&world->at, other), 0);
    assert_true(move_world_held(&world->at, world->leaver) >= held);
    move_world_check(&world->at);
}

static void a_drain_that_may_not_move_everything_ends_and_leaves_no_empty_node(void **state)
{
    struct plan_world *world = *state;
    const unsigned held = move_world_held(&world->at, world->leaver);
    struct meta_rebalance plan = {
        .kind = REBALANCE_LEAVING, .starts = true, .bytes_max = 3 * test_shard_size() + 1};
    assert_true(held > 3);
    assert_ok(meta_rebalance_create(
                  plan_world_store_of(world), &plan, &world->leaver, 1, plan_world_err_of(world)),
        plan_world_err_of(world));
    world->plan = plan.number;
    plan_world_run_round(world);
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(plan_world_plan_now(world).moves_done, 3);
    assert_non_null(strstr(plan_world_plan_now(world).reason, "another plan"));
    assert_int_equal(move_world_held(&world->at, world->leaver), held - 3);
    assert_int_equal(state_of(world, world->leaver), META_NODE_DRAINING);
    plan_world_assert_refused(world,
        meta_node_remove(
            plan_world_store_of(world), world->leaver, false, plan_world_err_of(world)),
        "may still hold data");

    plan_world_start_drain(world, world->leaver);
    plan_world_run_to_the_end(world);
    assert_int_equal(move_world_held(&world->at, world->leaver), 0);
    assert_ok(meta_node_remove(
                  plan_world_store_of(world), world->leaver, false, plan_world_err_of(world)),
        plan_world_err_of(world));
}

static uint64_t losses_of(struct plan_world *world, uint32_t number)
{
    struct meta_health_list list;
    struct arena arena;
    uint64_t losses = 0;
    arena_init(&arena, 0);
    assert_ok(meta_health_list(plan_world_store_of(world), &arena, &list, plan_world_err_of(world)),
        plan_world_err_of(world));
    for (size_t i = 0; i < list.count; i++) {
        losses += list.rows[i].number == number ? list.rows[i].losses : 0;
    }
    arena_fini(&arena);
    return losses;
}

static void only_a_node_that_was_drained_to_the_end_is_removed_without_force(void **state)
{
    struct plan_world *world = *state;
    plan_world_assert_refused(world,
        meta_node_remove(
            plan_world_store_of(world), world->leaver, false, plan_world_err_of(world)),
        "may still hold data");
    plan_world_start_drain(world, world->leaver);
    plan_world_assert_refused(world,
        meta_node_remove(
            plan_world_store_of(world), world->leaver, false, plan_world_err_of(world)),
        "may still hold data");
    plan_world_run_to_the_end(world);
    assert_ok(meta_node_remove(
                  plan_world_store_of(world), world->leaver, false, plan_world_err_of(world)),
        plan_world_err_of(world));
    assert_int_equal(state_of(world, world->leaver), META_NODE_GONE);
    assert_int_equal(losses_of(world, world->leaver), 0);
    plan_world_assert_refused(world,
        meta_node_remove(plan_world_store_of(world), world->leaver, true, plan_world_err_of(world)),
        "is gone already");
}

/* What it took after it had been undrained is not forgotten. */
static void an_old_drain_lets_nobody_remove_a_node_that_took_shards_since(void **state)
{
    struct plan_world *world = *state;
    plan_world_start_drain(world, world->leaver);
    plan_world_run_to_the_end(world);
    assert_ok(
        meta_node_undrain(plan_world_store_of(world), world->leaver, plan_world_err_of(world)),
        plan_world_err_of(world));
    plan_world_assert_refused(world,
        meta_node_remove(
            plan_world_store_of(world), world->leaver, false, plan_world_err_of(world)),
        "may still hold data");
    assert_int_equal(state_of(world, world->leaver), META_NODE_ACTIVE);
    while (move_world_held(&world->at, world->leaver) == 0) {
        move_world_upload(&world->at);
    }
    plan_world_start_drain(world, world->leaver);
    plan_world_assert_refused(world,
        meta_node_remove(
            plan_world_store_of(world), world->leaver, false, plan_world_err_of(world)),
        "may still hold data");
}

static void a_node_is_removed_by_force_in_the_middle_of_its_drain(void **state)
{
    struct plan_world *world = *state;
    plan_world_start_drain(world, world->leaver);
    assert_ok(
        meta_node_remove(plan_world_store_of(world), world->leaver, true, plan_world_err_of(world)),
        plan_world_err_of(world));
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_CANCELLED);
    assert_int_equal(state_of(world, world->leaver), META_NODE_GONE);
    assert_int_equal(losses_of(world, world->leaver), 1);
}

/* What it holds is lost like that of a node which nobody hears of any more, and once. */
static void a_removal_by_force_is_a_loss_on_record(void **state)
{
    struct plan_world *world = *state;
    struct meta_store *store = plan_world_store_of(world);
    const uint32_t other = world->leaver == 1 ? 2 : 1;
    assert_ok(meta_node_remove(store, world->leaver, true, plan_world_err_of(world)),
        plan_world_err_of(world));
    assert_int_equal(losses_of(world, world->leaver), 1);
    assert_ok(meta_health_lost(store, other, META_FENCE_NONE, plan_world_err_of(world)),
        plan_world_err_of(world));
    assert_ok(
        meta_node_remove(store, other, true, plan_world_err_of(world)), plan_world_err_of(world));
    assert_int_equal(losses_of(world, other), 1);
}

/* ---- others at the same time ---- */

static void forget_row(struct plan_world *world, unsigned index)
{
    move_world_delete(&world->at, index);
    for (unsigned i = index; i + 1 < world->at.row_count; i++) {
        world->at.rows[i] = world->at.rows[i + 1];
        world->at.keys[i] = world->at.keys[i + 1];
    }
    world->at.row_count--;
}

static void upload_and_delete(struct plan_world *world)
{
    move_world_upload(&world->at);
    forget_row(world, 0);
    plan_world_after_calls(world, 7, world->looked < 60 ? upload_and_delete : NULL);
}

static void a_drain_goes_on_beside_uploads_and_deletes(void **state)
{
    struct plan_world *world = *state;
    plan_world_after_calls(world, 5, upload_and_delete);
    plan_world_start_drain(world, world->leaver);
    plan_world_run_to_the_end(world);
    assert_int_equal(move_world_held(&world->at, world->leaver), 0);
    move_world_check(&world->at);
}

/* ---- by chance ---- */

enum { SEEDS = 8 };

static unsigned draw(struct plan_world *world, unsigned bound)
{
    return (unsigned)env_random_below(&world->at.world.env.env, bound);
}

/* At some call to a node: somebody writes, deletes, overwrites, or a step fails. */
static void anything(struct plan_world *world)
{
    static const char *const steps[] = {"coordinator.move.offered=error",
        "coordinator.move.copied=error", "coordinator.move.verified=error",
        "coordinator.rebalance.progress=error"};
    switch (draw(world, 5)) {
    case 0: move_world_upload(&world->at); break;
    case 1: forget_row(world, draw(world, world->at.row_count)); break;
    case 2: move_world_overwrite(&world->at, draw(world, world->at.row_count)); break;
    case 3: rebalance_interrupt(world->at.world.coordinator->rebalance); break;
    default:
        assert_ok(failpoint_arm(steps[draw(world, 4)], plan_world_err_of(world)),
            plan_world_err_of(world));
        break;
    }
    plan_world_after_calls(world, 1 + draw(world, 12), world->looked < 90 ? anything : NULL);
}

/* Between rounds: the process ends and comes back, an operator pauses and goes on. */
static void anybody(struct plan_world *world)
{
    switch (draw(world, 4)) {
    case 0: plan_world_restart(world); break;
    case 1:
        if (plan_world_command(world, META_REBALANCE_PAUSE) == HEARTH_OK) {
            plan_world_run_round(world);
            assert_ok(plan_world_command(world, META_REBALANCE_RESUME), plan_world_err_of(world));
        }
        break;
    default: break;
    }
}

static void run_seed(uint64_t seed)
{
    void *state;
    plan_world_set_up(&state);
    struct plan_world *world = state;
    for (uint64_t i = 0; i < seed; i++) {
        draw(world, 1 << 30);
    }
    plan_world_after_calls(world, 1 + draw(world, 9), anything);
    plan_world_start_drain(world, world->leaver);
    for (unsigned i = 0; i < 400 && plan_world_plan_now(world).state == META_REBALANCE_RUNNING;
         i++) {
        anybody(world);
        plan_world_run_round(world);
        move_world_pass_ms(&world->at, PLAN_WORLD_TICK_MS);
    }
    assert_ok(failpoint_arm(NULL, plan_world_err_of(world)), plan_world_err_of(world));
    if (move_world_held(&world->at, world->leaver) != 0) {
        fail_msg("seed %d: the node still holds something", (int)seed);
    }
    move_world_check(&world->at);
    plan_world_tear_down(&state);
}

static void whatever_happens_beside_it_a_drain_goes_on_and_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_seed(seed);
    }
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, plan_world_set_up, plan_world_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_drained_node_is_empty_and_every_segment_whole),
        CLAIM(it_is_called_empty_when_the_last_order_for_it_has_expired),
        CLAIM(it_is_not_looked_at_again_and_again_until_then),
        CLAIM(it_is_not_empty_while_an_upload_may_still_reach_it),
        CLAIM(a_drain_that_nobody_could_take_is_refused_with_what_is_missing),
        CLAIM(the_same_node_is_not_drained_twice),
        CLAIM(a_suspended_node_that_is_drained_goes_on_leaving_when_audits_let_it_come_back),
        CLAIM(a_suspended_node_that_nobody_drains_is_active_when_it_comes_back),
        CLAIM(a_drain_that_is_cancelled_lets_the_node_take_shards_again),
        CLAIM(undraining_ends_the_plan_and_says_when_there_is_none),
        CLAIM(who_is_told_to_stay_gives_nothing_more),
        CLAIM(a_drain_that_may_not_move_everything_ends_and_leaves_no_empty_node),
        CLAIM(only_a_node_that_was_drained_to_the_end_is_removed_without_force),
        CLAIM(an_old_drain_lets_nobody_remove_a_node_that_took_shards_since),
        CLAIM(a_node_is_removed_by_force_in_the_middle_of_its_drain),
        CLAIM(a_removal_by_force_is_a_loss_on_record),
        CLAIM(a_drain_goes_on_beside_uploads_and_deletes),
        cmocka_unit_test(whatever_happens_beside_it_a_drain_goes_on_and_loses_nothing),
    };
#undef CLAIM
    return cmocka_run_group_tests(tests, NULL, NULL);
}
