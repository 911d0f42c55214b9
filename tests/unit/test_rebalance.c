/*
 * rebalance: plans are worked out, applied, paused, cancelled and finished, whatever ends in
 * between; nodes are emptied, and called empty only when nothing can come to them any more.
 *
 * A watcher looks at every call to a node: no segment ever has fewer good shards than it had.
 */
#include "coordinator/rebalance.h"

#include "common/failpoint.h"
#include "tests/lib/move_world.h"
#include "tests/lib/test.h"

#include <stdlib.h>

enum { NODES = 12, NODES_MAX = 16, SEGMENTS = 24, TICK_MS = REBALANCE_WAIT_MS + 1000 };

struct fixture {
    struct move_world at;
    unsigned looked;                            /* of the watcher */
    void (*meanwhile)(struct fixture *fixture); /* once, at a call to a node; NULL: nothing */
    unsigned calls_before_meanwhile;
    uint64_t plan;
    uint32_t leaver; /* a node that holds something */
};

/* D7 */
static void look(struct fake_net *net, void *context)
{
    struct fixture *fixture = context;
    (void)net;
    const unsigned index = fixture->looked++ % fixture->at.row_count;
    assert_true(move_world_good(&fixture->at, index) == MOVE_WORLD_N);
    if (fixture->meanwhile != NULL && fixture->calls_before_meanwhile-- == 0) {
        void (*meanwhile)(struct fixture *) = fixture->meanwhile;
        fixture->meanwhile = NULL;
        meanwhile(fixture);
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    move_world_init(&fixture->at, NODES, NODES_MAX);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        move_world_upload(&fixture->at);
    }
    fixture->leaver = fixture->at.rows[0].holders[2].node;
    fixture->at.net.at_open = look;
    fixture->at.net.at_open_context = fixture;
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

static struct meta_store *store_of(struct fixture *fixture)
{
    return fixture->at.world.coordinator->store;
}

static struct hearth_err *err_of(struct fixture *fixture)
{
    return &fixture->at.world.err;
}

static void run_round(struct fixture *fixture)
{
    rebalance_round(NULL, fixture->at.world.coordinator->rebalance);
}

static struct meta_rebalance plan_now(struct fixture *fixture)
{
    return move_world_read_plan(&fixture->at, fixture->plan);
}

static enum hearth_code command(struct fixture *fixture, enum meta_rebalance_command what)
{
    return meta_rebalance_command(
        store_of(fixture), fixture->plan, what, plan_now(fixture).fleet, err_of(fixture));
}

/* Worked out, not applied. */
static void make_plan(struct fixture *fixture, enum rebalance_kind kind, uint32_t leaving)
{
    fixture->plan = move_world_plan(&fixture->at, kind, leaving, false).number;
    run_round(fixture);
}

static void run_to_the_end(struct fixture *fixture)
{
    for (unsigned i = 0; i < 400 && plan_now(fixture).state == META_REBALANCE_RUNNING; i++) {
        run_round(fixture);
        move_world_pass_ms(&fixture->at, TICK_MS);
    }
}

static void restart(struct fixture *fixture)
{
    struct coordinator *coordinator = fixture->at.world.coordinator;
    rebalance_destroy(coordinator->rebalance);
    coordinator->rebalance = rebalance_create(coordinator, 1);
    rebalance_use_session(
        coordinator->rebalance, &fixture->at.net.net, fixture->at.customer.session);
}

/* ---- by space ---- */

static void assert_even(struct fixture *fixture)
{
    const unsigned share = SEGMENTS * MOVE_WORLD_N / NODES_MAX;
    for (uint32_t node = 1; node <= NODES_MAX; node++) {
        assert_in_range(move_world_held(&fixture->at, node), share - 1, share + 1);
    }
}

static void nothing_moves_before_a_plan_is_applied(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    make_plan(fixture, REBALANCE_SPACE, 0);
    const struct meta_rebalance plan = plan_now(fixture);
    assert_int_equal(plan.state, META_REBALANCE_PLANNED);
    assert_true(plan.moves_planned > 0);
    assert_int_equal(plan.bytes_planned, plan.moves_planned * test_shard_size());
    assert_int_equal(plan.least_before, 0);
    assert_true(plan.least_after > 90);
    run_round(fixture);
    assert_int_equal(fixture->looked, 0);
    assert_int_equal(plan_now(fixture).moves_done, 0);
}

static void new_nodes_get_their_share_with_as_many_moves_as_planned(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    make_plan(fixture, REBALANCE_SPACE, 0);
    assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
    run_to_the_end(fixture);
    const struct meta_rebalance plan = plan_now(fixture);
    assert_int_equal(plan.state, META_REBALANCE_DONE);
    assert_int_equal(plan.moves_done, plan.moves_planned);
    assert_even(fixture);
    move_world_check(&fixture->at);
    assert_true(fixture->looked >= 3 * plan.moves_done);
}

static void a_process_that_ends_anywhere_goes_on_where_it_was(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    make_plan(fixture, REBALANCE_SPACE, 0);
    assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
    static const char *const steps[] = {"coordinator.move.offered:3=error",
        "coordinator.move.copied:2=error", "coordinator.move.verified:2=error",
        "coordinator.rebalance.progress=error"};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_ok(failpoint_arm(steps[i], err_of(fixture)), err_of(fixture));
        run_round(fixture);
        restart(fixture);
        move_world_pass_ms(&fixture->at, TICK_MS);
    }
    assert_ok(failpoint_arm(NULL, err_of(fixture)), err_of(fixture));
    run_to_the_end(fixture);
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_DONE);
    assert_int_equal(plan_now(fixture).moves_done, plan_now(fixture).moves_planned);
    assert_even(fixture);
    move_world_check(&fixture->at);
}

static void a_plan_may_be_limited_in_bytes(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    struct meta_rebalance plan = {.kind = REBALANCE_SPACE, .bytes_max = 5 * test_shard_size() + 1};
    assert_ok(
        meta_rebalance_create(store_of(fixture), &plan, NULL, 0, err_of(fixture)), err_of(fixture));
    fixture->plan = plan.number;
    run_round(fixture);
    assert_int_equal(plan_now(fixture).moves_planned, 5);
    assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
    run_to_the_end(fixture);
    assert_int_equal(plan_now(fixture).moves_done, 5);
}

/* 100 KiB/s: each shard of 73 KiB takes most of a second. */
static void moves_take_the_time_that_the_bandwidth_gives_them(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    struct meta_rebalance plan = {
        .kind = REBALANCE_SPACE, .bytes_max = 20 * test_shard_size() + 1, .bandwidth = 100 * 1024};
    assert_ok(
        meta_rebalance_create(store_of(fixture), &plan, NULL, 0, err_of(fixture)), err_of(fixture));
    fixture->plan = plan.number;
    run_round(fixture);
    assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
    const uint64_t began = env_now_ns(&fixture->at.world.env.env);
    run_round(fixture);
    const uint64_t ms = (env_now_ns(&fixture->at.world.env.env) - began) / 1000000;
    assert_int_equal(plan_now(fixture).moves_done, 20);
    assert_in_range(ms, 19 * test_shard_size() * 1000 / (100 * 1024) - 200,
        21 * test_shard_size() * 1000 / (100 * 1024) + 200);
}

/* ---- an operator's hand ---- */

static void pause_it(struct fixture *fixture)
{
    assert_ok(command(fixture, META_REBALANCE_PAUSE), err_of(fixture));
    rebalance_interrupt(fixture->at.world.coordinator->rebalance);
}

static void cancel_it(struct fixture *fixture)
{
    assert_ok(command(fixture, META_REBALANCE_CANCEL), err_of(fixture));
    rebalance_interrupt(fixture->at.world.coordinator->rebalance);
}

static void after_calls(
    struct fixture *fixture, unsigned calls, void (*meanwhile)(struct fixture *fixture))
{
    fixture->calls_before_meanwhile = calls;
    fixture->meanwhile = meanwhile;
}

static void a_plan_that_is_paused_rests_and_goes_on(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    make_plan(fixture, REBALANCE_SPACE, 0);
    assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
    after_calls(fixture, 10, pause_it);
    run_round(fixture);
    const uint64_t moved = plan_now(fixture).moves_done;
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_PAUSED);
    assert_true(moved > 0 && moved < plan_now(fixture).moves_planned);
    run_round(fixture);
    assert_int_equal(plan_now(fixture).moves_done, moved);
    move_world_check(&fixture->at);

    assert_ok(command(fixture, META_REBALANCE_RESUME), err_of(fixture));
    run_to_the_end(fixture);
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_DONE);
    assert_int_equal(plan_now(fixture).moves_done, plan_now(fixture).moves_planned);
    assert_even(fixture);
}

/* After each number of calls, also between the last one and the swap of the last move. */
static void a_plan_may_be_cancelled_at_any_step(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    for (unsigned calls = 0; calls < 9; calls++) {
        struct meta_rebalance plan = {
            .kind = REBALANCE_SPACE, .bytes_max = 3 * test_shard_size() + 1};
        assert_ok(meta_rebalance_create(store_of(fixture), &plan, NULL, 0, err_of(fixture)),
            err_of(fixture));
        fixture->plan = plan.number;
        run_round(fixture);
        assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
        after_calls(fixture, calls, cancel_it);
        run_round(fixture);
        assert_int_equal(plan_now(fixture).state, META_REBALANCE_CANCELLED);
        assert_int_equal(plan_now(fixture).moves_done, calls / 3);
        move_world_check(&fixture->at);
    }
}

static void assert_refused(struct fixture *fixture, enum hearth_code code, const char *why)
{
    assert_int_equal(code, HEARTH_CONFLICT);
    if (strstr(err_of(fixture)->message, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err_of(fixture)->message, why);
    }
}

static void what_does_not_fit_the_state_of_a_plan_is_refused_and_said(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    make_plan(fixture, REBALANCE_SPACE, 0);
    assert_refused(fixture, command(fixture, META_REBALANCE_PAUSE), "is planned");
    assert_refused(fixture, command(fixture, META_REBALANCE_RESUME), "is planned");
    assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
    assert_refused(fixture, command(fixture, META_REBALANCE_APPLY), "is running already");
    run_to_the_end(fixture);
    assert_refused(fixture, command(fixture, META_REBALANCE_APPLY), "is done");
    assert_refused(fixture, command(fixture, META_REBALANCE_CANCEL), "is done");
    const enum hearth_code code =
        meta_rebalance_command(store_of(fixture), 99, META_REBALANCE_APPLY, 0, err_of(fixture));
    assert_int_equal(code, HEARTH_NOT_FOUND);
}

static void of_two_plans_by_space_the_second_has_to_wait(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, NODES_MAX - NODES);
    make_plan(fixture, REBALANCE_SPACE, 0);
    const uint64_t first = fixture->plan;
    make_plan(fixture, REBALANCE_SPACE, 0);
    const uint64_t second = fixture->plan;
    fixture->plan = first;
    assert_ok(command(fixture, META_REBALANCE_APPLY), err_of(fixture));
    fixture->plan = second;
    assert_refused(fixture, command(fixture, META_REBALANCE_APPLY), "plan 1 (space) runs now");
}

static void a_plan_for_another_fleet_or_of_another_day_is_stale(void **state)
{
    struct fixture *fixture = *state;
    move_world_add_nodes(&fixture->at, 1);
    make_plan(fixture, REBALANCE_SPACE, 0);
    const enum hearth_code code = meta_rebalance_command(store_of(fixture), fixture->plan,
        META_REBALANCE_APPLY, plan_now(fixture).fleet ^ 1, err_of(fixture));
    assert_refused(fixture, code, "is stale");
    test_env_step_ms(&fixture->at.world.env, 25 * 60 * 60 * 1000);
    assert_refused(fixture, command(fixture, META_REBALANCE_APPLY), "older than a day");
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_PLANNED);
}

static void there_is_room_for_so_many_open_plans(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < META_REBALANCE_OPEN_MAX; i++) {
        make_plan(fixture, REBALANCE_SPACE, 0);
    }
    struct meta_rebalance plan = {.kind = REBALANCE_SPACE};
    assert_int_equal(
        meta_rebalance_create(store_of(fixture), &plan, NULL, 0, err_of(fixture)), HEARTH_BUSY);
    assert_ok(command(fixture, META_REBALANCE_CANCEL), err_of(fixture));
    assert_ok(
        meta_rebalance_create(store_of(fixture), &plan, NULL, 0, err_of(fixture)), err_of(fixture));
}

/* ---- nodes that leave ---- */

static enum node_health health_of(struct fixture *fixture, uint32_t node)
{
    uint64_t silent;
    return node_table_health(fixture->at.world.coordinator->nodes, node, &silent);
}

static void start_drain(struct fixture *fixture, uint32_t node)
{
    fixture->plan = move_world_plan(&fixture->at, REBALANCE_LEAVING, node, true).number;
    run_round(fixture);
}

static void a_drained_node_is_empty_and_every_segment_whole(void **state)
{
    struct fixture *fixture = *state;
    assert_true(move_world_held(&fixture->at, fixture->leaver) > 0);
    start_drain(fixture, fixture->leaver);
    assert_int_equal(health_of(fixture, fixture->leaver), NODE_DRAINING);
    run_to_the_end(fixture);
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_DONE);
    assert_int_equal(move_world_held(&fixture->at, fixture->leaver), 0);
    move_world_check(&fixture->at);
}

/* Readers may have orders for what was moved: ten minutes, and the slack. */
static void it_is_called_empty_when_the_last_order_for_it_has_expired(void **state)
{
    struct fixture *fixture = *state;
    start_drain(fixture, fixture->leaver);
    for (uint64_t ms = 0; ms < META_ORDER_MS; ms += TICK_MS) {
        run_round(fixture);
        assert_int_equal(plan_now(fixture).state, META_REBALANCE_RUNNING);
        move_world_pass_ms(&fixture->at, TICK_MS);
    }
    assert_int_equal(move_world_held(&fixture->at, fixture->leaver), 0);
    assert_non_null(strstr(plan_now(fixture).reason, "expired"));
    run_to_the_end(fixture);
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_DONE);
}

/* An upload that began before the drain may still bring it a shard. */
static void it_is_not_empty_while_an_upload_may_still_reach_it(void **state)
{
    struct fixture *fixture = *state;
    struct test_segment segment;
    struct wire_extent extent;
    struct wire_commit_reply committed;
    test_open_segment(&fixture->at.customer, "late", &segment);
    uint32_t node = 0;
    assert_true(node_table_find(fixture->at.world.coordinator->nodes,
        segment.opened.placements[0].node->node_id.bytes, &node));
    start_drain(fixture, node);
    for (unsigned i = 0; i < 20; i++) {
        run_round(fixture);
        move_world_pass_ms(&fixture->at, TICK_MS);
    }
    assert_int_equal(move_world_held(&fixture->at, node), 0);
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_RUNNING);

    const struct wire_seal_segment_request seal = test_ask_seal(&segment);
    const struct wire_commit_request commit =
        test_ask_commit(&fixture->at.customer, &segment, &seal, &extent);
    assert_ok(test_ask(&fixture->at.customer, RPC_COMMIT, &commit, &committed), err_of(fixture));
    for (unsigned i = 0; i < 200; i++) { /* nobody has the bytes: it cannot be moved */
        run_round(fixture);
        move_world_pass_ms(&fixture->at, TICK_MS);
    }
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_RUNNING);
    assert_true(plan_now(fixture).reason[0] != '\0');
}

/* Twelve nodes; without five of them only seven are left for eight slots. */
static void a_drain_that_nobody_could_take_is_refused_with_what_is_missing(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t leaving[] = {1, 2, 3, 4, 5};
    struct meta_rebalance plan = {.kind = REBALANCE_LEAVING, .starts = true};
    assert_ok(meta_rebalance_create(store_of(fixture), &plan, leaving, 5, err_of(fixture)),
        err_of(fixture));
    fixture->plan = plan.number;
    run_round(fixture);
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_FAILED);
    assert_non_null(strstr(plan_now(fixture).reason, "have nowhere to go"));
    assert_non_null(strstr(plan_now(fixture).reason, "and 7 nodes take shards now"));
    assert_int_equal(health_of(fixture, 1), NODE_ALIVE);
    assert_refused(fixture, command(fixture, META_REBALANCE_APPLY), "cannot be carried out");
}

static void the_same_node_is_not_drained_twice(void **state)
{
    struct fixture *fixture = *state;
    start_drain(fixture, fixture->leaver);
    struct meta_rebalance plan = {.kind = REBALANCE_LEAVING};
    assert_refused(fixture,
        meta_rebalance_create(store_of(fixture), &plan, &fixture->leaver, 1, err_of(fixture)),
        "drained by plan 1 already");
}

static enum meta_node_state state_of(struct fixture *fixture, uint32_t node)
{
    assert_ok(
        node_table_reload(fixture->at.world.coordinator->nodes, err_of(fixture)), err_of(fixture));
    struct node_status_list list;
    assert_ok(node_table_list(fixture->at.world.coordinator->nodes, &fixture->at.world.arena, &list,
                  err_of(fixture)),
        err_of(fixture));
    return list.nodes[node - 1].node.state;
}

static void a_drain_that_is_cancelled_lets_the_node_take_shards_again(void **state)
{
    struct fixture *fixture = *state;
    after_calls(fixture, 4, cancel_it);
    start_drain(fixture, fixture->leaver);
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_CANCELLED);
    assert_int_equal(state_of(fixture, fixture->leaver), META_NODE_ACTIVE);
    assert_true(move_world_held(&fixture->at, fixture->leaver) > 0);
    move_world_check(&fixture->at);
}

static void undraining_ends_the_plan_and_says_when_there_is_none(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, meta_node_undrain(store_of(fixture), fixture->leaver, err_of(fixture)),
        "is not draining");
    start_drain(fixture, fixture->leaver);
    assert_ok(
        meta_node_undrain(store_of(fixture), fixture->leaver, err_of(fixture)), err_of(fixture));
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_CANCELLED);
    assert_int_equal(state_of(fixture, fixture->leaver), META_NODE_ACTIVE);
    assert_int_equal(meta_node_undrain(store_of(fixture), 77, err_of(fixture)), HEARTH_NOT_FOUND);
}

static void only_a_node_that_was_drained_to_the_end_is_removed_without_force(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture,
        meta_node_remove(store_of(fixture), fixture->leaver, false, err_of(fixture)),
        "may still hold data");
    start_drain(fixture, fixture->leaver);
    assert_refused(fixture,
        meta_node_remove(store_of(fixture), fixture->leaver, false, err_of(fixture)),
        "may still hold data");
    run_to_the_end(fixture);
    assert_ok(meta_node_remove(store_of(fixture), fixture->leaver, false, err_of(fixture)),
        err_of(fixture));
    assert_int_equal(state_of(fixture, fixture->leaver), META_NODE_GONE);
    assert_refused(fixture,
        meta_node_remove(store_of(fixture), fixture->leaver, true, err_of(fixture)),
        "is gone already");
}

/* What it took after it had been undrained is not forgotten. */
static void an_old_drain_lets_nobody_remove_a_node_that_took_shards_since(void **state)
{
    struct fixture *fixture = *state;
    start_drain(fixture, fixture->leaver);
    run_to_the_end(fixture);
    assert_ok(
        meta_node_undrain(store_of(fixture), fixture->leaver, err_of(fixture)), err_of(fixture));
    assert_refused(fixture,
        meta_node_remove(store_of(fixture), fixture->leaver, false, err_of(fixture)),
        "may still hold data");
    assert_int_equal(state_of(fixture, fixture->leaver), META_NODE_ACTIVE);
    while (move_world_held(&fixture->at, fixture->leaver) == 0) {
        move_world_upload(&fixture->at);
    }
    start_drain(fixture, fixture->leaver);
    assert_refused(fixture,
        meta_node_remove(store_of(fixture), fixture->leaver, false, err_of(fixture)),
        "may still hold data");
}

static void a_node_is_removed_by_force_in_the_middle_of_its_drain(void **state)
{
    struct fixture *fixture = *state;
    start_drain(fixture, fixture->leaver);
    assert_ok(meta_node_remove(store_of(fixture), fixture->leaver, true, err_of(fixture)),
        err_of(fixture));
    assert_int_equal(plan_now(fixture).state, META_REBALANCE_CANCELLED);
    assert_int_equal(state_of(fixture, fixture->leaver), META_NODE_GONE);
}

/* ---- others at the same time ---- */

static void upload_and_delete(struct fixture *fixture)
{
    move_world_upload(&fixture->at);
    move_world_delete(&fixture->at, 0);
    fixture->at.rows[0] = fixture->at.rows[--fixture->at.row_count];
    fixture->meanwhile =
        fixture->at.row_count < SEGMENTS + 1 && fixture->looked < 60 ? upload_and_delete : NULL;
    fixture->calls_before_meanwhile = 7;
}

static void a_drain_goes_on_beside_uploads_and_deletes(void **state)
{
    struct fixture *fixture = *state;
    after_calls(fixture, 5, upload_and_delete);
    start_drain(fixture, fixture->leaver);
    run_to_the_end(fixture);
    assert_int_equal(move_world_held(&fixture->at, fixture->leaver), 0);
    move_world_check(&fixture->at);
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(nothing_moves_before_a_plan_is_applied),
        CLAIM(new_nodes_get_their_share_with_as_many_moves_as_planned),
        CLAIM(a_process_that_ends_anywhere_goes_on_where_it_was),
        CLAIM(a_plan_may_be_limited_in_bytes),
        CLAIM(moves_take_the_time_that_the_bandwidth_gives_them),
        CLAIM(a_plan_that_is_paused_rests_and_goes_on),
        CLAIM(a_plan_may_be_cancelled_at_any_step),
        CLAIM(what_does_not_fit_the_state_of_a_plan_is_refused_and_said),
        CLAIM(of_two_plans_by_space_the_second_has_to_wait),
        CLAIM(a_plan_for_another_fleet_or_of_another_day_is_stale),
        CLAIM(there_is_room_for_so_many_open_plans),
        CLAIM(a_drained_node_is_empty_and_every_segment_whole),
        CLAIM(it_is_called_empty_when_the_last_order_for_it_has_expired),
        CLAIM(it_is_not_empty_while_an_upload_may_still_reach_it),
        CLAIM(a_drain_that_nobody_could_take_is_refused_with_what_is_missing),
        CLAIM(the_same_node_is_not_drained_twice),
        CLAIM(a_drain_that_is_cancelled_lets_the_node_take_shards_again),
        CLAIM(undraining_ends_the_plan_and_says_when_there_is_none),
        CLAIM(only_a_node_that_was_drained_to_the_end_is_removed_without_force),
        CLAIM(an_old_drain_lets_nobody_remove_a_node_that_took_shards_since),
        CLAIM(a_node_is_removed_by_force_in_the_middle_of_its_drain),
        CLAIM(a_drain_goes_on_beside_uploads_and_deletes),
    };
#undef CLAIM
    return cmocka_run_group_tests(tests, NULL, NULL);
}
