/*
 * place_choose: every owner is as likely as any other, no two chosen nodes share owner or
 * network, and what can be placed is placed.  Random fleets, and chi-square over 10^6 draws.
 */
#include "coordinator/fleet/place_choose.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

enum { FLEET_MAX = 64 };

struct world {
    struct test_env env;
    struct place_node nodes[FLEET_MAX];
    struct place_fleet fleet;
};

static void world_init(struct world *world, uint64_t seed)
{
    test_env_init(&world->env, seed);
    world->fleet = (struct place_fleet){.nodes = world->nodes, .count = 0};
}

static void add_node(struct world *world, uint32_t owner, uint8_t network)
{
    struct place_node *node = &world->nodes[world->fleet.count++];
    assert_true(world->fleet.count <= FLEET_MAX);
    *node = (struct place_node){
        .number = (uint32_t)world->fleet.count,
        .owner = owner,
        .network = {{4, 10, 0, network}},
        .free_bytes = 1000,
        .takes_shards = true,
    };
}

static const struct place_node *node_of(const struct world *world, uint32_t number)
{
    return &world->nodes[number - 1];
}

static bool share_a_domain(const struct place_node *a, const struct place_node *b)
{
    return a->owner == b->owner || memcmp(&a->network, &b->network, sizeof(a->network)) == 0;
}

static void assert_all_distinct(const struct world *world, const struct place_choice *choice)
{
    for (unsigned i = 0; i < choice->count; i++) {
        for (unsigned j = 0; j < i; j++) {
            assert_false(
                share_a_domain(node_of(world, choice->nodes[i]), node_of(world, choice->nodes[j])));
        }
    }
}

static enum hearth_code choose(
    struct world *world, struct place_query query, struct place_choice *out)
{
    struct hearth_err err;
    return place_choose(&world->fleet, &query, &world->env.env, out, &err);
}

/* Sum of (seen - expected)^2 / expected over equally likely cells. */
static double chi_square(const unsigned *seen, unsigned cells)
{
    double total = 0;
    for (unsigned i = 0; i < cells; i++) {
        total += seen[i];
    }
    double expected = total / cells;
    double sum = 0;
    for (unsigned i = 0; i < cells; i++) {
        sum += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
    return sum;
}

/*
 * 12 owners with 1, 1, 2, 1, 1, 2 ... nodes; 8 drawn at a time.  Draws without replacement vary
 * less than independent ones, so a limit for independent draws (chi-square, 11 degrees of
 * freedom, p = 0.001: 31.3) is generous here, and a skewed choice exceeds it by thousands.
 */
static void every_owner_is_equally_likely_whatever_it_brings(void **state)
{
    (void)state;
    enum { OWNERS = 12, WANT = 8, DRAWS = 1000000 / WANT };
    struct world world;
    world_init(&world, 1);
    for (uint32_t owner = 0; owner < OWNERS; owner++) {
        for (uint32_t box = 0; box <= owner % 3 / 2; box++) {
            add_node(&world, owner, (uint8_t)(owner * 2 + box));
        }
    }
    unsigned seen_owner[OWNERS] = {0};
    unsigned seen_box[2] = {0};
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        struct place_choice choice;
        assert_int_equal(
            choose(&world, (struct place_query){.want = WANT, .least = WANT}, &choice), HEARTH_OK);
        assert_all_distinct(&world, &choice);
        for (unsigned i = 0; i < choice.count; i++) {
            const struct place_node *node = node_of(&world, choice.nodes[i]);
            seen_owner[node->owner]++;
            if (node->owner == 2) {
                seen_box[node->network.bytes[3] - 4]++;
            }
        }
    }
    assert_true(chi_square(seen_owner, OWNERS) < 31.3);
    assert_true(chi_square(seen_box, 2) < 10.8); /* one degree of freedom */
}

static void every_slot_is_equally_likely_for_a_node(void **state)
{
    (void)state;
    enum { NODES = 10, WANT = 4 };
    struct world world;
    world_init(&world, 2);
    for (uint8_t i = 0; i < NODES; i++) {
        add_node(&world, i, i);
    }
    unsigned seen[WANT] = {0};
    for (unsigned draw = 0; draw < 50000; draw++) {
        struct place_choice choice;
        choose(&world, (struct place_query){.want = WANT, .least = WANT}, &choice);
        for (unsigned i = 0; i < WANT; i++) {
            seen[i] += choice.nodes[i] == 1;
        }
    }
    assert_true(chi_square(seen, WANT) < 16.3); /* three degrees of freedom */
}

static void random_fleets_never_give_two_nodes_of_one_owner_or_network(void **state)
{
    (void)state;
    struct world world;
    for (uint64_t seed = 0; seed < 5000; seed++) {
        world_init(&world, seed);
        uint64_t nodes = 1 + env_random_below(&world.env.env, 30);
        uint64_t domains = 1 + env_random_below(&world.env.env, 12);
        for (uint64_t i = 0; i < nodes; i++) {
            add_node(&world, (uint32_t)env_random_below(&world.env.env, domains),
                (uint8_t)env_random_below(&world.env.env, domains));
        }
        struct place_choice choice;
        choose(&world, (struct place_query){.want = 12, .least = 0}, &choice);
        assert_true(choice.count >= 1);
        assert_all_distinct(&world, &choice);
    }
}

/* The largest choice, by trying every subset of a small fleet. */
static unsigned largest_choice(const struct world *world)
{
    unsigned best = 0;
    for (uint32_t set = 0; set < UINT32_C(1) << world->fleet.count; set++) {
        struct place_choice choice = {.count = 0};
        bool distinct = true;
        for (uint32_t i = 0; i < world->fleet.count && distinct; i++) {
            for (unsigned j = 0; (set >> i & 1) && j < choice.count && distinct; j++) {
                distinct = !share_a_domain(&world->nodes[i], node_of(world, choice.nodes[j]));
            }
            if (set >> i & 1) {
                choice.nodes[choice.count++] = i + 1;
            }
        }
        best = distinct && choice.count > best ? choice.count : best;
    }
    return best;
}

static void as_many_are_found_as_there_can_be(void **state)
{
    (void)state;
    struct world world;
    for (uint64_t seed = 0; seed < 400; seed++) {
        world_init(&world, seed);
        for (unsigned i = 0; i < 9; i++) {
            add_node(&world, (uint32_t)env_random_below(&world.env.env, 5),
                (uint8_t)env_random_below(&world.env.env, 5));
        }
        struct place_choice choice;
        choose(&world, (struct place_query){.want = 9, .least = 0}, &choice);
        assert_int_equal(choice.count, largest_choice(&world));
    }
}

/* ---- newcomers ---- */

/* Half of sixty owners are new, those with even numbers. */
static void make_half_new(struct world *world)
{
    world_init(world, 11);
    for (uint32_t owner = 1; owner <= 60; owner++) {
        add_node(world, owner, (uint8_t)owner);
        world->nodes[world->fleet.count - 1].is_new = owner % 2 == 0;
    }
}

static unsigned count_new(const struct world *world, const struct place_choice *choice)
{
    unsigned count = 0;
    for (unsigned i = 0; i < choice->count; i++) {
        count += node_of(world, choice->nodes[i])->is_new;
    }
    return count;
}

/* As likely as a twentieth of each: 1.5 in 31.5. */
static void newcomers_get_one_shard_in_twenty_of_their_share(void **state)
{
    (void)state;
    enum { ROUNDS = 5000, WANT = 10 };
    static struct world world;
    unsigned fresh = 0;
    make_half_new(&world);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct place_choice choice;
        const struct place_query query = {.want = WANT, .least = WANT};
        assert_int_equal(choose(&world, query, &choice), HEARTH_OK);
        assert_all_distinct(&world, &choice);
        fresh += count_new(&world, &choice);
    }
    assert_in_range(fresh, ROUNDS * WANT * 0.042, ROUNDS * WANT * 0.053);
}

static void newcomers_fill_what_others_leave(void **state)
{
    (void)state;
    static struct world world;
    struct place_choice choice;
    const struct place_query query = {.want = 40, .least = 40};
    make_half_new(&world);
    assert_int_equal(choose(&world, query, &choice), HEARTH_OK);
    assert_int_equal(count_new(&world, &choice), 10);
    assert_all_distinct(&world, &choice);
    for (unsigned i = 0; i < world.fleet.count; i++) {
        world.nodes[i].is_new = true;
    }
    assert_int_equal(choose(&world, query, &choice), HEARTH_OK);
    assert_int_equal(choice.count, 40);
}

static void a_fleet_too_small_is_told_in_numbers(void **state)
{
    (void)state;
    struct world world;
    struct hearth_err err;
    struct place_choice choice = {.count = 77};
    world_init(&world, 3);
    add_node(&world, 1, 1);
    add_node(&world, 2, 1);
    add_node(&world, 2, 2);
    add_node(&world, 3, 3);
    struct place_query query = {.want = 8, .least = 6};
    assert_int_equal(
        place_choose(&world.fleet, &query, &world.env.env, &choice, &err), HEARTH_FLEET_TOO_SMALL);
    assert_string_equal(err.message,
        "choose nodes: 3 of distinct owners and networks can take a shard now, 6 are needed"
        " (4 usable of 4 enrolled)");
    assert_int_equal(choice.count, 77);

    query.least = 3;
    assert_ok(place_choose(&world.fleet, &query, &world.env.env, &choice, &err), &err);
    assert_int_equal(choice.count, 3);
    query.allow_colocation = true;
    assert_ok(place_choose(&world.fleet, &query, &world.env.env, &choice, &err), &err);
    assert_int_equal(choice.count, 4);
}

static void full_closed_and_excluded_nodes_are_passed_over(void **state)
{
    (void)state;
    struct world world;
    struct place_choice choice;
    world_init(&world, 4);
    for (uint8_t i = 0; i < 6; i++) {
        add_node(&world, i, i);
    }
    world.nodes[0].free_bytes = 9;
    world.nodes[1].takes_shards = false;
    world.nodes[3].owner = world.nodes[2].owner; /* 3 is excluded, so 4 is as well */
    world.nodes[4].network = world.nodes[2].network;
    const uint32_t excluded[] = {3};
    struct place_query query = {
        .want = 6, .free_bytes_min = 10, .excluded = excluded, .excluded_count = 1};
    assert_int_equal(choose(&world, query, &choice), HEARTH_OK);
    assert_int_equal(choice.count, 1);
    assert_int_equal(choice.nodes[0], 6);
}

static void one_place_is_possible_when_one_can_be_chosen(void **state)
{
    (void)state;
    unsigned possible = 0;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct world world;
        struct place_choice choice;
        world_init(&world, seed);
        for (unsigned i = 0; i < 8; i++) {
            add_node(&world, (uint32_t)env_random_below(&world.env.env, 5),
                (uint8_t)env_random_below(&world.env.env, 5));
            world.nodes[i].free_bytes = env_random_below(&world.env.env, 4);
            world.nodes[i].takes_shards = env_random_below(&world.env.env, 2) == 0;
        }
        const uint32_t excluded[] = {1, 2, 3};
        const struct place_query query = {.want = 8,
            .least = 1,
            .free_bytes_min = 1,
            .excluded = excluded,
            .excluded_count = 3,
            .allow_colocation = seed % 4 == 0};
        const bool is_possible = place_is_possible(&world.fleet, &query);
        assert_int_equal(is_possible, choose(&world, query, &choice) == HEARTH_OK);
        possible += is_possible;
    }
    assert_in_range(possible, 50, 450);
}

/* How many different nodes ten segments in a row meet. */
static unsigned nodes_met(
    struct world *world, struct place_set *set, uint64_t bytes_each, uint64_t ms_each)
{
    uint64_t met = 0;
    struct hearth_err err;
    for (unsigned i = 0; i < 10; i++) {
        struct place_choice choice;
        struct place_query query = {.want = 8, .least = 8};
        assert_ok(place_set_choose(
                      set, &world->fleet, &query, bytes_each, &world->env.env, &choice, &err),
            &err);
        assert_int_equal(choice.count, 8);
        for (unsigned j = 0; j < choice.count; j++) {
            met |= UINT64_C(1) << (choice.nodes[j] - 1);
        }
        test_env_step_ms(&world->env, ms_each);
    }
    return (unsigned)__builtin_popcountll(met);
}

static void a_session_keeps_to_its_working_set_until_it_is_used_up(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 5);
    for (uint8_t i = 0; i < FLEET_MAX; i++) {
        add_node(&world, i, i);
    }
    struct place_set set = {.drawn = {.count = 0}};
    assert_int_equal(nodes_met(&world, &set, 64 << 20, 0), 10); /* n + n/4 */
    set = (struct place_set){.drawn = {.count = 0}};
    assert_true(nodes_met(&world, &set, 1 << 30, 0) > 20);
    set = (struct place_set){.drawn = {.count = 0}};
    assert_true(nodes_met(&world, &set, 1, PLACE_SET_MS) > 20);
}

static void a_set_that_lost_too_many_nodes_is_drawn_anew(void **state)
{
    (void)state;
    struct world world;
    struct place_choice choice;
    struct hearth_err err;
    world_init(&world, 6);
    for (uint8_t i = 0; i < 30; i++) {
        add_node(&world, i, i);
    }
    struct place_set set = {.drawn = {.count = 0}};
    nodes_met(&world, &set, 1, 0);
    for (unsigned i = 0; i < 3; i++) { /* 7 of 10 are left */
        world.nodes[set.drawn.nodes[i] - 1].takes_shards = false;
    }
    struct place_query query = {.want = 8, .least = 6};
    assert_ok(place_set_choose(&set, &world.fleet, &query, 1, &world.env.env, &choice, &err), &err);
    assert_int_equal(choice.count, 8);
}

static void a_spare_comes_from_the_set_and_else_from_the_fleet(void **state)
{
    (void)state;
    struct world world;
    struct place_choice choice;
    struct hearth_err err;
    world_init(&world, 7);
    for (uint8_t i = 0; i < 30; i++) {
        add_node(&world, i, i);
    }
    struct place_set set = {.drawn = {.count = 0}};
    nodes_met(&world, &set, 1, 0);
    uint32_t excluded[10];
    memcpy(excluded, set.drawn.nodes, sizeof(excluded));
    struct place_query query = {.want = 1, .least = 1, .excluded = excluded, .excluded_count = 9};
    assert_ok(place_set_spare(&set, &world.fleet, &query, &world.env.env, &choice, &err), &err);
    assert_int_equal(choice.nodes[0], excluded[9]);

    query.excluded_count = 10;
    assert_ok(place_set_spare(&set, &world.fleet, &query, &world.env.env, &choice, &err), &err);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_not_equal(choice.nodes[0], excluded[i]);
    }
}

static void an_excluded_node_is_not_chosen_even_among_its_own(void **state)
{
    (void)state;
    static struct world world;
    struct place_choice choice;
    const uint32_t excluded[] = {2};
    world_init(&world, 1);
    add_node(&world, 1, 1);
    add_node(&world, 1, 1);
    add_node(&world, 1, 1);
    const struct place_query query = {
        .want = 3, .least = 1, .excluded = excluded, .excluded_count = 1, .allow_colocation = true};
    assert_int_equal(choose(&world, query, &choice), HEARTH_OK);
    assert_int_equal(choice.count, 2);
    assert_true(choice.nodes[0] != 2 && choice.nodes[1] != 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_excluded_node_is_not_chosen_even_among_its_own),
        cmocka_unit_test(every_owner_is_equally_likely_whatever_it_brings),
        cmocka_unit_test(every_slot_is_equally_likely_for_a_node),
        cmocka_unit_test(random_fleets_never_give_two_nodes_of_one_owner_or_network),
        cmocka_unit_test(as_many_are_found_as_there_can_be),
        cmocka_unit_test(newcomers_get_one_shard_in_twenty_of_their_share),
        cmocka_unit_test(newcomers_fill_what_others_leave),
        cmocka_unit_test(a_fleet_too_small_is_told_in_numbers),
        cmocka_unit_test(full_closed_and_excluded_nodes_are_passed_over),
        cmocka_unit_test(one_place_is_possible_when_one_can_be_chosen),
        cmocka_unit_test(a_session_keeps_to_its_working_set_until_it_is_used_up),
        cmocka_unit_test(a_set_that_lost_too_many_nodes_is_drawn_anew),
        cmocka_unit_test(a_spare_comes_from_the_set_and_else_from_the_fleet),
    };
    return cmocka_run_group_tests_name("place_choose", tests, NULL, NULL);
}
