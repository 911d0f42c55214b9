/*
 * node_table: how a node is follows from its heartbeats and the clock alone, over restarts too;
 * what heartbeats bring survives reloads of the facts and reaches the database.
 *
 * Time is stepped.  Heartbeats are due every second, so a node is suspect after 3 s of silence,
 * offline after 10 s, and by the cluster's profile lost after 30 s.
 */
#include "coordinator/fleet/node_table.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SECOND_MS = 1000, HOUR_MS = 3600 * SECOND_MS, FEW = 3 };

struct fixture {
    struct test_meta meta;
    struct node_table *table;
    struct hearth_err err;
};

static void open_table(struct fixture *fixture)
{
    const struct node_table_options options = {
        .store = fixture->meta.store,
        .env = &fixture->meta.env.env,
        .heartbeat_ms = SECOND_MS,
        .lost_after_ms = 30 * SECOND_MS,
    };
    assert_ok(node_table_create(&options, &fixture->table, &fixture->err), &fixture->err);
}

static struct fixture *create(unsigned nodes)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_meta_init(&fixture->meta, 1, nodes);
    open_table(fixture);
    return fixture;
}

static void destroy(struct fixture *fixture)
{
    node_table_destroy(fixture->table);
    test_meta_fini(&fixture->meta);
    free(fixture);
}

static void step_ms(struct fixture *fixture, uint64_t ms)
{
    test_env_step_ms(&fixture->meta.env, ms);
}

static void id_of(uint32_t number, uint8_t id[META_PRINCIPAL_SIZE])
{
    memset(id, 0, META_PRINCIPAL_SIZE);
    id[0] = (uint8_t)(number >> 8);
    id[1] = (uint8_t)number;
}

static struct meta_node_report report_of(uint32_t number)
{
    return (struct meta_node_report){
        .volume = {{(uint8_t)number, 1}},
        .start_count = 5,
        .sequence = 100,
        .capacity = 1 << 30,
        .free = 1 << 20,
        .software = view_text("hearth-storaged 0.1"),
    };
}

static enum hearth_code heartbeat_with(
    struct fixture *fixture, uint32_t number, const struct meta_node_report *report)
{
    uint8_t id[META_PRINCIPAL_SIZE];
    struct node_seen seen;
    id_of(number, id);
    return node_table_seen(fixture->table, id, report, &seen, &fixture->err);
}

static void heartbeat(struct fixture *fixture, uint32_t number)
{
    const struct meta_node_report report = report_of(number);
    assert_ok(heartbeat_with(fixture, number, &report), &fixture->err);
}

static enum node_health health(struct fixture *fixture, uint32_t number)
{
    uint64_t silent;
    return node_table_health(fixture->table, number, &silent);
}

static uint64_t silent_ms(struct fixture *fixture, uint32_t number)
{
    uint64_t silent;
    node_table_health(fixture->table, number, &silent);
    return silent;
}

static void set_state(struct fixture *fixture, uint32_t number, enum meta_node_state state)
{
    assert_ok(
        meta_node_set_state(fixture->meta.store, number, state, &fixture->err), &fixture->err);
    assert_ok(node_table_reload(fixture->table, &fixture->err), &fixture->err);
}

/* As after SIGKILL: what was not flushed is forgotten. */
static void restart_after(struct fixture *fixture, uint64_t ms)
{
    node_table_destroy(fixture->table);
    step_ms(fixture, ms);
    test_meta_reopen(&fixture->meta);
    open_table(fixture);
}

/* ---- health ---- */

static void silence_makes_a_node_suspect_offline_and_lost(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    static const struct {
        uint64_t silent_ms;
        enum node_health health;
    } steps[] = {
        {0, NODE_ALIVE},
        {2999, NODE_ALIVE},
        {3000, NODE_SUSPECT},
        {9999, NODE_SUSPECT},
        {10000, NODE_OFFLINE},
        {29999, NODE_OFFLINE},
        {30000, NODE_LOST},
    };
    heartbeat(fixture, 1);
    uint64_t at = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        step_ms(fixture, steps[i].silent_ms - at);
        at = steps[i].silent_ms;
        assert_int_equal(health(fixture, 1), steps[i].health);
        assert_int_equal(silent_ms(fixture, 1), at);
    }
    heartbeat(fixture, 1);
    assert_int_equal(health(fixture, 1), NODE_ALIVE);
    assert_int_equal(silent_ms(fixture, 1), 0);
    destroy(fixture);
}

static void an_unknown_number_is_gone(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    assert_int_equal(health(fixture, FEW + 1), NODE_GONE);
    assert_int_equal(silent_ms(fixture, FEW + 1), UINT64_MAX);
    destroy(fixture);
}

static void a_node_called_lost_has_been_silent_for_ever(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 1);
    set_state(fixture, 1, META_NODE_LOST);
    assert_int_equal(health(fixture, 1), NODE_LOST);
    assert_int_equal(silent_ms(fixture, 1), UINT64_MAX);
    set_state(fixture, 1, META_NODE_ACTIVE);
    assert_int_equal(health(fixture, 1), NODE_ALIVE);
    set_state(fixture, 1, META_NODE_GONE);
    assert_int_equal(health(fixture, 1), NODE_GONE);
    assert_int_equal(silent_ms(fixture, 1), UINT64_MAX);
    destroy(fixture);
}

static void a_node_that_never_reported_is_offline(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    assert_int_equal(health(fixture, 1), NODE_OFFLINE);
    destroy(fixture);
}

/* ---- restarts ---- */

static void flush(struct fixture *fixture)
{
    assert_ok(node_table_flush(fixture->table, &fixture->err), &fixture->err);
}

static void after_a_restart_nodes_are_suspect_until_they_had_time_to_report(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 1);
    heartbeat(fixture, 2);
    flush(fixture);
    restart_after(fixture, 20 * SECOND_MS);
    assert_int_equal(health(fixture, 1), NODE_SUSPECT);
    assert_int_equal(silent_ms(fixture, 1), 0);

    heartbeat(fixture, 1);
    assert_int_equal(health(fixture, 1), NODE_ALIVE);
    step_ms(fixture, 10 * SECOND_MS - 1);
    heartbeat(fixture, 1);
    assert_int_equal(health(fixture, 2), NODE_SUSPECT);
    step_ms(fixture, 1);
    assert_int_equal(health(fixture, 2), NODE_OFFLINE);
    step_ms(fixture, 20 * SECOND_MS);
    assert_int_equal(health(fixture, 2), NODE_LOST);
    destroy(fixture);
}

/* While the coordinator was away nobody listened, so nobody was silent.  (A pause of more than an
 * hour made all nodes lost, and what the first of them held was rebuilt from them.) */
static void silence_counts_only_while_somebody_listened(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 2);
    step_ms(fixture, 15 * SECOND_MS); /* node 2 is offline when the coordinator ends */
    heartbeat(fixture, 1);
    flush(fixture);
    restart_after(fixture, 100 * (uint64_t)HOUR_MS);

    assert_int_equal(health(fixture, 1), NODE_SUSPECT);
    assert_int_equal(silent_ms(fixture, 1), 0);
    assert_int_equal(health(fixture, 2), NODE_OFFLINE);
    assert_int_equal(silent_ms(fixture, 2), 15 * SECOND_MS);
    step_ms(fixture, 15 * SECOND_MS);
    assert_int_equal(health(fixture, 1), NODE_OFFLINE);
    assert_int_equal(silent_ms(fixture, 1), 15 * SECOND_MS);
    assert_int_equal(health(fixture, 2), NODE_LOST);
    destroy(fixture);
}

static void reports_are_known_after_a_restart(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 1);
    flush(fixture);
    restart_after(fixture, SECOND_MS);

    struct meta_node_report report = report_of(1);
    report.sequence--;
    assert_int_equal(heartbeat_with(fixture, 1, &report), HEARTH_CONFLICT);
    destroy(fixture);
}

/* ---- disks ---- */

static void another_or_an_older_disk_is_not_seen(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 1);
    step_ms(fixture, 5 * SECOND_MS);

    struct meta_node_report wrong[3] = {report_of(1), report_of(1), report_of(1)};
    wrong[0].volume.bytes[5] ^= 1;
    wrong[1].start_count--;
    wrong[2].sequence--;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(heartbeat_with(fixture, 1, &wrong[i]), HEARTH_CONFLICT);
        assert_int_equal(silent_ms(fixture, 1), 5 * SECOND_MS);
    }
    heartbeat(fixture, 1); /* the right one is back */
    assert_int_equal(health(fixture, 1), NODE_ALIVE);
    destroy(fixture);
}

static void strangers_and_the_gone_are_refused(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    const struct meta_node_report report = report_of(1);
    assert_int_equal(heartbeat_with(fixture, FEW + 1, &report), HEARTH_NOT_FOUND);
    set_state(fixture, 1, META_NODE_GONE);
    assert_int_equal(heartbeat_with(fixture, 1, &report), HEARTH_DENIED);
    destroy(fixture);
}

/* ---- reloads ---- */

static void a_reload_keeps_what_heartbeats_brought(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 2);
    node_table_reported(fixture->table, 2);
    step_ms(fixture, SECOND_MS);
    set_state(fixture, 1, META_NODE_DRAINING);

    struct node_status_list list;
    assert_ok(
        node_table_list(fixture->table, &fixture->meta.arena, &list, &fixture->err), &fixture->err);
    assert_int_equal(list.count, FEW);
    assert_int_equal(list.nodes[0].node.state, META_NODE_DRAINING);
    assert_int_equal(list.nodes[1].reports, 1);
    assert_int_equal(list.nodes[1].health, NODE_ALIVE);
    assert_int_equal(list.nodes[1].node.report.free, 1 << 20);
    assert_true(view_equal(list.nodes[1].node.report.software, view_text("hearth-storaged 0.1")));
    assert_int_equal(silent_ms(fixture, 2), SECOND_MS);
    destroy(fixture);
}

struct reloader {
    struct fixture *fixture;
    atomic_bool is_over;
};

static void *reload_on_and_on(void *context)
{
    struct reloader *reloader = context;
    struct hearth_err err;
    while (!reloader->is_over) {
        assert_ok(node_table_reload(reloader->fixture->table, &err), &err);
        sched_yield(); /* the lock is not fair */
    }
    return NULL;
}

/* A slower reload by somebody else must not bring older facts back. */
static void facts_are_never_older_than_the_last_reload(void **state)
{
    (void)state;
    enum { OTHERS = 3 };
    struct fixture *fixture = create(FEW);
    struct reloader reloader = {.fixture = fixture};
    pthread_t threads[OTHERS];
    for (unsigned i = 0; i < OTHERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, reload_on_and_on, &reloader), 0);
    }
    for (unsigned i = 0; i < 30; i++) {
        set_state(fixture, 1, META_NODE_LOST);
        assert_int_equal(health(fixture, 1), NODE_LOST);
        heartbeat(fixture, 1);
        set_state(fixture, 1, META_NODE_ACTIVE);
        assert_int_equal(health(fixture, 1), NODE_ALIVE);
    }
    reloader.is_over = true;
    for (unsigned i = 0; i < OTHERS; i++) {
        pthread_join(threads[i], NULL);
    }
    destroy(fixture);
}

/* ---- flushing ---- */

static size_t count_stored(struct fixture *fixture)
{
    struct meta_node_list list;
    size_t count = 0;
    assert_ok(meta_node_list(fixture->meta.store, &fixture->meta.arena, &list, &fixture->err),
        &fixture->err);
    for (size_t i = 0; i < list.count; i++) {
        count += list.nodes[i].last_seen_ms > 0 &&
            meta_id_equal(list.nodes[i].report.volume, report_of(list.nodes[i].number).volume) &&
            view_equal(list.nodes[i].report.software, report_of(1).software);
    }
    return count;
}

static void more_nodes_than_a_batch_are_all_written(void **state)
{
    (void)state;
    enum { MANY = META_SEEN_MAX + 5 };
    struct fixture *fixture = create(MANY);
    for (uint32_t number = 1; number <= MANY; number++) {
        heartbeat(fixture, number);
    }
    assert_int_equal(count_stored(fixture), 0);
    flush(fixture);
    assert_int_equal(count_stored(fixture), MANY);
    destroy(fixture);
}

static bool always(void *context, enum meta_step step)
{
    (void)context;
    return step == META_STEP_CLOSURES_DONE;
}

static void what_could_not_be_written_is_written_next_time(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 1);
    fixture->meta.fails_at = always;
    assert_int_not_equal(node_table_flush(fixture->table, &fixture->err), HEARTH_OK);
    fixture->meta.fails_at = NULL;
    assert_int_equal(count_stored(fixture), 0);
    flush(fixture);
    assert_int_equal(count_stored(fixture), 1);
    destroy(fixture);
}

static void the_interval_grows_with_the_fleet(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    assert_int_equal(node_table_interval_ms(fixture->table), SECOND_MS);
    destroy(fixture);
}

/* ---- for placement and orders ---- */

static void set_endpoint(struct fixture *fixture, uint32_t number, uint64_t verified_ms)
{
    const struct meta_endpoint endpoints[] = {
        {.kind = META_ENDPOINT_DIRECT, .host = view_text("unmet"), .port = 1},
        {.kind = META_ENDPOINT_DIRECT,
            .host = view_text("198.51.100.7"),
            .port = 7300,
            .verified_ms = verified_ms},
    };
    assert_ok(meta_node_set_endpoints(fixture->meta.store, number, endpoints, 2, &fixture->err),
        &fixture->err);
    assert_ok(node_table_reload(fixture->table, &fixture->err), &fixture->err);
}

static bool takes_shards(struct fixture *fixture, uint32_t number)
{
    struct place_fleet fleet;
    assert_ok(node_table_fleet(fixture->table, &fixture->meta.arena, &fleet, &fixture->err),
        &fixture->err);
    assert_int_equal(fleet.nodes[number - 1].number, number);
    return fleet.nodes[number - 1].takes_shards;
}

static void only_nodes_alive_active_writable_and_dialled_take_shards(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    heartbeat(fixture, 1);
    assert_false(takes_shards(fixture, 1));
    set_endpoint(fixture, 1, 0);
    assert_false(takes_shards(fixture, 1));
    set_endpoint(fixture, 1, 5);
    assert_true(takes_shards(fixture, 1));

    struct meta_node_report report = report_of(1);
    report.read_only = true;
    assert_ok(heartbeat_with(fixture, 1, &report), &fixture->err);
    assert_false(takes_shards(fixture, 1));
    heartbeat(fixture, 1);
    set_state(fixture, 1, META_NODE_DRAINING);
    assert_false(takes_shards(fixture, 1));
    set_state(fixture, 1, META_NODE_ACTIVE);
    step_ms(fixture, 3 * SECOND_MS);
    assert_false(takes_shards(fixture, 1));
    destroy(fixture);
}

static void addresses_are_those_where_the_node_was_met(void **state)
{
    (void)state;
    struct fixture *fixture = create(FEW);
    struct wire_node_address address;
    uint8_t id[META_PRINCIPAL_SIZE];
    uint32_t number;
    id_of(2, id);
    set_endpoint(fixture, 2, 5);
    assert_true(node_table_find(fixture->table, id, &number));
    assert_int_equal(number, 2);
    assert_true(node_table_address(fixture->table, 2, &fixture->meta.arena, &address));
    assert_memory_equal(address.node_id.bytes, id, sizeof(id));
    assert_int_equal(address.endpoints_count, 1);
    assert_true(view_equal(address.endpoints[0].host, view_text("198.51.100.7")));
    assert_int_equal(address.endpoints[0].port, 7300);

    assert_false(node_table_address(fixture->table, FEW + 1, &fixture->meta.arena, &address));
    id_of(FEW + 1, id);
    assert_false(node_table_find(fixture->table, id, &number));
    destroy(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_makes_a_node_suspect_offline_and_lost),
        cmocka_unit_test(an_unknown_number_is_gone),
        cmocka_unit_test(a_node_called_lost_has_been_silent_for_ever),
        cmocka_unit_test(a_node_that_never_reported_is_offline),
        cmocka_unit_test(after_a_restart_nodes_are_suspect_until_they_had_time_to_report),
        cmocka_unit_test(silence_counts_only_while_somebody_listened),
        cmocka_unit_test(reports_are_known_after_a_restart),
        cmocka_unit_test(another_or_an_older_disk_is_not_seen),
        cmocka_unit_test(strangers_and_the_gone_are_refused),
        cmocka_unit_test(a_reload_keeps_what_heartbeats_brought),
        cmocka_unit_test(facts_are_never_older_than_the_last_reload),
        cmocka_unit_test(more_nodes_than_a_batch_are_all_written),
        cmocka_unit_test(what_could_not_be_written_is_written_next_time),
        cmocka_unit_test(the_interval_grows_with_the_fleet),
        cmocka_unit_test(only_nodes_alive_active_writable_and_dialled_take_shards),
        cmocka_unit_test(addresses_are_those_where_the_node_was_met),
    };
    return cmocka_run_group_tests_name("node_table", tests, NULL, NULL);
}
