/*
 * rebalance: plans are worked out, applied, paused, cancelled and finished, whatever ends in
 * between; nodes are emptied, and called empty only when nothing can come to them any more.
 *
 * A watcher looks at every call to a node: no segment ever has fewer good shards than it had.
 */
#include "coordinator/rebalance/rebalance.h"

#include "tests/lib/plan_world.h"
#include "tests/lib/test.h"

/* ---- by space ---- */

static void assert_even(struct plan_world *world)
{
    const unsigned share = PLAN_WORLD_SEGMENTS * MOVE_WORLD_N / PLAN_WORLD_NODES_MAX;
    for (uint32_t node = 1; node <= PLAN_WORLD_NODES_MAX; node++) {
        assert_in_range(move_world_held(&world->at, node), share - 1, share + 1);
    }
}

static void nothing_moves_before_a_plan_is_applied(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    const struct meta_rebalance plan = plan_world_plan_now(world);
    assert_int_equal(plan.state, META_REBALANCE_PLANNED);
    assert_true(plan.moves_planned > 0);
    assert_int_equal(plan.bytes_planned, plan.moves_planned * test_shard_size());
    assert_int_equal(plan.least_before, 0);
    assert_true(plan.least_after > 90);
    plan_world_run_round(world);
    assert_int_equal(world->looked, 0);
    assert_int_equal(plan_world_plan_now(world).moves_done, 0);
}

static void new_nodes_get_their_share_with_as_many_moves_as_planned(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    plan_world_run_to_the_end(world);
    const struct meta_rebalance plan = plan_world_plan_now(world);
    assert_int_equal(plan.state, META_REBALANCE_DONE);
    assert_int_equal(plan.moves_done, plan.moves_planned);
    assert_even(world);
    move_world_check(&world->at);
    assert_true(world->looked >= 3 * plan.moves_done);
}

static void a_process_that_ends_anywhere_goes_on_where_it_was(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    static const char *const steps[] = {"coordinator.move.offered:3=error",
        "coordinator.move.copied:2=error", "coordinator.move.verified:2=error",
        "coordinator.rebalance.progress=error"};
    plan_world_restart_at(world, steps, sizeof(steps) / sizeof(steps[0]));
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(
        plan_world_plan_now(world).moves_done, plan_world_plan_now(world).moves_planned);
    assert_even(world);
    move_world_check(&world->at);
}

static void set_uplink(struct plan_world *world, uint32_t node, uint64_t bits)
{
    assert_ok(
        meta_node_set_uplink(plan_world_store_of(world), node, bits, plan_world_err_of(world)),
        plan_world_err_of(world));
    assert_ok(node_table_reload(world->at.world.coordinator->nodes, plan_world_err_of(world)),
        plan_world_err_of(world));
}

/* 10 Mbit/s where nobody has said it; then the thinnest that has something to do counts. */
static void a_plan_takes_as_long_as_the_line_that_is_busiest(void **state)
{
    struct plan_world *world = *state;
    plan_world_make_plan(world, REBALANCE_LEAVING, world->leaver);
    const struct meta_rebalance before = plan_world_plan_now(world);
    assert_int_equal(before.line_ms, before.bytes_planned * 8 / 10000);
    plan_world_cancel_it(world);
    set_uplink(world, world->leaver, 100000);
    plan_world_make_plan(world, REBALANCE_LEAVING, world->leaver);
    const struct meta_rebalance after = plan_world_plan_now(world);
    assert_int_equal(after.line_ms, after.bytes_planned * 8 / 100);
    assert_int_not_equal(after.fleet, before.fleet);
}

static void a_plan_may_be_limited_in_bytes(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    struct meta_rebalance plan = {.kind = REBALANCE_SPACE, .bytes_max = 5 * test_shard_size() + 1};
    assert_ok(
        meta_rebalance_create(plan_world_store_of(world), &plan, NULL, 0, plan_world_err_of(world)),
        plan_world_err_of(world));
    world->plan = plan.number;
    plan_world_run_round(world);
    assert_int_equal(plan_world_plan_now(world).moves_planned, 5);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).moves_done, 5);
}

/* Nodes go on being heard of while moves take their time. */
static void beat(struct fake_net *net, void *context)
{
    struct plan_world *world = context;
    const uint64_t now_ns = env_now_ns(&net->env->env);
    if (now_ns >= world->beaten_ns + UINT64_C(1000000) * TEST_HEARTBEAT_MS) {
        world->beaten_ns = now_ns;
        for (unsigned i = 0; i < world->at.node_count; i++) {
            test_coordinator_heartbeat(&world->at.world, world->at.nodes[i]);
        }
    }
}

/* 100 KiB/s: each shard of 73 KiB takes most of a second. */
static void moves_take_the_time_that_the_bandwidth_gives_them(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    struct meta_rebalance plan = {
        .kind = REBALANCE_SPACE, .bytes_max = 20 * test_shard_size() + 1, .bandwidth = 100 * 1024};
    assert_ok(
        meta_rebalance_create(plan_world_store_of(world), &plan, NULL, 0, plan_world_err_of(world)),
        plan_world_err_of(world));
    world->plan = plan.number;
    plan_world_run_round(world);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    const uint64_t began = env_now_ns(&world->at.world.env.env);
    world->at.net.at_wait = beat;
    world->at.net.at_wait_context = world;
    plan_world_run_round(world);
    const uint64_t ms = (env_now_ns(&world->at.world.env.env) - began) / 1000000;
    world->at.net.at_wait = NULL;
    assert_int_equal(plan_world_plan_now(world).moves_done, 20);
    assert_in_range(ms, 19 * test_shard_size() * 1000 / (100 * 1024) - 200,
        21 * test_shard_size() * 1000 / (100 * 1024) + 200);
}

/* ---- an operator's hand ---- */

static void a_plan_that_is_paused_rests_and_goes_on(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    plan_world_after_calls(world, 10, plan_world_pause_it);
    plan_world_run_round(world);
    const uint64_t moved = plan_world_plan_now(world).moves_done;
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_PAUSED);
    assert_true(moved > 0 && moved < plan_world_plan_now(world).moves_planned);
    plan_world_run_round(world);
    assert_int_equal(plan_world_plan_now(world).moves_done, moved);
    move_world_check(&world->at);

    assert_ok(plan_world_command(world, META_REBALANCE_RESUME), plan_world_err_of(world));
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(
        plan_world_plan_now(world).moves_done, plan_world_plan_now(world).moves_planned);
    assert_even(world);
}

/* After each number of calls, also between the last one and the swap of the last move. */
static void a_plan_may_be_cancelled_at_any_step(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    for (unsigned calls = 0; calls < 9; calls++) {
        struct meta_rebalance plan = {
            .kind = REBALANCE_SPACE, .bytes_max = 3 * test_shard_size() + 1};
        assert_ok(meta_rebalance_create(
                      plan_world_store_of(world), &plan, NULL, 0, plan_world_err_of(world)),
            plan_world_err_of(world));
        world->plan = plan.number;
        plan_world_run_round(world);
        assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
        plan_world_after_calls(world, calls, plan_world_cancel_it);
        plan_world_run_round(world);
        assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_CANCELLED);
        assert_int_equal(plan_world_plan_now(world).moves_done, calls / 3);
        move_world_check(&world->at);
    }
}

static void what_does_not_fit_the_state_of_a_plan_is_refused_and_said(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    plan_world_assert_refused(world, plan_world_command(world, META_REBALANCE_PAUSE), "is planned");
    plan_world_assert_refused(
        world, plan_world_command(world, META_REBALANCE_RESUME), "is planned");
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    plan_world_assert_refused(
        world, plan_world_command(world, META_REBALANCE_APPLY), "is running already");
    plan_world_run_to_the_end(world);
    plan_world_assert_refused(world, plan_world_command(world, META_REBALANCE_APPLY), "is done");
    plan_world_assert_refused(world, plan_world_command(world, META_REBALANCE_CANCEL), "is done");
    const enum hearth_code code = meta_rebalance_command(
        plan_world_store_of(world), 99, META_REBALANCE_APPLY, 0, plan_world_err_of(world));
    assert_int_equal(code, HEARTH_NOT_FOUND);
}

static void of_two_plans_by_space_the_second_has_to_wait(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    const uint64_t first = world->plan;
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    const uint64_t second = world->plan;
    world->plan = first;
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
    world->plan = second;
    plan_world_assert_refused(
        world, plan_world_command(world, META_REBALANCE_APPLY), "plan 1 (space) runs now");
}

static void a_plan_for_another_fleet_or_of_another_day_is_stale(void **state)
{
    struct plan_world *world = *state;
    move_world_add_nodes(&world->at, 1);
    plan_world_make_plan(world, REBALANCE_SPACE, 0);
    const enum hearth_code code = meta_rebalance_command(plan_world_store_of(world), world->plan,
        META_REBALANCE_APPLY, plan_world_plan_now(world).fleet ^ 1, plan_world_err_of(world));
    plan_world_assert_refused(world, code, "is stale");
    test_env_step_ms(&world->at.world.env, 25 * 60 * 60 * 1000);
    plan_world_assert_refused(
        world, plan_world_command(world, META_REBALANCE_APPLY), "older than a day");
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_PLANNED);
}

static void there_is_room_for_so_many_open_plans(void **state)
{
    struct plan_world *world = *state;
    for (unsigned i = 0; i < META_REBALANCE_OPEN_MAX; i++) {
        plan_world_make_plan(world, REBALANCE_SPACE, 0);
    }
    struct meta_rebalance plan = {.kind = REBALANCE_SPACE};
    assert_int_equal(
        meta_rebalance_create(plan_world_store_of(world), &plan, NULL, 0, plan_world_err_of(world)),
        HEARTH_BUSY);
    assert_ok(plan_world_command(world, META_REBALANCE_CANCEL), plan_world_err_of(world));
    assert_ok(
        meta_rebalance_create(plan_world_store_of(world), &plan, NULL, 0, plan_world_err_of(world)),
        plan_world_err_of(world));
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, plan_world_set_up, plan_world_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(nothing_moves_before_a_plan_is_applied),
        CLAIM(new_nodes_get_their_share_with_as_many_moves_as_planned),
        CLAIM(a_process_that_ends_anywhere_goes_on_where_it_was),
        CLAIM(a_plan_takes_as_long_as_the_line_that_is_busiest),
        CLAIM(a_plan_may_be_limited_in_bytes),
        CLAIM(moves_take_the_time_that_the_bandwidth_gives_them),
        CLAIM(a_plan_that_is_paused_rests_and_goes_on),
        CLAIM(a_plan_may_be_cancelled_at_any_step),
        CLAIM(what_does_not_fit_the_state_of_a_plan_is_refused_and_said),
        CLAIM(of_two_plans_by_space_the_second_has_to_wait),
        CLAIM(a_plan_for_another_fleet_or_of_another_day_is_stale),
        CLAIM(there_is_room_for_so_many_open_plans),
    };
#undef CLAIM
    return cmocka_run_group_tests(tests, NULL, NULL);
}
