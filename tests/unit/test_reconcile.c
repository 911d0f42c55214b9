/*
 * reconcile: what agrees is not looked at; what differs is found in its range; what was not on the
 * list of a range that was listed is lacking, and nothing else is.
 */
#include "coordinator/garbage/reconcile.h"

#include "common/id_sum.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

enum { IDS = 20000 };

struct world {
    struct reconcile reconcile;
    struct wire_shard_digest sums[RECONCILE_RANGES];
    uint8_t ids[IDS][RECONCILE_ID_SIZE]; /* ascending */
};

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, RECONCILE_ID_SIZE);
}

static int setup(void **state)
{
    static struct world world;
    struct test_env chance;
    test_env_init(&chance, 3);
    memset(world.sums, 0, sizeof(world.sums));
    env_random(&chance.env, world.ids, sizeof(world.ids));
    qsort(world.ids, IDS, RECONCILE_ID_SIZE, by_bytes);
    reconcile_begin(&world.reconcile, 1, false);
    for (unsigned i = 0; i < IDS; i++) {
        reconcile_expect(&world.reconcile, world.ids[i]);
        struct wire_shard_digest *sum = &world.sums[reconcile_range(world.ids[i])];
        sum->live++;
        sum->live_sum += id_sum_of(world.ids[i]);
    }
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    reconcile_end(&world->reconcile);
    return 0;
}

static void take_away(struct world *world, unsigned i)
{
    struct wire_shard_digest *sum = &world->sums[reconcile_range(world->ids[i])];
    sum->live--;
    sum->live_sum -= id_sum_of(world->ids[i]);
}

static void what_agrees_is_not_looked_at(void **state)
{
    struct world *world = *state;
    uint32_t first = 0;
    uint32_t end;
    assert_int_equal(reconcile_compare(&world->reconcile, world->sums), 0);
    assert_false(reconcile_next_run(&world->reconcile, &first, &end));
    assert_false(reconcile_lacks(&world->reconcile, world->ids[5]));
}

static void one_shard_less_is_found_in_its_range_and_by_name(void **state)
{
    struct world *world = *state;
    enum { GONE = 7777 };
    uint32_t range = reconcile_range(world->ids[GONE]);
    uint32_t first = 0;
    uint32_t end;
    take_away(world, GONE);
    assert_int_equal(reconcile_compare(&world->reconcile, world->sums), 1);
    assert_true(reconcile_next_run(&world->reconcile, &first, &end));
    assert_int_equal(first, range);
    assert_int_equal(end, range + 1);
    for (unsigned i = 0; i < IDS; i++) {
        if (i != GONE && reconcile_range(world->ids[i]) == range) {
            assert_true(reconcile_saw(&world->reconcile, world->ids[i]));
        }
    }
    for (unsigned i = 0; i < IDS; i++) {
        assert_int_equal(reconcile_lacks(&world->reconcile, world->ids[i]), i == GONE);
    }
    reconcile_give_up_from(&world->reconcile, range);
    assert_false(reconcile_lacks(&world->reconcile, world->ids[GONE]));
}

static void another_shard_in_the_place_of_one_is_a_difference(void **state)
{
    struct world *world = *state;
    world->sums[12].live_sum++;
    assert_int_equal(reconcile_compare(&world->reconcile, world->sums), 1);
}

static void a_full_look_is_at_every_range_in_one_run(void **state)
{
    struct world *world = *state;
    uint32_t first = 0;
    uint32_t end;
    world->reconcile.is_full = true;
    assert_int_equal(reconcile_compare(&world->reconcile, world->sums), RECONCILE_RANGES);
    assert_true(reconcile_next_run(&world->reconcile, &first, &end));
    assert_int_equal(end - first, RECONCILE_RANGES);
}

static void a_list_of_a_range_begins_right_before_it(void **state)
{
    (void)state;
    uint8_t id[RECONCILE_ID_SIZE];
    assert_false(reconcile_before(0, id));
    for (uint32_t range = 1; range < RECONCILE_RANGES; range++) {
        assert_true(reconcile_before(range, id));
        assert_int_equal(reconcile_range(id), range - 1);
        for (unsigned i = 2; i < RECONCILE_ID_SIZE; i++) {
            assert_int_equal(id[i], 0xff);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(what_agrees_is_not_looked_at),
        CASE(one_shard_less_is_found_in_its_range_and_by_name),
        CASE(another_shard_in_the_place_of_one_is_a_difference),
        CASE(a_full_look_is_at_every_range_in_one_run),
        CASE(a_list_of_a_range_begins_right_before_it),
#undef CASE
    };
    return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
