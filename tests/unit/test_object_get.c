/*
 * object_get: what comes is exactly what was put, or an error, whatever nodes and coordinator do.
 * Nodes and coordinator are invented, time is stepped.
 */
#include "client/object_get.h"
#include "tests/lib/client_world.h"

#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB, UNIT = 64 * KIB, STRIPE = 4 * UNIT };

static uint64_t now_ms(const struct world *world)
{
    return world->env.monotonic_ns / 1000000u;
}

static void get_whole(struct world *world, const char *key, uint64_t seed, uint64_t size)
{
    struct hearth_err err;
    uint64_t got;
    assert_ok(world_get(world, key, seed, 0, 0, &got, &err), &err);
    assert_int_equal(got, size);
}

static struct world *world_with(uint64_t size)
{
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, size, &err), &err);
    return world;
}

static void what_was_put_comes_back(void **state)
{
    (void)state;
    const struct world_options options = {.segment_plain_max = 2 * STRIPE};
    struct world *world = world_create(&options);
    const uint64_t edges[] = {
        1, WORLD_INLINE_MAX, UNIT, STRIPE, STRIPE + UNIT, 2 * STRIPE, 4 * STRIPE + 3 * UNIT};
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        for (uint64_t size = edges[i] - 1; size <= edges[i] + 1; size++) {
            struct hearth_err err;
            assert_ok(world_put(world, "key", size, size, &err), &err);
            get_whole(world, "key", size, size);
        }
    }
    world_destroy(world);
}

/* ---- ranges ---- */

/* Compared with the model: bytes [offset, min(offset + length, size)), each by its number. */
static void get_range(struct world *world, uint64_t size, uint64_t offset, uint64_t length)
{
    struct hearth_err err;
    uint64_t got = 0;
    enum hearth_code code = world_get(world, "key", 1, offset, length, &got, &err);
    if (offset > 0 && offset >= size) {
        assert_int_equal(code, HEARTH_INVALID);
        return;
    }
    assert_ok(code, &err);
    uint64_t rest = size - offset;
    assert_int_equal(got, length == 0 || length > rest ? rest : length);
}

/* Whoever answers for it says how large the object is. */
static void a_range_past_the_end_is_refused_after_the_sink_was_told_the_size(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, WORLD_INLINE_MAX + 1, 3 * UNIT};
    struct world *world = world_create(NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct hearth_err err;
        struct world_sink sink;
        const struct hearth_get_options options = {.offset = sizes[i] + 1, .length = 5};
        assert_ok(world_put(world, "key", 1, sizes[i], &err), &err);
        world_sink_init(&sink, 1, 0);
        assert_int_equal(
            object_get(&world->session, "bucket", view_text("key"), &sink.sink, &options, &err),
            HEARTH_INVALID);
        assert_true(sink.has_started);
        assert_int_equal(sink.object_size, sizes[i]);
        assert_int_equal(sink.size, 0);
    }
    world_destroy(world);
}

static uint64_t near_an_edge(struct env *env, uint64_t size)
{
    const uint64_t grains[] = {1, UNIT, 65552, STRIPE, 2 * STRIPE};
    uint64_t grain = grains[env_random_below(env, sizeof(grains) / sizeof(grains[0]))];
    uint64_t edge = env_random_below(env, size / grain + 1) * grain;
    uint64_t off = edge + env_random_below(env, 3);
    return off > 0 ? off - 1 : 0;
}

static void any_range_is_exact(void **state)
{
    (void)state;
    const struct world_options options = {.segment_plain_max = 2 * STRIPE};
    struct test_env chance;
    test_env_init(&chance, 4);
    for (unsigned round = 0; round < 12; round++) {
        struct world *world = world_create(&options);
        uint64_t size = near_an_edge(&chance.env, 5 * STRIPE);
        struct hearth_err err;
        assert_ok(world_put(world, "key", 1, size, &err), &err);
        for (unsigned i = 0; i < 25; i++) {
            uint64_t offset = near_an_edge(&chance.env, size + 1);
            get_range(world, size, offset, near_an_edge(&chance.env, size + 1));
        }
        world_destroy(world);
    }
}

static void ranges_are_exact_with_any_two_nodes_dead(void **state)
{
    (void)state;
    struct test_env chance;
    test_env_init(&chance, 5);
    struct world *world = world_with(3 * STRIPE + UNIT + 100);
    for (unsigned first = 0; first < 8; first++) {
        for (unsigned second = first + 1; second < 8; second++) {
            world->net.nodes[first].manner = FAKE_DEAD;
            world->net.nodes[second].manner = FAKE_DEAD;
            uint64_t offset = near_an_edge(&chance.env, 3 * STRIPE);
            get_range(world, 3 * STRIPE + UNIT + 100, offset, near_an_edge(&chance.env, STRIPE));
            world->net.nodes[first].manner = FAKE_HONEST;
            world->net.nodes[second].manner = FAKE_HONEST;
        }
    }
    world_destroy(world);
}

static void the_end_of_an_object_is_had_without_knowing_its_size(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    struct world_sink sink;
    world_sink_init(&sink, 1, 0);
    const struct hearth_get_options options = {.length = 100 * KIB, .suffix = true};
    struct hearth_err err;
    assert_ok(
        object_get(&world->session, "bucket", view_text("key"), &sink.sink, &options, &err), &err);
    assert_true(sink.is_exact);
    assert_int_equal(sink.size, 100 * KIB);
    assert_int_equal(sink.offset, MIB);
    world_destroy(world);
}

static unsigned cells_sent(const struct world *world)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->net.node_count; i++) {
        count += world->net.nodes[i].cells_sent;
    }
    return count;
}

static void only_needed_cells_are_read(void **state)
{
    (void)state;
    struct world *world = world_with(16 * STRIPE);
    get_range(world, 16 * STRIPE, 5 * UNIT + 7, 100); /* inside one unit */
    assert_int_equal(cells_sent(world), 1);
    get_range(world, 16 * STRIPE, 5 * UNIT + 7, UNIT); /* across two */
    assert_int_equal(cells_sent(world), 1 + 2);
    get_range(world, 16 * STRIPE, 3 * UNIT, 6 * UNIT); /* the last, a stripe, the first */
    assert_int_equal(cells_sent(world), 1 + 2 + 6);
    get_range(world, 16 * STRIPE, 0, 0);
    assert_int_equal(cells_sent(world), 1 + 2 + 6 + 64);
    world_destroy(world);
}

/* ---- nodes that fail ---- */

static void any_four_of_eight_may_be(enum fake_manner manner)
{
    struct world *world = world_with(2 * STRIPE + 1000);
    unsigned ways = 0;
    for (unsigned dead = 0; dead < 256; dead++) {
        if (__builtin_popcount(dead) != 4) {
            continue;
        }
        for (unsigned i = 0; i < 8; i++) {
            world->net.nodes[i].manner = dead >> i & 1 ? manner : FAKE_HONEST;
        }
        get_whole(world, "key", 1, 2 * STRIPE + 1000);
        ways++;
        world->notice_count = 0;
        world->coordinator.report_count = 0;
    }
    assert_int_equal(ways, 70);
    world_destroy(world);
}

static void any_four_of_eight_may_be_dead(void **state)
{
    (void)state;
    any_four_of_eight_may_be(FAKE_DEAD);
}

static void any_four_of_eight_may_be_stopped(void **state)
{
    (void)state;
    any_four_of_eight_may_be(FAKE_STOPPED);
}

static void any_four_of_eight_may_lie(void **state)
{
    (void)state;
    any_four_of_eight_may_be(FAKE_FLIPS_A_BIT);
}

static void five_dead_are_counted_and_nothing_is_delivered(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    for (unsigned i = 0; i < 5; i++) {
        world->net.nodes[i + 2].manner = FAKE_DEAD;
    }
    struct hearth_err err;
    uint64_t got;
    assert_int_equal(world_get(world, "key", 1, 0, 0, &got, &err), HEARTH_SHARDS_LOST);
    assert_int_equal(got, 0);
    assert_non_null(strstr(err.message, "get bucket/key: segment "));
    assert_non_null(strstr(err.message, "has 3 of 8 shards reachable, 4 needed: 5 missing"));

    for (unsigned i = 0; i < 5; i++) {
        world->net.nodes[i + 2].manner = FAKE_HONEST;
    }
    get_whole(world, "key", 1, MIB);
    world_destroy(world);
}

static void five_silent_ones_are_an_error_too(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    for (unsigned i = 0; i < 5; i++) {
        world->net.nodes[i].manner = FAKE_STOPPED;
    }
    struct hearth_err err;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_SHARDS_LOST);
    assert_non_null(strstr(err.message, "has 3 of 8 shards reachable"));
    world_destroy(world);
}

static void read_around_a_liar(enum fake_manner manner, unsigned liar)
{
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 3, 4 * STRIPE, &err), &err); /* its old version */
    assert_ok(world_put(world, "other", 2, 4 * STRIPE, &err), &err);
    assert_ok(world_put(world, "key", 1, 3 * STRIPE + 1000, &err), &err);
    world->net.nodes[liar].manner = manner;
    get_whole(world, "key", 1, 3 * STRIPE + 1000);

    assert_int_equal(world->coordinator.report_count, 1);
    const struct fake_report *report = &world->coordinator.reports[0];
    assert_int_equal(report->slot, liar);
    assert_int_equal(report->code, HEARTH_CHECKSUM);
    assert_memory_equal(report->node_id, world->net.nodes[liar].id, FAKE_NODE_ID_SIZE);
    assert_int_equal(world->notice_count, 1);
    assert_non_null(strstr(world->notices[0],
        manner == FAKE_ENDS_EARLY ? "it ended before stripe" : "is not what was stored"));
    world_destroy(world);
}

static void every_liar_is_named_and_every_read_exact(void **state)
{
    (void)state;
    for (unsigned manner = FAKE_FLIPS_A_BIT; manner < FAKE_MANNERS; manner++) {
        for (unsigned liar = 0; liar < 4; liar++) { /* these are asked first */
            read_around_a_liar((enum fake_manner)manner, liar);
        }
    }
}

static void a_shard_that_is_gone_is_reported(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    world->net.nodes[1].manner = FAKE_FORGETS;
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    get_whole(world, "key", 1, MIB);
    assert_int_equal(world->coordinator.report_count, 1);
    assert_int_equal(world->coordinator.reports[0].code, HEARTH_NOT_FOUND);
    world_destroy(world);
}

/* 64 stripes; how long they take when one node is of this manner. */
static uint64_t time_get_with(enum fake_manner manner, unsigned node)
{
    struct world *world = world_with(64 * STRIPE);
    world->net.nodes[node].manner = manner;
    uint64_t start = now_ms(world);
    get_whole(world, "key", 1, 64 * STRIPE);
    uint64_t took_ms = now_ms(world) - start;

    /* The next one begins with better nodes. */
    start = now_ms(world);
    get_whole(world, "key", 1, 64 * STRIPE);
    assert_true(now_ms(world) - start < 20);
    world_destroy(world);
    return took_ms;
}

static void slow_nodes_cost_one_hedge(void **state)
{
    (void)state;
    for (unsigned node = 0; node < 4; node++) {
        assert_true(time_get_with(FAKE_STOPPED, node) < 100);
        assert_true(time_get_with(FAKE_DRIPPING, node) < 100);
        assert_true(time_get_with(FAKE_SLOW, node) < 200);
        assert_true(time_get_with(FAKE_DIES_MIDWAY, node) < 20);
    }
}

static void all_nodes_slow_alike_are_not_hedged_for_ever(void **state)
{
    (void)state;
    struct world *world = world_with(16 * STRIPE);
    for (unsigned i = 0; i < 8; i++) {
        world->net.nodes[i].cell_us = 700 * 1000;
    }
    get_whole(world, "key", 1, 16 * STRIPE);
    assert_int_equal(cells_sent(world), 64);
    world_destroy(world);
}

static void a_node_that_moved_is_found(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    for (unsigned i = 0; i < 4; i++) {
        world->net.nodes[i].manner = FAKE_DEAD;
    }
    world->coordinator.answers_stale_addresses = true;
    world->net.nodes[5].host = "elsewhere";
    get_whole(world, "key", 1, MIB);
    assert_true(world->coordinator.asked[RPC_WHEREIS] > 0);
    world_destroy(world);
}

static void a_node_is_read_at_each_of_its_addresses(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    for (unsigned i = 0; i < 4; i++) {
        world->net.nodes[i].manner = FAKE_DEAD;
    }
    world->net.nodes[5].host_before = "left long ago";
    get_whole(world, "key", 1, MIB);
    assert_int_equal(world->net.nodes[5].misses, 1);
    assert_int_equal(world->coordinator.asked[RPC_WHEREIS], 0);
    assert_int_equal(world->coordinator.asked[RPC_MORE_ORDERS], 0);
    world_destroy(world);
}

static void that_a_node_is_silent_is_said_once(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    for (unsigned i = 0; i < 5; i++) {
        world->net.nodes[i].manner = FAKE_DEAD;
    }
    struct hearth_err err;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_SHARDS_LOST);
        assert_int_equal(world->coordinator.report_count, 5);
        assert_int_equal(world->notice_count, 5);
    }
    world_destroy(world);
}

/* ---- sinks and cancelling ---- */

static void a_sink_that_fails_ends_the_get_with_its_reason(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    struct world_sink sink;
    world_sink_init(&sink, 1, 300 * KIB);
    struct hearth_err err;
    assert_int_equal(
        object_get(&world->session, "bucket", view_text("key"), &sink.sink, NULL, &err),
        HEARTH_NO_SPACE);
    assert_string_equal(err.message, "get bucket/key: file: no space left");
    world_destroy(world);
}

static void a_get_can_be_stopped_at_every_wait(void **state)
{
    (void)state;
    struct world *world = world_with(2 * STRIPE);
    enum hearth_code code = HEARTH_CANCELLED;
    unsigned nth = 0;
    for (; code == HEARTH_CANCELLED; nth++) {
        struct world_stop stop;
        world_stop_at_wait(world, &stop, nth);
        struct world_sink sink;
        world_sink_init(&sink, 1, 0);
        const struct hearth_get_options options = {.control = {.cancel = &stop.cancel}};
        struct hearth_err err;
        code = object_get(&world->session, "bucket", view_text("key"), &sink.sink, &options, &err);
        assert_true(sink.is_exact);
        assert_int_equal(world->net.calls_open, 0);
    }
    assert_int_equal(code, HEARTH_OK);
    assert_true(nth > 4);
    world->net.at_wait = NULL;
    world_destroy(world);
}

/* ---- a coordinator that lies ---- */

static struct fake_version *version_of(struct world *world, const char *key)
{
    return (struct fake_version *)fake_coordinator_find(&world->coordinator, "bucket", key);
}

static void rows_that_are_not_the_sealed_ones_are_refused(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    assert_ok(world_put(world, "other", 2, MIB, &err), &err);
    const struct fake_version honest = *version_of(world, "key");
    const struct fake_version *other = version_of(world, "other");
    struct fake_version *version = version_of(world, "key");

    version->info.size--;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_CHECKSUM);
    *version = honest;
    version->info.etag = other->info.etag;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_CHECKSUM);
    *version = honest;
    version->extents = other->extents;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_CHECKSUM);
    *version = honest;
    version->extents_count = 0;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_CHECKSUM);

    /* The whole row of another key, or only its manifest. */
    version->manifest = other->manifest;
    assert_int_equal(world_get(world, "key", 2, 0, 0, NULL, &err), HEARTH_CHECKSUM);
    *version = *other;
    version->key = honest.key;
    assert_int_equal(world_get(world, "key", 2, 0, 0, NULL, &err), HEARTH_CHECKSUM);

    *version = honest;
    get_whole(world, "key", 1, MIB);
    world_destroy(world);
}

static void a_segment_described_wrongly_is_refused(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    struct fake_segment *segment = &world->coordinator.segments[0];
    struct hearth_err err;
    segment->length = MIB - 1;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_CHECKSUM);
    segment->length = (64u << 20) + 1;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_CHECKSUM);
    segment->length = MIB;
    segment->vk[3] ^= 1; /* no cell fits its tag any more */
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_SHARDS_LOST);
    world_destroy(world);
}

static void long_objects_are_looked_up_in_pages(void **state)
{
    (void)state;
    const struct world_options options = {.segment_plain_max = STRIPE};
    struct world *world = world_create(&options);
    world->coordinator.lookup_segments_max = 3;
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 10 * STRIPE + 5, &err), &err);
    get_whole(world, "key", 1, 10 * STRIPE + 5);
    assert_int_equal(world->coordinator.asked[RPC_LOOKUP], 4);
    get_range(world, 10 * STRIPE + 5, 7 * STRIPE - 2, STRIPE);
    assert_int_equal(world->coordinator.asked[RPC_LOOKUP], 5);
    world_destroy(world);
}

static void a_lost_lookup_is_asked_again(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    fake_coordinator_add_fault(&world->coordinator, RPC_LOOKUP, FAKE_ANSWER_LOST, 1, 3);
    get_whole(world, "key", 1, MIB);
    world_destroy(world);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_int_equal(world_get(world, "nothing", 1, 0, 0, NULL, &err), HEARTH_NOT_FOUND);
    assert_string_equal(err.message, "get bucket/nothing: no object nothing");
    world_destroy(world);
}

static void another_root_key_is_refused_at_once(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    world->coordinator.root_key_id[0] ^= 1;
    test_env_step_ms(&world->env, 24 * 3600 * 1000); /* the session is renewed */
    struct hearth_err err;
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_WRONG_KEY);
    assert_non_null(strstr(err.message, "root key of tenant tenant is"));
    world_destroy(world);
}

static void memory_beyond_the_budget_is_refused(void **state)
{
    (void)state;
    struct world *world = world_with(MIB);
    struct hearth_err err;
    uint64_t share;
    assert_ok(
        byte_budget_reserve(&world->session.budget, 121 << 20, 121 << 20, &share, &err), &err);
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_BUSY);
    byte_budget_release(&world->session.budget, share);
    get_whole(world, "key", 1, MIB);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_comes_back),
        cmocka_unit_test(any_range_is_exact),
        cmocka_unit_test(a_range_past_the_end_is_refused_after_the_sink_was_told_the_size),
        cmocka_unit_test(ranges_are_exact_with_any_two_nodes_dead),
        cmocka_unit_test(the_end_of_an_object_is_had_without_knowing_its_size),
        cmocka_unit_test(only_needed_cells_are_read),
        cmocka_unit_test(any_four_of_eight_may_be_dead),
        cmocka_unit_test(any_four_of_eight_may_be_stopped),
        cmocka_unit_test(any_four_of_eight_may_lie),
        cmocka_unit_test(five_dead_are_counted_and_nothing_is_delivered),
        cmocka_unit_test(five_silent_ones_are_an_error_too),
        cmocka_unit_test(every_liar_is_named_and_every_read_exact),
        cmocka_unit_test(a_shard_that_is_gone_is_reported),
        cmocka_unit_test(slow_nodes_cost_one_hedge),
        cmocka_unit_test(all_nodes_slow_alike_are_not_hedged_for_ever),
        cmocka_unit_test(a_node_that_moved_is_found),
        cmocka_unit_test(a_node_is_read_at_each_of_its_addresses),
        cmocka_unit_test(that_a_node_is_silent_is_said_once),
        cmocka_unit_test(a_sink_that_fails_ends_the_get_with_its_reason),
        cmocka_unit_test(a_get_can_be_stopped_at_every_wait),
        cmocka_unit_test(rows_that_are_not_the_sealed_ones_are_refused),
        cmocka_unit_test(a_segment_described_wrongly_is_refused),
        cmocka_unit_test(long_objects_are_looked_up_in_pages),
        cmocka_unit_test(a_lost_lookup_is_asked_again),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(another_root_key_is_refused_at_once),
        cmocka_unit_test(memory_beyond_the_budget_is_refused),
    };
    return cmocka_run_group_tests_name("object_get", tests, NULL, NULL);
}
