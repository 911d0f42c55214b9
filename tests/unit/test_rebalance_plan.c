/*
 * rebalance_plan: what is moved makes a fleet even, or free of a node, or free of twins, with
 * hardly a byte more than needed, and never brings two slots of a segment together.
 *
 * Random fleets with seeds; the least that had to move is worked out here by other means.
 */
#include "coordinator/rebalance/rebalance_plan.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

enum { NODES_MAX = 64, SEGMENTS_MAX = 6000, SEEDS = 60 };

struct world {
    struct test_env env;
    struct rebalance_node nodes[NODES_MAX];
    struct rebalance_plan plan;
    struct rebalance_segment *segments;
    size_t segment_count;
    uint64_t moved;
    unsigned stuck;
};

static unsigned draw(struct world *world, unsigned bound)
{
    return (unsigned)env_random_below(&world->env.env, bound);
}

static void set_up(struct world *world, uint64_t seed, enum rebalance_kind kind)
{
    *world = (struct world){.segments = calloc(SEGMENTS_MAX, sizeof(*world->segments))};
    test_env_init(&world->env, seed);
    world->plan = (struct rebalance_plan){.kind = kind, .nodes = world->nodes};
}

static void tear_down(struct world *world)
{
    free(world->segments);
}

static struct rebalance_node *add_node(
    struct world *world, uint32_t owner, uint8_t network, uint64_t capacity)
{
    struct rebalance_node *node = &world->nodes[world->plan.count++];
    assert_true(world->plan.count <= NODES_MAX);
    *node = (struct rebalance_node){
        .number = (uint32_t)world->plan.count,
        .owner = owner,
        .network = {{4, 10, 0, network}},
        .capacity = capacity,
        .free = capacity,
        .takes_shards = true,
    };
    return node;
}

/* `count` nodes, each alone at its owner and network. */
static void add_loners(struct world *world, unsigned count, uint64_t capacity)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned number = (unsigned)world->plan.count + 1;
        add_node(world, number, (uint8_t)number, capacity);
    }
}

/* A segment on n different nodes out of the first `among`, drawn at random. */
static void add_segment(struct world *world, unsigned n, unsigned among, uint64_t size)
{
    struct rebalance_segment *segment = &world->segments[world->segment_count++];
    assert_true(world->segment_count <= SEGMENTS_MAX && n <= among);
    *segment = (struct rebalance_segment){.n = (uint16_t)n, .size = size};
    bool used[NODES_MAX] = {false};
    for (unsigned slot = 0; slot < n;) {
        unsigned at = draw(world, among);
        if (!used[at]) {
            used[at] = true;
            segment->holders[slot++] = world->nodes[at].number;
            world->nodes[at].held += size;
            world->nodes[at].free -= size;
        }
    }
    world->plan.slot_bytes += size;
}

static void apply(struct rebalance_segment *segment, const struct rebalance_picked *picked)
{
    for (unsigned i = 0; i < picked->count; i++) {
        const struct rebalance_move *move = &picked->moves[i];
        assert_int_equal(segment->holders[move->slot], move->from);
        segment->holders[move->slot] = move->to;
    }
}

/* Every segment once; nothing that was apart comes together. */
static void run_pass(struct world *world)
{
    for (size_t i = 0; i < world->segment_count; i++) {
        struct rebalance_picked picked;
        struct rebalance_segment *segment = &world->segments[i];
        unsigned before = rebalance_violations(&world->plan, segment);
        rebalance_pick(&world->plan, segment, &picked);
        apply(segment, &picked);
        assert_true(rebalance_violations(&world->plan, segment) <= before);
        world->moved += picked.count * segment->size;
        world->stuck += picked.stuck;
    }
}

static void run_plan(struct world *world)
{
    rebalance_targets(&world->plan);
    run_pass(world);
}

static uint64_t sum_held(const struct world *world, double weights[NODES_MAX])
{
    uint64_t held = 0;
    double weight = 0;
    for (size_t i = 0; i < world->plan.count; i++) {
        held += world->nodes[i].held;
        weight += (double)world->nodes[i].capacity;
    }
    for (size_t i = 0; i < world->plan.count; i++) {
        weights[i] = (double)world->nodes[i].capacity / weight;
    }
    return held;
}

/* The least that brings each node within 5 % of its share: all that is above, or all that is below.
 */
static double least_to_move(const struct world *world)
{
    double weights[NODES_MAX];
    double held = (double)sum_held(world, weights);
    double above = 0;
    double below = 0;
    for (size_t i = 0; i < world->plan.count; i++) {
        double share = held * weights[i];
        double has = (double)world->nodes[i].held;
        above += has > 1.05 * share ? has - 1.05 * share : 0;
        below += has < 0.95 * share ? 0.95 * share - has : 0;
    }
    return above > below ? above : below;
}

static void assert_even(const struct world *world)
{
    double weights[NODES_MAX];
    double held = (double)sum_held(world, weights);
    for (size_t i = 0; i < world->plan.count; i++) {
        double share = held * weights[i];
        assert_true((double)world->nodes[i].held >= 0.95 * share);
        assert_true((double)world->nodes[i].held <= 1.05 * share);
    }
}

/* ---- by space ---- */

static void four_empty_nodes_beside_twelve_full_ones_get_their_share_and_hardly_more_moves(
    void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        set_up(&world, seed, REBALANCE_SPACE);
        add_loners(&world, 12, UINT64_C(1) << 40);
        for (unsigned i = 0; i < 3000; i++) {
            add_segment(&world, 8, 12, 1000 + draw(&world, 2000));
        }
        add_loners(&world, 4, UINT64_C(1) << 40);
        double least = least_to_move(&world);
        run_plan(&world);
        assert_even(&world);
        assert_true((double)world.moved <= 1.1 * least);
        tear_down(&world);
    }
}

/* Capacities from one to four: a node twice as large gets twice as much. */
static void shares_go_by_capacity(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        set_up(&world, seed, REBALANCE_SPACE);
        for (unsigned i = 0; i < 24; i++) {
            add_node(&world, i + 1, (uint8_t)i, (UINT64_C(1) << 34) * (1 + draw(&world, 4)));
        }
        for (unsigned i = 0; i < 4000; i++) {
            add_segment(&world, 5, 12 + draw(&world, 13), 2000);
        }
        double least = least_to_move(&world);
        run_plan(&world);
        assert_even(&world);
        assert_true((double)world.moved <= 1.1 * least);
        tear_down(&world);
    }
}

static void an_even_fleet_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_SPACE);
    add_loners(&world, 8, 1 << 30);
    for (unsigned i = 0; i < 1000; i++) {
        add_segment(&world, 8, 8, 1000);
    }
    run_plan(&world);
    assert_int_equal(world.moved, 0);
    tear_down(&world);
}

static void a_second_plan_finds_nothing_to_do(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 7, REBALANCE_SPACE);
    add_loners(&world, 12, UINT64_C(1) << 40);
    for (unsigned i = 0; i < 3000; i++) {
        add_segment(&world, 8, 12, 1000);
    }
    add_loners(&world, 4, UINT64_C(1) << 40);
    run_plan(&world);
    assert_true(world.moved > 0);
    world.moved = 0;
    run_plan(&world);
    assert_int_equal(world.moved, 0);
    tear_down(&world);
}

/* 1 Mbit/s holds 80 GB, however large its disk is. */
static void a_thin_uplink_limits_the_share(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_SPACE);
    add_loners(&world, 3, UINT64_C(320000000000));
    world.nodes[2].uplink_bits = 1000000;
    world.nodes[0].held = UINT64_C(90000000000);
    rebalance_targets(&world.plan);
    assert_int_equal(world.nodes[0].target, UINT64_C(40000000000));
    assert_int_equal(world.nodes[1].target, UINT64_C(40000000000));
    assert_int_equal(world.nodes[2].target, UINT64_C(10000000000));
    tear_down(&world);
}

static void a_line_takes_the_longer_the_thinner_it_is(void **state)
{
    (void)state;
    assert_int_equal(rebalance_line_ms(8000, 1), 1);
    assert_int_equal(rebalance_line_ms(40000000, 5000000), 1000);
    assert_int_equal(rebalance_line_ms(0, 5000000), 4000); /* not known: 10 Mbit/s */
    assert_int_equal(rebalance_line_ms(1000000000, UINT64_C(1) << 50), UINT64_C(9007199254));
    assert_int_equal(rebalance_line_ms(1, 0), 0);
}

/* It cannot hold two slots of a segment, however large it is. */
static void no_share_is_larger_than_one_slot_of_every_segment(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_SPACE);
    add_loners(&world, 4, UINT64_C(1) << 30);
    for (unsigned i = 0; i < 100; i++) {
        add_segment(&world, 4, 4, 1000);
    }
    add_node(&world, 9, 99, UINT64_C(1) << 40);
    run_plan(&world);
    assert_true(world.nodes[4].held <= 100 * 1000);
    assert_true(world.nodes[4].held >= 95 * 1000);
    tear_down(&world);
}

static void a_node_without_room_gets_what_fits(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_SPACE);
    add_loners(&world, 3, UINT64_C(1) << 30);
    world.nodes[0].held = 900000;
    world.nodes[1].free = 1000;
    rebalance_targets(&world.plan);
    assert_int_equal(world.nodes[1].target, 1000);
    assert_int_equal(world.nodes[2].target, 449500);
    tear_down(&world);
}

static void nobody_gives_to_a_node_that_takes_no_shards(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 3, REBALANCE_SPACE);
    add_loners(&world, 10, UINT64_C(1) << 40);
    for (unsigned i = 0; i < 500; i++) {
        add_segment(&world, 4, 8, 1000);
    }
    world.nodes[9].takes_shards = false;
    run_plan(&world);
    assert_int_equal(world.nodes[9].held, 0);
    assert_true(world.nodes[8].held > 0);
    tear_down(&world);
}

static void a_plan_stops_at_its_most_bytes(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 3, REBALANCE_SPACE);
    add_loners(&world, 12, UINT64_C(1) << 40);
    for (unsigned i = 0; i < 500; i++) {
        add_segment(&world, 8, 12, 1000);
    }
    add_loners(&world, 4, UINT64_C(1) << 40);
    world.plan.bytes_max = 12500;
    run_plan(&world);
    assert_int_equal(world.moved, 12000);
    tear_down(&world);
}

static void what_did_not_move_is_picked_again(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 3, REBALANCE_SPACE);
    add_loners(&world, 5, UINT64_C(1) << 40);
    add_segment(&world, 3, 3, 1000);
    add_segment(&world, 3, 3, 1000);
    struct rebalance_picked first;
    struct rebalance_picked again;
    rebalance_targets(&world.plan);
    rebalance_pick(&world.plan, &world.segments[0], &first);
    assert_true(first.count > 0);
    for (unsigned i = 0; i < first.count; i++) {
        rebalance_undo(&world.plan, &first.moves[i], 1000);
    }
    assert_int_equal(world.plan.bytes_picked, 0);
    rebalance_pick(&world.plan, &world.segments[0], &again);
    assert_int_equal(again.count, first.count);
    tear_down(&world);
}

/* ---- leaving ---- */

static void a_node_that_leaves_gives_everything_and_nobody_else_moves(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        set_up(&world, seed, REBALANCE_LEAVING);
        add_loners(&world, 16, UINT64_C(1) << 40);
        for (unsigned i = 0; i < 500; i++) {
            add_segment(&world, 8, 16, 1000 + draw(&world, 500));
        }
        struct rebalance_node *leaver = &world.nodes[draw(&world, 16)];
        leaver->leaves = true;
        leaver->takes_shards = false;
        uint64_t had = leaver->held;
        run_plan(&world);
        assert_int_equal(leaver->held, 0);
        assert_int_equal(world.moved, had);
        assert_int_equal(world.stuck, 0);
        tear_down(&world);
    }
}

/* Eight of eight: no ninth owner is there. */
static void what_has_nowhere_to_go_is_counted(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_LEAVING);
    add_loners(&world, 8, UINT64_C(1) << 40);
    for (unsigned i = 0; i < 10; i++) {
        add_segment(&world, 8, 8, 1000);
    }
    world.nodes[2].leaves = true;
    run_plan(&world);
    assert_int_equal(world.stuck, 10);
    assert_int_equal(world.moved, 0);
    tear_down(&world);
}

/* The same owner's second box may take it when the first one leaves, but no one else's twin. */
static void a_leaver_may_give_to_its_own_owner(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_LEAVING);
    add_loners(&world, 4, UINT64_C(1) << 40);
    for (unsigned i = 0; i < 10; i++) {
        add_segment(&world, 4, 4, 1000);
    }
    add_node(&world, 3, 3, UINT64_C(1) << 40);
    world.nodes[2].leaves = true;
    run_plan(&world);
    assert_int_equal(world.stuck, 0);
    assert_int_equal(world.nodes[4].held, 10 * 1000);
    tear_down(&world);
}

/* ---- domains ---- */

static void twins_are_parted_where_there_is_room(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        unsigned left = 0;
        set_up(&world, seed, REBALANCE_DOMAINS);
        for (unsigned i = 0; i < 30; i++) { /* every owner has two, every third network as well */
            add_node(&world, i / 2 + 1, (uint8_t)(i % 3 == 0 ? i / 6 + 100 : i), 1 << 30);
        }
        for (unsigned i = 0; i < 400; i++) {
            add_segment(&world, 6, 30, 1000);
        }
        run_plan(&world);
        assert_true(world.moved > 0);
        for (size_t i = 0; i < world.segment_count; i++) {
            left += rebalance_violations(&world.plan, &world.segments[i]);
        }
        assert_int_equal(left, 0);
        assert_int_equal(world.stuck, 0);
        tear_down(&world);
    }
}

static void with_colocation_only_the_same_node_twice_is_wrong(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_DOMAINS);
    world.plan.allow_colocation = true;
    for (unsigned i = 0; i < 8; i++) {
        add_node(&world, 1, 1, 1 << 30);
    }
    add_segment(&world, 6, 8, 1000);
    run_plan(&world);
    assert_int_equal(world.moved, 0);
    tear_down(&world);
}

/* ---- what is said of it ---- */

static void the_spread_is_in_percent_of_each_share(void **state)
{
    (void)state;
    struct world world;
    set_up(&world, 1, REBALANCE_SPACE);
    add_loners(&world, 4, 1 << 30);
    for (unsigned i = 0; i < 3; i++) {
        world.nodes[i].held = 1000;
    }
    rebalance_targets(&world.plan);
    const struct rebalance_spread spread = rebalance_spread_of(&world.plan);
    assert_int_equal(spread.least, 0);
    assert_int_equal(spread.most, 133);
    tear_down(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            four_empty_nodes_beside_twelve_full_ones_get_their_share_and_hardly_more_moves),
        cmocka_unit_test(shares_go_by_capacity),
        cmocka_unit_test(an_even_fleet_is_left_alone),
        cmocka_unit_test(a_second_plan_finds_nothing_to_do),
        cmocka_unit_test(a_thin_uplink_limits_the_share),
        cmocka_unit_test(a_line_takes_the_longer_the_thinner_it_is),
        cmocka_unit_test(no_share_is_larger_than_one_slot_of_every_segment),
        cmocka_unit_test(a_node_without_room_gets_what_fits),
        cmocka_unit_test(nobody_gives_to_a_node_that_takes_no_shards),
        cmocka_unit_test(a_plan_stops_at_its_most_bytes),
        cmocka_unit_test(what_did_not_move_is_picked_again),
        cmocka_unit_test(a_node_that_leaves_gives_everything_and_nobody_else_moves),
        cmocka_unit_test(what_has_nowhere_to_go_is_counted),
        cmocka_unit_test(a_leaver_may_give_to_its_own_owner),
        cmocka_unit_test(twins_are_parted_where_there_is_room),
        cmocka_unit_test(with_colocation_only_the_same_node_twice_is_wrong),
        cmocka_unit_test(the_spread_is_in_percent_of_each_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
