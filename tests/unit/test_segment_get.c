/*
 * segment_get: reading is as quick as the quickest nodes allow, ends of segments included, and a
 * read that lost its nodes goes on from where it was.  Through object_get; nodes and coordinator
 * are invented, time is stepped.
 */
#include "client/segment_get.h"

#include "client/object_get.h"
#include "tests/lib/client_world.h"

enum { KIB = 1024, UNIT = 64 * KIB, STRIPE = 4 * UNIT, NODES = 8 };

static uint64_t now_ms(const struct world *world)
{
    return world->env.monotonic_ns / 1000000u;
}

/* An object "key" of so many segments of so many stripes. */
static struct world *world_with(unsigned segments, unsigned stripes)
{
    const struct world_options options = {.segment_plain_max = (size_t)stripes * STRIPE};
    struct world *world = world_create(&options);
    struct hearth_err err;
    uint64_t size = (uint64_t)segments * stripes * STRIPE;
    assert_ok(world_put(world, "key", 1, size, &err), &err);
    return world;
}

static void get_whole(struct world *world)
{
    struct hearth_err err;
    assert_ok(world_get(world, "key", 1, 0, 0, NULL, &err), &err);
}

static uint64_t time_get_ms(struct world *world)
{
    uint64_t start_ms = now_ms(world);
    get_whole(world);
    return now_ms(world) - start_ms;
}

static unsigned cells_sent(const struct world *world)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->net.node_count; i++) {
        count += world->net.nodes[i].cells_sent;
    }
    return count;
}

/* ---- reading ahead ---- */

static void there_is_no_gap_between_segments(void **state)
{
    (void)state;
    struct world *world = world_with(5, 32);
    for (unsigned i = 0; i < NODES; i++) {
        world->net.nodes[i].open_us = 10 * 1000;
        world->net.nodes[i].cell_us = 1000;
    }
    uint64_t took_ms = time_get_ms(world);
    assert_in_range(took_ms, 0, 5 * 32 + 20);        /* not 5 * (32 + 10) */
    assert_int_equal(cells_sent(world), 5 * 32 * 4); /* and no cell was read twice */
    world_destroy(world);
}

static void a_range_is_not_read_beyond(void **state)
{
    (void)state;
    struct world *world = world_with(3, 4);
    struct hearth_err err;
    assert_ok(world_get(world, "key", 1, 3 * STRIPE, 3 * STRIPE, NULL, &err), &err);
    assert_int_equal(cells_sent(world), 3 * 4);
    world_destroy(world);
}

struct watched_sink {
    struct hearth_sink sink;
    struct world *world;
    uint64_t delivered;
    uint64_t held_max; /* bytes that left nodes and were not delivered */
};

static enum hearth_code watch(void *context, struct view bytes, struct hearth_err *err)
{
    (void)err;
    struct watched_sink *sink = context;
    uint64_t held = cells_sent(sink->world) * (uint64_t)UNIT - sink->delivered;
    sink->held_max = held > sink->held_max ? held : sink->held_max;
    sink->delivered += bytes.size;
    fake_net_run_ms(&sink->world->net, 50); /* slower than any node */
    return HEARTH_OK;
}

static void a_slow_sink_bounds_what_is_read_ahead(void **state)
{
    (void)state;
    struct world *world = world_with(3, 24);
    struct watched_sink sink = {.sink = {.write = watch, .context = &sink}, .world = world};
    struct hearth_err err;
    assert_ok(
        object_get(&world->session, "bucket", view_text("key"), &sink.sink, NULL, &err), &err);
    assert_int_equal(sink.delivered, 3 * 24 * (uint64_t)STRIPE);
    assert_in_range(sink.held_max, 8 * STRIPE, SEGMENT_GET_AHEAD_MAX * (uint64_t)STRIPE);
    world_destroy(world);
}

static enum hearth_code linger(void *context, struct view bytes, struct hearth_err *err)
{
    (void)bytes;
    (void)err;
    fake_net_run_ms(context, 100 * 1000);
    return HEARTH_OK;
}

/* Orders would run out in the middle of a segment. */
static void what_was_looked_up_long_ago_is_looked_up_again(void **state)
{
    (void)state;
    struct world *world = world_with(3, 2);
    const struct hearth_sink sink = {.write = linger, .context = &world->net};
    struct hearth_err err;
    assert_ok(object_get(&world->session, "bucket", view_text("key"), &sink, NULL, &err), &err);
    assert_in_range(world->coordinator.asked[RPC_LOOKUP], 2, 3);
    world_destroy(world);
}

/* ---- who is asked, and when another is ---- */

static void get_often(struct world *world, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        get_whole(world);
    }
}

static void a_known_node_is_late_by_its_own_measure(void **state)
{
    (void)state;
    struct world *world = world_with(1, 2);
    get_often(world, NODE_TEMPO_FIRSTS_MIN);
    world->net.nodes[1].manner = FAKE_STOPPED;
    assert_in_range(time_get_ms(world), 10, 15); /* not the 50 ms of a stranger */
    world_destroy(world);
}

static void a_far_node_is_not_late_for_being_far(void **state)
{
    (void)state;
    struct world *world = world_with(1, 2);
    for (unsigned i = 0; i < NODES; i++) {
        world->net.nodes[i].open_us = 200 * 1000;
    }
    get_often(world, NODE_TEMPO_FIRSTS_MIN);
    for (unsigned i = 0; i < NODES; i++) { /* a little slower than ever, but within reason */
        world->net.nodes[i].cells_sent = 0;
    }
    get_often(world, 20);
    assert_int_equal(cells_sent(world), 20 * 2 * 4); /* no rival was asked in vain */
    world_destroy(world);
}

/* Late by its own measure now and then is what a p90 means: it is no bad standing. */
static void being_late_once_in_ten_times_is_not_held_against_it(void **state)
{
    (void)state;
    struct world *world = world_with(1, 2);
    get_often(world, NODE_TEMPO_FIRSTS_MIN);
    world->net.nodes[2].open_us = 20 * 1000;
    get_whole(world);
    world->net.nodes[2].open_us = 0;
    unsigned asked = world->net.nodes[2].gets;
    get_whole(world);
    assert_int_equal(world->net.nodes[2].gets, asked + 1);
    world_destroy(world);
}

static void a_slow_node_is_passed_over_after_its_bad_standing_is_forgotten(void **state)
{
    (void)state;
    struct world *world = world_with(1, 8);
    world->net.nodes[1].open_us = 80 * 1000;
    get_often(world, 1); /* late: a rival, and bad standing for 30 s */
    fake_net_run_ms(&world->net, 31 * 1000);
    unsigned asked = world->net.nodes[1].gets;
    assert_in_range(time_get_ms(world), 0, 5);
    assert_int_equal(world->net.nodes[1].gets, asked);

    fake_net_run_ms(&world->net, NODE_TEMPO_AGE_MAX_MS + 1000); /* and gets a new chance */
    world->net.nodes[1].open_us = 0;
    get_whole(world);
    assert_int_equal(world->net.nodes[1].gets, asked + 1);
    world_destroy(world);
}

/* ---- busy nodes ---- */

static void busy_nodes_are_asked_again(void **state)
{
    (void)state;
    struct world *world = world_with(1, 2);
    for (unsigned i = 0; i < NODES; i++) {
        world->net.nodes[i].busy = 20;
    }
    assert_in_range(time_get_ms(world), 10, 1000);
    assert_int_equal(world->coordinator.report_count, 0); /* being busy is no fault */
    world_destroy(world);
}

/* Its cells are others than those that were looked up: read as if they were, they would be called
 * wrong, and an honest node with them. */
static void places_of_another_code_are_not_read(void **state)
{
    (void)state;
    struct world *world = world_with(1, 2);
    struct hearth_err err;
    world->coordinator.tells_another_code = true;
    for (unsigned i = 0; i < 5; i++) {
        world->net.nodes[i].manner = FAKE_DEAD;
    }
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_SHARDS_LOST);
    assert_true(world->coordinator.asked[RPC_MORE_ORDERS] > 0);
    for (unsigned i = 0; i < world->coordinator.report_count; i++) {
        assert_int_equal(world->coordinator.reports[i].code, HEARTH_UNREACHABLE);
    }
    world_destroy(world);
}

/* HEARTH_INVALID would say that the reader asked for it. */
static void a_code_that_cannot_be_is_not_the_readers_fault(void **state)
{
    (void)state;
    static const unsigned impossible[][2] = {{0, 8}, {8, 8}, {4, 1}}; /* k, n */
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        struct world *world = world_with(1, 2);
        struct hearth_err err;
        world->coordinator.profile.k = impossible[i][0];
        world->coordinator.profile.n = impossible[i][1];
        assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_CHECKSUM);
        world_destroy(world);
    }
}

static void nodes_that_stay_busy_are_given_up_after_10_s(void **state)
{
    (void)state;
    struct world *world = world_with(1, 2);
    for (unsigned i = 0; i < NODES; i++) {
        world->net.nodes[i].busy = UINT32_MAX;
    }
    struct hearth_err err;
    uint64_t start_ms = now_ms(world);
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_SHARDS_LOST);
    assert_in_range(now_ms(world) - start_ms, 10000, 11000);
    world_destroy(world);
}

/* ---- going on ---- */

static void a_get_goes_on_though_every_call_dies_after_two_cells(void **state)
{
    (void)state;
    struct world *world = world_with(2, 16);
    for (unsigned i = 0; i < NODES; i++) {
        world->net.nodes[i].manner = FAKE_DIES_MIDWAY;
    }
    get_whole(world);
    world_destroy(world);
}

struct outage {
    struct world *world;
    uint64_t back_ms; /* when the nodes are there again */
};

static void step_outage(struct fake_net *net, void *context)
{
    const struct outage *outage = context;
    bool is_over = now_ms(outage->world) >= outage->back_ms;
    for (unsigned i = 0; i < 5; i++) {
        if (is_over) {
            net->nodes[i].manner = FAKE_HONEST;
        } else if (net->nodes[i].cells_sent >= 2) {
            net->nodes[i].manner = FAKE_DEAD;
        }
    }
}

/* Five of eight nodes die after two cells each, for so long. */
static enum hearth_code get_with_outage(uint64_t lasts_ms, uint64_t *out_size, uint64_t *out_ms)
{
    struct world *world = world_with(2, 16);
    for (unsigned i = 0; i < 5; i++) {
        world->net.nodes[i].manner = FAKE_DIES_MIDWAY;
    }
    uint64_t start_ms = now_ms(world);
    struct outage outage = {.world = world, .back_ms = start_ms + lasts_ms};
    world->net.at_wait = step_outage;
    world->net.at_wait_context = &outage;
    struct hearth_err err;
    enum hearth_code code = world_get(world, "key", 1, 0, 0, out_size, &err);
    *out_ms = now_ms(world) - start_ms;
    world->net.at_wait = NULL;
    world_destroy(world);
    return code;
}

static void a_get_outlives_a_short_outage(void **state)
{
    (void)state;
    uint64_t size;
    uint64_t took_ms;
    assert_int_equal(get_with_outage(2000, &size, &took_ms), HEARTH_OK);
    assert_int_equal(size, 2 * 16 * STRIPE);
    assert_in_range(took_ms, 2000, 6000);
}

static void a_long_outage_ends_it_in_a_few_seconds_with_a_true_beginning(void **state)
{
    (void)state;
    uint64_t size;
    uint64_t took_ms;
    assert_int_equal(get_with_outage(3600 * 1000, &size, &took_ms), HEARTH_SHARDS_LOST);
    assert_in_range(size, 1, 16 * STRIPE);
    assert_in_range(took_ms, 3000, 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_gap_between_segments),
        cmocka_unit_test(a_range_is_not_read_beyond),
        cmocka_unit_test(a_slow_sink_bounds_what_is_read_ahead),
        cmocka_unit_test(what_was_looked_up_long_ago_is_looked_up_again),
        cmocka_unit_test(a_known_node_is_late_by_its_own_measure),
        cmocka_unit_test(a_far_node_is_not_late_for_being_far),
        cmocka_unit_test(being_late_once_in_ten_times_is_not_held_against_it),
        cmocka_unit_test(a_slow_node_is_passed_over_after_its_bad_standing_is_forgotten),
        cmocka_unit_test(busy_nodes_are_asked_again),
        cmocka_unit_test(places_of_another_code_are_not_read),
        cmocka_unit_test(a_code_that_cannot_be_is_not_the_readers_fault),
        cmocka_unit_test(nodes_that_stay_busy_are_given_up_after_10_s),
        cmocka_unit_test(a_get_goes_on_though_every_call_dies_after_two_cells),
        cmocka_unit_test(a_get_outlives_a_short_outage),
        cmocka_unit_test(a_long_outage_ends_it_in_a_few_seconds_with_a_true_beginning),
    };
    return cmocka_run_group_tests_name("segment_get", tests, NULL, NULL);
}
