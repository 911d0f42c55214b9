/*
 * Garbage collection under adversity: lists cut short or old, dead shards named twice or lost on
 * the way, commits and repairs racing, clocks late, nodes away for weeks, metadata restored from an
 * older copy.  5,000 rounds, in each of which no shard that anybody may need becomes trash (D5);
 * and in the end no node has anything left that nobody needs.
 *
 * Each world has a seed, which a failure prints.
 */
#include "tests/lib/test.h"
#include "tests/sim/garbage_world.h"

enum { SEEDS = 125, ROUNDS = 40 };

static void no_order_of_events_trashes_what_somebody_needs(void **state)
{
    (void)state;
    static struct garbage_world world;
    struct garbage_world sum = {.object_count = 0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        garbage_world_init(&world, seed);
        for (unsigned round = 0; round < ROUNDS; round++) {
            garbage_world_round(&world);
        }
        garbage_world_settle(&world);
        sum.trashed += world.trashed;
        sum.purged += world.purged;
        sum.named_by_list += world.named_by_list;
        sum.kept_ahead += world.kept_ahead;
        sum.restores += world.restores;
        sum.wanted_in_trash += world.wanted_in_trash;
        sum.released += world.released;
        garbage_world_fini(&world);
    }
    print_message("%u trashed, %u purged, %u named by lists, %u kept from after a backup, "
                  "%u restores, %u wanted and in the trash, %u let go by reconciliation\n",
        sum.trashed, sum.purged, sum.named_by_list, sum.kept_ahead, sum.restores,
        sum.wanted_in_trash, sum.released);
    /* A world in which these do not happen shows nothing. */
    assert_true(sum.trashed > 1000 && sum.purged > 500 && sum.restores > 50);
    assert_true(sum.named_by_list > 0 && sum.kept_ahead > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_events_trashes_what_somebody_needs),
    };
    return cmocka_run_group_tests_name("garbage_model", tests, NULL, NULL);
}
