/*
 * Metadata under everything at once: uploads, overwrites, copies, deletes, repair, readers, time,
 * garbage collection, restarts, and commits whose outcome is unknown, in random order.  After each
 * step no node has been told to trash a shard that somebody may still need (I5); at the end
 * everything that was ever offered to a node has been named dead, and nothing is left over.
 *
 * Each world has a seed, which a failure prints.
 */
#include "tests/lib/test.h"
#include "tests/sim/meta_world.h"

enum { SEEDS = 40, STEPS = 1500 };

static void run_world(struct meta_world *world, uint64_t seed)
{
    meta_world_init(world, seed);
    for (unsigned step = 0; step < STEPS; step++) {
        meta_world_step(world);
    }
    meta_world_check(world);
    meta_world_end(world);
    assert_true(world->unknown_count > 0);
    meta_world_fini(world);
}

static void no_order_of_events_kills_what_is_needed_or_leaves_what_is_not(void **state)
{
    (void)state;
    static struct meta_world world;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u: ", (unsigned)seed);
        run_world(&world, seed);
        print_message("%u uploads, %u segments, %u placements, %u outcomes unknown at first\n",
            world.model.intent_count, world.model.segment_count, world.model.placement_count,
            world.unknown_count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_events_kills_what_is_needed_or_leaves_what_is_not),
    };
    return cmocka_run_group_tests_name("meta_model", tests, NULL, NULL);
}
