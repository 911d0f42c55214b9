/*
 * A verb of an operator ends copies that are under way at once, whatever the nodes do, and leaves
 * everything as it was: nobody is blamed, and what was half copied moves another time.
 */
#include "coordinator/halt.h"
#include "coordinator/rebalance/rebalance.h"

#include "tests/lib/plan_world.h"
#include "tests/lib/test.h"

enum { AT_ONCE_MS = HALT_LOOK_MS + 10 };

/* An operator who acts at one of the waits for nodes, and a clock that sees how long that takes. */
struct hand {
    struct plan_world *world;
    void (*act)(struct plan_world *world);
    unsigned waits; /* before it acts */
    bool has_acted;
    uint64_t acted_ns;
    uint64_t plan; /* a new one, which it made */
    uint64_t planned_ns;
};

static uint64_t now_ns(struct plan_world *world)
{
    return env_now_ns(&world->at.world.env.env);
}

static bool is_planned(struct hand *hand)
{
    return hand->plan != 0 && hand->planned_ns == 0 &&
        move_world_read_plan(&hand->world->at, hand->plan).state == META_REBALANCE_PLANNED;
}

static void act_at_wait(struct fake_net *net, void *context)
{
    struct hand *hand = context;
    (void)net;
    if (is_planned(hand)) {
        hand->planned_ns = now_ns(hand->world);
    }
    if (hand->has_acted || hand->waits-- > 0) {
        return;
    }
    hand->has_acted = true;
    hand->acted_ns = now_ns(hand->world);
    if (hand->act != NULL) {
        hand->act(hand->world);
        return;
    }
    hand->plan = move_world_plan(&hand->world->at, REBALANCE_SPACE, 0, false).number;
    rebalance_interrupt(hand->world->at.world.coordinator->rebalance);
}

static void raise_hand(struct hand *hand, struct plan_world *world, unsigned waits,
    void (*act)(struct plan_world *world))
{
    *hand = (struct hand){.world = world, .act = act, .waits = waits};
    world->at.net.at_wait = act_at_wait;
    world->at.net.at_wait_context = hand;
}

/* Whoever is to take a shard is connected, and silent from then on. */
static enum fake_manner takers_have_stopped(void *context, const struct fake_order *order)
{
    (void)context;
    return order->action == FAKE_PUT ? FAKE_STOPPED : FAKE_HONEST;
}

static void assert_nobody_is_blamed(struct plan_world *world)
{
    struct arena arena;
    struct node_status_list list;
    arena_init(&arena, 0);
    assert_ok(node_table_list(
                  world->at.world.coordinator->nodes, &arena, &list, plan_world_err_of(world)),
        plan_world_err_of(world));
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(list.nodes[i].repair_reports, 0);
    }
    arena_fini(&arena);
}

static void undrain_it(struct plan_world *world)
{
    assert_ok(
        meta_node_undrain(plan_world_store_of(world), world->leaver, plan_world_err_of(world)),
        plan_world_err_of(world));
    rebalance_interrupt(world->at.world.coordinator->rebalance);
}

static void a_verb_ends_copies_to_nodes_that_have_stopped(void **state)
{
    static void (*const verbs[])(struct plan_world *) = {
        plan_world_pause_it, plan_world_cancel_it, undrain_it};
    struct plan_world *world = *state;
    world->at.net.choose_manner = takers_have_stopped;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        struct hand hand;
        raise_hand(&hand, world, 2, verbs[i]);
        plan_world_start_drain(world, world->leaver);
        assert_true(hand.has_acted);
        assert_in_range(now_ns(world) - hand.acted_ns, 0, UINT64_C(1000000) * AT_ONCE_MS);
        assert_int_not_equal(plan_world_plan_now(world).state, META_REBALANCE_RUNNING);
        assert_int_equal(plan_world_plan_now(world).moves_done, 0);
        move_world_check(&world->at);
        assert_nobody_is_blamed(world);
        if (plan_world_plan_now(world).state == META_REBALANCE_PAUSED) {
            plan_world_cancel_it(world);
        }
    }
}

static void a_new_plan_is_worked_out_at_once_beside_such_a_copy(void **state)
{
    struct plan_world *world = *state;
    struct hand hand;
    world->at.net.choose_manner = takers_have_stopped;
    raise_hand(&hand, world, 2, NULL);
    plan_world_start_drain(world, world->leaver);
    assert_true(hand.planned_ns > 0);
    assert_in_range(hand.planned_ns - hand.acted_ns, 0, UINT64_C(1000000) * AT_ONCE_MS);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_RUNNING);
}

/* Besides, nobody is where the shards are. */
static enum fake_manner leaver_is_dead(void *context, const struct fake_order *order)
{
    const struct plan_world *world = context;
    return order->node == world->leaver - 1 ? FAKE_DEAD : takers_have_stopped(NULL, order);
}

static void a_verb_ends_what_is_made_anew_from_others(void **state)
{
    struct plan_world *world = *state;
    struct hand hand;
    unsigned asked = 0;
    world->at.net.choose_manner = leaver_is_dead;
    world->at.net.manner_context = world;
    raise_hand(&hand, world, 8, plan_world_cancel_it);
    plan_world_start_drain(world, world->leaver);
    for (unsigned i = 0; i < PLAN_WORLD_NODES; i++) {
        asked += i != world->leaver - 1 && world->at.net.nodes[i].gets > 0;
    }
    assert_int_equal(asked, 4);
    assert_true(hand.has_acted);
    assert_in_range(now_ns(world) - hand.acted_ns, 0, UINT64_C(1000000) * AT_ONCE_MS);
    move_world_check(&world->at);
}

/* One shard may move; the verb comes at each of the waits until it has, also at those of the last
 * step, when it is read back. */
static void a_plan_may_be_cancelled_at_any_wait(void **state)
{
    struct plan_world *world = *state;
    struct hand hand = {.has_acted = true};
    unsigned cancelled = 0;
    move_world_add_nodes(&world->at, PLAN_WORLD_NODES_MAX - PLAN_WORLD_NODES);
    for (unsigned waits = 0; hand.has_acted; waits++) {
        struct meta_rebalance plan = {.kind = REBALANCE_SPACE, .bytes_max = test_shard_size() + 1};
        assert_ok(meta_rebalance_create(
                      plan_world_store_of(world), &plan, NULL, 0, plan_world_err_of(world)),
            plan_world_err_of(world));
        world->plan = plan.number;
        plan_world_run_round(world);
        assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
        raise_hand(&hand, world, waits, plan_world_cancel_it);
        plan_world_run_round(world);
        const struct meta_rebalance now = plan_world_plan_now(world);
        assert_int_equal(
            now.state, hand.has_acted ? META_REBALANCE_CANCELLED : META_REBALANCE_DONE);
        assert_int_equal(now.moves_done, hand.has_acted ? 0 : 1);
        move_world_check(&world->at);
        cancelled += hand.has_acted;
    }
    assert_true(cancelled > 3);
    assert_nobody_is_blamed(world);
}

static void what_was_half_copied_moves_when_the_plan_goes_on(void **state)
{
    struct plan_world *world = *state;
    struct hand hand;
    raise_hand(&hand, world, 5, plan_world_pause_it);
    plan_world_start_drain(world, world->leaver);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_PAUSED);
    assert_ok(plan_world_command(world, META_REBALANCE_RESUME), plan_world_err_of(world));
    plan_world_run_to_the_end(world);
    assert_int_equal(plan_world_plan_now(world).state, META_REBALANCE_DONE);
    assert_int_equal(move_world_held(&world->at, world->leaver), 0);
    move_world_check(&world->at);
}

/* ---- what an interruption leaves of a pass ---- */

static void interrupt(struct plan_world *world)
{
    rebalance_interrupt(world->at.world.coordinator->rebalance);
}

static void expect_three(struct plan_world *world)
{
    assert_int_equal(plan_world_plan_now(world).pass_moves, 3);
}

/* A move is three calls: the fourth is ended in its first one, and begins again with the eleventh.
 */
static void interrupt_and_expect(struct plan_world *world)
{
    interrupt(world);
    plan_world_after_calls(world, 3, expect_three);
}

static void what_moved_before_an_interruption_counts(void **state)
{
    struct plan_world *world = *state;
    assert_true(move_world_held(&world->at, world->leaver) > 4);
    plan_world_after_calls(world, 9, interrupt_and_expect);
    plan_world_start_drain(world, world->leaver);
    assert_null(world->meanwhile);
}

int main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, plan_world_set_up, plan_world_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_verb_ends_copies_to_nodes_that_have_stopped),
        CLAIM(a_new_plan_is_worked_out_at_once_beside_such_a_copy),
        CLAIM(a_verb_ends_what_is_made_anew_from_others),
        CLAIM(a_plan_may_be_cancelled_at_any_wait),
        CLAIM(what_was_half_copied_moves_when_the_plan_goes_on),
        CLAIM(what_moved_before_an_interruption_counts),
    };
#undef CLAIM
    return cmocka_run_group_tests(tests, NULL, NULL);
}
