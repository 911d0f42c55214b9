/*
 * fleet_view: a snapshot stays as it was, and a number that nobody has is a node that is gone.
 */
#include "coordinator/fleet/fleet_view.h"

#include "coordinator/meta/meta_health.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"

#include <stdlib.h>

enum { NODES = 3, DAY_MS = 24 * 60 * 60 * 1000 };

struct fixture {
    struct test_coordinator world;
    struct test_member *nodes;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    at->nodes = test_coordinator_nodes(&at->world, NODES);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_coordinator_fini(&at->world);
    free(at);
    return 0;
}

static const struct fleet_view *take(struct fixture *at)
{
    const struct fleet_view *view;
    assert_ok(fleet_view_take(at->world.coordinator->nodes, &view, &at->world.err), &at->world.err);
    return view;
}

static void set_state(struct fixture *at, uint32_t number, enum meta_node_state state)
{
    struct coordinator *coordinator = at->world.coordinator;
    assert_ok(
        meta_node_set_state(coordinator->store, number, state, &at->world.err), &at->world.err);
    assert_ok(node_table_reload(coordinator->nodes, &at->world.err), &at->world.err);
}

static void a_view_has_every_node_by_its_number(void **state)
{
    struct fixture *at = *state;
    const struct fleet_view *view = take(at);
    assert_int_equal(view->count, NODES);
    for (uint32_t number = 1; number <= NODES; number++) {
        const struct fleet_node *node = fleet_view_node(view, number);
        assert_int_equal(node->number, number);
        assert_int_equal(node->health, NODE_ALIVE);
        assert_true(node->takes_shards);
        assert_true(node->owner != 0 && node->free > 0);
        assert_true(node->uptime > 0 && node->uptime <= 1 && node->hazard > 0);
    }
    fleet_view_release(view);
}

static void who_was_never_there_is_gone(void **state)
{
    const struct fleet_view *view = take(*state);
    static const uint32_t numbers[] = {0, NODES + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const struct fleet_node *node = fleet_view_node(view, numbers[i]);
        assert_int_equal(node->number, 0);
        assert_int_equal(node->health, NODE_GONE);
        assert_int_equal(node->silent_ms, UINT64_MAX);
        assert_false(node->takes_shards || fleet_node_answers(node));
    }
    fleet_view_release(view);
}

static void a_view_stays_as_it_was_while_somebody_keeps_it(void **state)
{
    struct fixture *at = *state;
    const struct fleet_view *view = take(at);
    const struct fleet_view *kept = fleet_view_keep(view);
    fleet_view_release(view);
    set_state(at, 2, META_NODE_LOST);
    assert_int_equal(fleet_view_node(kept, 2)->health, NODE_ALIVE);
    const struct fleet_view *now = take(at);
    assert_int_equal(fleet_view_node(now, 2)->health, NODE_LOST);
    fleet_view_release(now);
    fleet_view_release(kept);
}

static void draining_and_suspended_nodes_answer_and_take_nothing(void **state)
{
    struct fixture *at = *state;
    set_state(at, 1, META_NODE_DRAINING);
    set_state(at, 2, META_NODE_SUSPENDED);
    const struct fleet_view *view = take(at);
    assert_int_equal(fleet_view_node(view, 1)->health, NODE_DRAINING);
    assert_int_equal(fleet_view_node(view, 2)->health, NODE_SUSPENDED);
    for (uint32_t number = 1; number <= 2; number++) {
        assert_true(fleet_node_answers(fleet_view_node(view, number)));
        assert_false(fleet_view_node(view, number)->takes_shards);
    }
    fleet_view_release(view);
}

/* Seen for four weeks: two nodes sleep in the first hours of each day, one does not. */
static void write_weeks(struct fixture *at)
{
    enum { NIGHT_HOURS = 6, WEEKS = 4 };
    uint8_t bytes[NODES][PRESENCE_BLOB_SIZE];
    struct meta_presence rows[NODES];
    for (uint32_t i = 0; i < NODES; i++) {
        struct node_presence presence = {0};
        for (uint64_t hour = 0; hour < WEEKS * PRESENCE_HOURS; hour++) {
            node_presence_add(&presence, hour * PRESENCE_HOUR_MS, (hour + 1) * PRESENCE_HOUR_MS,
                hour % 24 >= NIGHT_HOURS || i == 2);
        }
        node_presence_encode(&presence, bytes[i]);
        rows[i] =
            (struct meta_presence){.number = i + 1, .bytes = view_of(bytes[i], PRESENCE_BLOB_SIZE)};
    }
    assert_ok(meta_presence_put(at->world.coordinator->store, rows, NODES, &at->world.err),
        &at->world.err);
}

static void nodes_that_sleep_are_fewer_at_the_fleets_ebb(void **state)
{
    struct fixture *at = *state;
    struct node_table *table;
    const struct fleet_view *view;
    write_weeks(at);
    const struct node_table_options options = {
        .store = at->world.coordinator->store, .env = &at->world.env.env, .heartbeat_ms = 1000};
    assert_ok(node_table_create(&options, &table, &at->world.err), &at->world.err);
    assert_ok(fleet_view_take(table, &view, &at->world.err), &at->world.err);
    for (uint32_t number = 1; number <= NODES; number++) {
        const float ebb = fleet_view_node(view, number)->swing[0];
        assert_true(number == 3 ? ebb > -0.05F : ebb < -0.3F);
    }
    fleet_view_release(view);
    node_table_destroy(table);
}

static void a_node_is_on_probation_for_its_first_three_weeks(void **state)
{
    struct fixture *at = *state;
    const struct fleet_view *young = take(at);
    test_env_step_ms(&at->world.env, UINT64_C(21) * DAY_MS);
    const struct fleet_view *older = take(at);
    assert_true(fleet_view_node(young, 1)->is_probation);
    assert_false(fleet_view_node(older, 1)->is_probation);
    fleet_view_release(young);
    fleet_view_release(older);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_view_has_every_node_by_its_number),
        CASE(who_was_never_there_is_gone),
        CASE(a_view_stays_as_it_was_while_somebody_keeps_it),
        CASE(draining_and_suspended_nodes_answer_and_take_nothing),
        CASE(a_node_is_on_probation_for_its_first_three_weeks),
        CASE(nodes_that_sleep_are_fewer_at_the_fleets_ebb),
#undef CASE
    };
    return cmocka_run_group_tests_name("fleet_view", tests, NULL, NULL);
}
