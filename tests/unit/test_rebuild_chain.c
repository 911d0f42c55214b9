/*
 * rebuild_chain, rebuild_read: whatever hostile nodes list and give, what is rebuilt is the newest
 * metadata that was shipped, or it is said that it cannot be had; never an older one without being
 * asked for, and never anything else.
 */
#include "coordinator/rescue/rebuild_chain.h"

#include "tests/lib/shipment_world.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct shipment_fate whole = {SHIPMENT_HOLDERS, SHIPMENT_HOLDERS};

/* A snapshot with one object, and two shipments of changes with one more each: 1, 2 and 3. */
static int set_up(void **state)
{
    struct shipment_world *world = calloc(1, sizeof(*world));
    shipment_world_init(world);
    for (uint64_t number = 1; number <= 3; number++) {
        char key[8];
        snprintf(key, sizeof(key), "%u", (unsigned)number);
        test_meta_put_now(&world->meta, key, 10);
        shipment_world_ship(world, number, number - 1, whole);
    }
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    shipment_world_fini(*state);
    free(*state);
    return 0;
}

static void put_one_more(struct shipment_world *world)
{
    test_meta_put_now(&world->meta, "more", 10);
}

static void assert_rebuilt(struct shipment_world *world, uint64_t newest)
{
    assert_ok(shipment_world_rebuild(world, false), &world->meta.err);
    assert_int_equal(world->result.newest_used, newest);
    assert_int_equal(shipment_world_objects(world), newest);
}

/* The older one is there to be had, and only for who says so. */
static void assert_asks(struct shipment_world *world, uint64_t older)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/meta.db", world->directory);
    assert_int_equal(shipment_world_rebuild(world, false), HEARTH_SHARDS_LOST);
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(shipment_world_rebuild(world, true), &world->meta.err);
    assert_int_equal(world->result.newest_used, older);
    assert_int_equal(shipment_world_objects(world), older);
}

/* ---- liars ---- */

static void the_newest_chain_is_rebuilt(void **state)
{
    struct shipment_world *world = *state;
    assert_rebuilt(world, 3);
    assert_int_equal(world->result.snapshot, 1);
    assert_int_equal(world->result.changes, 2);
    assert_int_equal(world->unreadable, 0);
}

/* In each way, whichever of them they are. */
static void as_many_liars_as_the_code_bears_change_nothing(void **state)
{
    struct shipment_world *world = *state;
    for (enum shipment_manner manner = 0; manner < SHIPMENT_MANNERS; manner++) {
        for (unsigned first = 0; first <= SHIPMENT_K; first += SHIPMENT_K) {
            for (unsigned i = 0; i < SHIPMENT_HOLDERS; i++) {
                bool lies = i >= first && i < first + SHIPMENT_HOLDERS - SHIPMENT_K;
                world->nodes[i].manner = lies ? manner : SHIPMENT_HONEST;
            }
            assert_rebuilt(world, 3);
        }
    }
}

/* They give all that is older truly, and lie about the newest: that is not taken for an answer. */
static void more_liars_do_not_talk_it_into_an_older_state(void **state)
{
    struct shipment_world *world = *state;
    for (enum shipment_manner manner = 1; manner < SHIPMENT_MANNERS; manner++) {
        for (unsigned i = 0; i < SHIPMENT_HOLDERS - SHIPMENT_K + 1; i++) {
            world->nodes[i] =
                (struct shipment_node){.manner = manner, .lies_from = 3, .hides_seals = true};
        }
        assert_asks(world, 2);
        assert_int_equal(world->unreadable, 1);
    }
}

/* Without what it follows on, a shipment that can be read is of no use, and says that there was
 * one. */
static void nor_by_lies_about_what_the_newest_follows_on(void **state)
{
    struct shipment_world *world = *state;
    put_one_more(world);
    shipment_world_ship(world, 4, 3, whole);
    for (unsigned i = 0; i < SHIPMENT_HOLDERS; i++) {
        world->nodes[i] = (struct shipment_node){
            .manner = SHIPMENT_LACKS, .lies_from = 3, .lies_to = 3, .hides_seals = true};
    }
    assert_asks(world, 2);
}

static void names_of_another_cluster_are_no_shipments(void **state)
{
    struct shipment_world *world = *state;
    for (unsigned i = 0; i < SHIPMENT_NODES; i++) {
        shipment_world_list_foreign(world, i);
    }
    assert_rebuilt(world, 3);
    assert_int_equal(world->result.newest_known, 3);
}

/* ---- shipments that were not finished ---- */

static void one_that_was_not_finished_is_passed_over(void **state)
{
    struct shipment_world *world = *state;
    put_one_more(world);
    shipment_world_ship(world, 4, 3, (struct shipment_fate){SHIPMENT_K - 1, 0});
    assert_rebuilt(world, 3);
    assert_int_equal(world->result.newest_known, 4);
    assert_int_equal(world->unreadable, 1);
}

static void so_is_a_snapshot_and_several_of_them(void **state)
{
    struct shipment_world *world = *state;
    put_one_more(world);
    for (uint64_t number = 4; number < 7; number++) {
        shipment_world_ship(world, number, 0, (struct shipment_fate){1, 0});
    }
    assert_rebuilt(world, 3);
    assert_int_equal(world->unreadable, 3);
}

/* All of it is there, so nothing is lost by using it. */
static void one_that_lacks_only_its_seal_is_used(void **state)
{
    struct shipment_world *world = *state;
    put_one_more(world);
    shipment_world_ship(world, 4, 3, (struct shipment_fate){SHIPMENT_K, 0});
    assert_rebuilt(world, 4);
}

/* Seven holders hide their seals and lose their parts; the eighth is honest. */
static void one_shard_of_a_seal_is_enough_to_know(void **state)
{
    struct shipment_world *world = *state;
    put_one_more(world);
    shipment_world_ship(world, 4, 3, whole);
    for (unsigned i = 0; i + 1 < SHIPMENT_HOLDERS; i++) {
        world->nodes[i] =
            (struct shipment_node){.manner = SHIPMENT_LACKS, .lies_from = 4, .hides_seals = true};
    }
    assert_asks(world, 3);
}

/* ---- nodes that do not answer ---- */

static void what_only_silent_nodes_may_hold_is_asked_about(void **state)
{
    struct shipment_world *world = *state;
    for (unsigned off = 0; off < SHIPMENT_W - 1; off++) {
        world->nodes[SHIPMENT_NODES - 1 - off].is_off = true;
    }
    assert_rebuilt(world, 3);
    world->nodes[SHIPMENT_HOLDERS].is_off = true;
    assert_asks(world, 3);
}

/* The kit is newer than what is found, or names them by their addresses. */
static void nor_are_those_passed_over_that_joined_after_it_was_shipped(void **state)
{
    struct shipment_world *world = *state;
    world->newcomers = SHIPMENT_W - 1;
    assert_rebuilt(world, 3);
    world->newcomers = SHIPMENT_W;
    assert_asks(world, 3);
    world->newcomers = 2; /* together with others */
    for (unsigned off = 0; off < SHIPMENT_W - 2; off++) {
        world->nodes[SHIPMENT_NODES - 1 - off].is_off = true;
    }
    assert_asks(world, 3);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(the_newest_chain_is_rebuilt),
        claim(as_many_liars_as_the_code_bears_change_nothing),
        claim(more_liars_do_not_talk_it_into_an_older_state),
        claim(nor_by_lies_about_what_the_newest_follows_on),
        claim(names_of_another_cluster_are_no_shipments),
        claim(one_that_was_not_finished_is_passed_over),
        claim(so_is_a_snapshot_and_several_of_them),
        claim(one_that_lacks_only_its_seal_is_used),
        claim(one_shard_of_a_seal_is_enough_to_know),
        claim(what_only_silent_nodes_may_hold_is_asked_about),
        claim(nor_are_those_passed_over_that_joined_after_it_was_shipped),
    };
    return cmocka_run_group_tests_name("rebuild_chain", tests, NULL, NULL);
}
