/*
 * segment_put: a bad node costs a put little, a needed one is waited for, and when too few are left
 * that is said soon.  Through object_put; nodes and coordinator are invented, time is stepped.
 */
#include "client/segment_put.h"

#include "client/object_put.h"
#include "client/put_spares.h"
#include "tests/lib/client_world.h"

#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static uint64_t now_ms(const struct world *world)
{
    return world->env.monotonic_ns / 1000000u;
}

/* How many milliseconds a put of 4 MiB takes with some nodes of a manner. */
static uint64_t time_put(struct world *world, struct hearth_err *err)
{
    uint64_t start = now_ms(world);
    assert_ok(world_put(world, "key", 1, 4 * MIB, err), err);
    return now_ms(world) - start;
}

static void put_completes_without_nodes_that_are(enum fake_manner manner, unsigned count)
{
    struct world *world = world_create(NULL);
    for (unsigned i = 0; i < count; i++) {
        world->net.nodes[2 + 3 * i].manner = manner;
    }
    struct hearth_err err;
    uint64_t took_ms = time_put(world, &err);
    assert_true(took_ms < 3000);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 8 - count);

    /* The next put knows, and does not wait for them again. */
    uint64_t again_ms = time_put(world, &err);
    assert_true(again_ms < 100);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[1]), 8 - count);
    world_destroy(world);
}

static void put_completes_without_dead_nodes(void **state)
{
    (void)state;
    put_completes_without_nodes_that_are(FAKE_DEAD, 1);
    put_completes_without_nodes_that_are(FAKE_DEAD, 2);
}

static void put_completes_without_stopped_nodes(void **state)
{
    (void)state;
    put_completes_without_nodes_that_are(FAKE_STOPPED, 1);
    put_completes_without_nodes_that_are(FAKE_STOPPED, 2);
}

static void put_completes_without_dripping_nodes(void **state)
{
    (void)state;
    put_completes_without_nodes_that_are(FAKE_DRIPPING, 1);
    put_completes_without_nodes_that_are(FAKE_DRIPPING, 2);
}

static void put_completes_without_nodes_that_die_midway(void **state)
{
    (void)state;
    put_completes_without_nodes_that_are(FAKE_DIES_MIDWAY, 2);
}

static void fewer_than_w_nodes_are_refused_by_number(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.nodes[0].manner = FAKE_DEAD;
    world->net.nodes[4].manner = FAKE_DEAD;
    world->net.nodes[7].manner = FAKE_DEAD;
    struct hearth_err err;
    assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_FLEET_TOO_SMALL);
    assert_non_null(strstr(err.message, "put bucket/key: 5 of 8 nodes answered, 6 needed (node "));
    assert_non_null(strstr(err.message, "connection refused"));
    assert_null(fake_coordinator_find(&world->coordinator, "bucket", "key"));
    assert_int_equal(world->coordinator.asked[RPC_ABORT], 1);
    world_destroy(world);
}

static void too_many_silent_nodes_are_refused_in_seconds(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (unsigned i = 0; i < 3; i++) {
        world->net.nodes[i].manner = FAKE_STOPPED;
    }
    struct hearth_err err;
    uint64_t start_ms = now_ms(world);
    assert_int_equal(world_put(world, "key", 1, 4 * MIB, &err), HEARTH_FLEET_TOO_SMALL);
    assert_in_range(now_ms(world) - start_ms, 4000, 5000);
    assert_non_null(strstr(err.message, "5 of 8 nodes answered, 6 needed"));
    assert_non_null(strstr(err.message, "silent, and nobody to take its place"));
    world_destroy(world);
}

/* Who was bad a moment ago may be well again: better than to refuse the put. */
static void nodes_of_bad_standing_are_asked_when_too_few_are_good(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    for (unsigned i = 0; i < 3; i++) {
        world->net.nodes[i].manner = FAKE_DEAD;
    }
    assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_FLEET_TOO_SMALL);
    for (unsigned i = 0; i < 3; i++) {
        world->net.nodes[i].manner = FAKE_HONEST;
    }
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[1]), 8);
    world_destroy(world);
}

static void who_had_no_spare_is_not_asked_for_another(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.nodes[0].manner = FAKE_DEAD;
    world->net.nodes[4].manner = FAKE_DEAD;
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    assert_int_equal(world->coordinator.asked[RPC_OFFER_SLOT], 1);
    world_destroy(world);
}

static void slow_nodes_that_are_needed_are_waited_for(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (unsigned i = 0; i < 3; i++) {
        world->net.nodes[i].cell_us = 900 * 1000; /* 32 cells in half a minute */
    }
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 8 * MIB, &err), &err);
    world_destroy(world);
}

/* Nodes that keep nothing, for the sake of this machine's memory. */
static uint64_t time_large_put(enum fake_manner manner, unsigned node)
{
    struct world *world = world_create(NULL);
    for (unsigned i = 0; i < 8; i++) {
        world->net.nodes[i].manner = FAKE_FORGETS;
        world->net.nodes[i].cell_us = 10 * 1000;
    }
    world->net.nodes[node].manner = manner;
    struct hearth_err err;
    uint64_t start_ms = now_ms(world);
    assert_ok(world_put(world, "key", 1, 256 * MIB, &err), &err);
    uint64_t took_ms = now_ms(world) - start_ms;
    world_destroy(world);
    return took_ms;
}

static void one_slow_or_stopped_node_costs_little_of_a_large_put(void **state)
{
    (void)state;
    uint64_t clean_ms = time_large_put(FAKE_FORGETS, 0);
    assert_in_range(clean_ms, 9000, 11000); /* 1,024 cells a node */
    assert_in_range(time_large_put(FAKE_DRIPPING, 1), clean_ms, clean_ms + 2000);
    assert_in_range(time_large_put(FAKE_STOPPED, 6), clean_ms, clean_ms + 2000);
}

/* A node's limit is met by many puts at once; each has its turn soon. */
static void busy_nodes_are_asked_again(void **state)
{
    (void)state;
    for (unsigned times = 1; times <= 5; times++) {
        struct world *world = world_create(NULL);
        for (unsigned i = 0; i < 8; i++) {
            world->net.nodes[i].busy = times;
        }
        struct hearth_err err;
        assert_in_range(time_put(world, &err), 1, 300);
        assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 8);
        assert_int_equal(world->notice_count, 0);
        world_destroy(world);
    }
}

/* What was released cannot be sent again: a node that is busy in the middle is lost then, and until
 * then it costs its pauses. */
static void a_node_that_is_busy_midway_does_not_bring_back_what_is_released(void **state)
{
    (void)state;
    for (uint64_t mib = 16; mib <= 136; mib += 120) { /* the data is kept, or not */
        const struct world_options options = {.memory_max = mib * MIB};
        struct world *world = world_create(&options);
        world->net.nodes[1].manner = FAKE_BUSY_MIDWAY;
        world->net.nodes[6].manner = FAKE_BUSY_MIDWAY;
        struct hearth_err err;
        uint64_t start_ms = now_ms(world);
        assert_ok(world_put(world, "key", 1, 24 * MIB, &err), &err);
        assert_in_range(now_ms(world) - start_ms, 0, 1500);
        assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 6);
        world_destroy(world);
    }
}

static void one_node_that_stays_busy_is_done_without(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.nodes[3].busy = UINT32_MAX;
    struct hearth_err err;
    assert_in_range(time_put(world, &err), 200, 1000);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 7);
    world_destroy(world);
}

static void nodes_that_stay_busy_are_given_up_after_10_s(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (unsigned i = 0; i < 8; i++) {
        world->net.nodes[i].busy = UINT32_MAX;
    }
    struct hearth_err err;
    uint64_t start_ms = now_ms(world);
    assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_FLEET_TOO_SMALL);
    assert_in_range(now_ms(world) - start_ms, 10000, 12000);
    assert_non_null(strstr(err.message, "coming and going already"));
    assert_in_range(world->net.nodes[0].puts, 20, 200); /* not asked without pause */
    world_destroy(world);
}

/* Spares stand by: the put ends with n holders whatever the first ones do. */
static void spares_take_the_slots_of(enum fake_manner manner)
{
    const struct world_options options = {.nodes = 12};
    struct world *world = world_create(&options);
    world->net.nodes[1].manner = manner;
    world->net.nodes[3].manner = manner;
    world->net.nodes[6].manner = manner;
    struct hearth_err err;
    uint64_t took_ms = time_put(world, &err);
    assert_true(took_ms < 6000);
    const struct fake_segment *segment = &world->coordinator.segments[0];
    assert_int_equal(fake_segment_holders(segment), 8);
    for (unsigned slot = 0; slot < 8; slot++) {
        assert_true(fake_net_has_shard(&world->net, &segment->held[slot]));
    }
    world_destroy(world);
}

static void spares_take_the_slots_of_bad_nodes(void **state)
{
    (void)state;
    spares_take_the_slots_of(FAKE_DEAD);
    spares_take_the_slots_of(FAKE_DIES_MIDWAY);
    spares_take_the_slots_of(FAKE_STOPPED);
    spares_take_the_slots_of(FAKE_DRIPPING);
}

/* With less memory than the segment needs, stripes go as soon as nobody needs them: a spare that
 * comes late does, however slow it is. */
static void a_slow_spare_gets_what_it_needs_also_with_little_memory(void **state)
{
    (void)state;
    const struct world_options options = {.nodes = 12, .memory_max = 16 * MIB};
    struct world *world = world_create(&options);
    for (unsigned i = 0; i < 3; i++) {
        world->net.nodes[1 + 2 * i].manner = FAKE_UNREACHED;
    }
    for (unsigned i = 8; i < 12; i++) {
        world->net.nodes[i].cell_us = 20 * 1000;
    }
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 24 * MIB, &err), &err);
    assert_in_range(fake_segment_holders(&world->coordinator.segments[0]), 6, 8);
    world_destroy(world);
}

/* Between the offer and the connection it got another address. */
static void move_node(struct fake_net *net, void *context)
{
    (void)context;
    net->nodes[4].host = "elsewhere";
}

static void a_node_that_moved_is_followed(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.at_open = move_node;
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    assert_int_equal(world->coordinator.asked[RPC_WHEREIS], 1);
    assert_int_equal(world->coordinator.asked[RPC_OFFER_SLOT], 0);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 8);
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[1]), 8);
    world_destroy(world);
}

static void a_node_is_tried_at_each_of_its_addresses_and_not_blamed_for_the_first(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.nodes[4].host_before = "left long ago";
    struct hearth_err err;
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(world_put(world, "key", 1, MIB, &err), &err);
        assert_int_equal(fake_segment_holders(&world->coordinator.segments[i]), 8);
    }
    assert_int_equal(world->net.nodes[4].misses, 1);
    assert_int_equal(world->coordinator.asked[RPC_WHEREIS], 0);
    assert_int_equal(world->coordinator.asked[RPC_OFFER_SLOT], 0);
    world_destroy(world);
}

/* How many nodes the coordinator is told not to offer again, after one was lost for this reason. */
static unsigned refused_after(struct world *world, enum hearth_code code)
{
    const uint8_t intent[16] = {1};
    const struct wire_node_address node = {
        .node_id = view_of(world->net.nodes[0].id, FAKE_NODE_ID_SIZE)};
    const struct wire_placement placement = {.node = &node};
    const struct put_holder holder = {
        .state = PUT_HOLDER_LOST, .placement = &placement, .err.code = code};
    struct transfer transfer = {.session = &world->session};
    struct arena arena;
    arena_init(&arena, 0);
    struct put_spares spares = {.transfer = &transfer,
        .arena = &arena,
        .intent_id = view_of(intent, sizeof(intent)),
        .segment_id = view_of(world->coordinator.segments[0].id, 16)};
    assert_non_null(put_spares_replace(&spares, &holder));
    arena_fini(&arena);
    return spares.failed_count;
}

static void an_order_that_ran_out_is_not_held_against_its_node(void **state)
{
    (void)state;
    const struct world_options options = {.nodes = 10};
    struct world *world = world_create(&options);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    assert_int_equal(refused_after(world, HEARTH_EXPIRED), 0);
    assert_int_equal(refused_after(world, HEARTH_IO), 1);
    world_destroy(world);
}

static void an_oddly_slow_node_is_waited_for_no_longer_than_the_rest_took(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.nodes[5].sync_us = 60 * 1000 * 1000;
    struct hearth_err err;
    uint64_t took_ms = time_put(world, &err);
    assert_true(took_ms >= 200 && took_ms < 2 * 200 + 100);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 7);
    world_destroy(world);
}

static void a_late_receipt_is_added(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.nodes[5].sync_us = 300 * 1000; /* after the grace, within the linger */
    struct hearth_err err;
    time_put(world, &err);
    assert_int_equal(world->coordinator.asked[RPC_ADD_HOLDERS], 1);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 8);
    world_destroy(world);
}

static void all_nodes_slow_alike_is_not_slowness(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (unsigned i = 0; i < 8; i++) {
        world->net.nodes[i].cell_us = 3 * 1000 * 1000; /* 64 KiB in 3 s: 170 kbit/s */
    }
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 4 * MIB, &err), &err);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 8);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_completes_without_dead_nodes),
        cmocka_unit_test(put_completes_without_stopped_nodes),
        cmocka_unit_test(put_completes_without_dripping_nodes),
        cmocka_unit_test(put_completes_without_nodes_that_die_midway),
        cmocka_unit_test(fewer_than_w_nodes_are_refused_by_number),
        cmocka_unit_test(too_many_silent_nodes_are_refused_in_seconds),
        cmocka_unit_test(nodes_of_bad_standing_are_asked_when_too_few_are_good),
        cmocka_unit_test(who_had_no_spare_is_not_asked_for_another),
        cmocka_unit_test(slow_nodes_that_are_needed_are_waited_for),
        cmocka_unit_test(one_slow_or_stopped_node_costs_little_of_a_large_put),
        cmocka_unit_test(busy_nodes_are_asked_again),
        cmocka_unit_test(a_node_that_is_busy_midway_does_not_bring_back_what_is_released),
        cmocka_unit_test(one_node_that_stays_busy_is_done_without),
        cmocka_unit_test(nodes_that_stay_busy_are_given_up_after_10_s),
        cmocka_unit_test(spares_take_the_slots_of_bad_nodes),
        cmocka_unit_test(a_slow_spare_gets_what_it_needs_also_with_little_memory),
        cmocka_unit_test(a_node_that_moved_is_followed),
        cmocka_unit_test(a_node_is_tried_at_each_of_its_addresses_and_not_blamed_for_the_first),
        cmocka_unit_test(an_order_that_ran_out_is_not_held_against_its_node),
        cmocka_unit_test(an_oddly_slow_node_is_waited_for_no_longer_than_the_rest_took),
        cmocka_unit_test(a_late_receipt_is_added),
        cmocka_unit_test(all_nodes_slow_alike_is_not_slowness),
    };
    return cmocka_run_group_tests_name("segment_put", tests, NULL, NULL);
}
