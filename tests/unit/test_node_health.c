/*
 * node_health: what is known of a node's habits says how much of its silence counts.
 *
 * Heartbeats are due every minute, so a node is offline after ten, and lost after ten hours.
 */
#include "coordinator/fleet/node_table.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdlib.h>

enum {
    SECOND_MS = 1000,
    MINUTE_MS = 60 * SECOND_MS,
    HOUR_MS = 60 * MINUTE_MS,
    NIGHT_HOURS = 8,
    DAY_HOURS = 24,
    WEEK_DAYS = 7,
    NODES = 2,
};

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
        .heartbeat_ms = MINUTE_MS,
        .lost_after_ms = 10 * (uint64_t)HOUR_MS,
    };
    assert_ok(node_table_create(&options, &fixture->table, &fixture->err), &fixture->err);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_meta_init(&fixture->meta, 1, NODES);
    open_table(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    node_table_destroy(fixture->table);
    test_meta_fini(&fixture->meta);
    free(fixture);
    return 0;
}

static void step_ms(struct fixture *fixture, uint64_t ms)
{
    test_env_step_ms(&fixture->meta.env, ms);
}

static void heartbeat(struct fixture *fixture, uint32_t number)
{
    const struct meta_node_report report = {
        .volume = {{(uint8_t)number}}, .start_count = 5, .sequence = 100};
    uint8_t id[META_PRINCIPAL_SIZE] = {(uint8_t)(number >> 8), (uint8_t)number};
    struct node_seen seen;
    assert_ok(node_table_seen(fixture->table, id, &report, &seen, &fixture->err), &fixture->err);
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

static void flush(struct fixture *fixture)
{
    assert_ok(node_table_flush(fixture->table, &fixture->err), &fixture->err);
}

/* As after SIGKILL: what was not flushed is forgotten. */
static void restart_after(struct fixture *fixture, uint64_t ms)
{
    node_table_destroy(fixture->table);
    step_ms(fixture, ms);
    test_meta_reopen(&fixture->meta);
    open_table(fixture);
}

static void live_an_hour(struct fixture *fixture, bool is_awake)
{
    enum { STEP_MS = 5 * MINUTE_MS };
    for (unsigned at = 0; at < HOUR_MS; at += STEP_MS) {
        if (is_awake) {
            heartbeat(fixture, 1);
        }
        heartbeat(fixture, 2);
        step_ms(fixture, STEP_MS);
    }
}

static void sleep_at_night_for(struct fixture *fixture, unsigned days)
{
    for (unsigned hour = 0; hour < days * DAY_HOURS; hour++) {
        live_an_hour(fixture, hour % DAY_HOURS >= NIGHT_HOURS);
    }
}

/* A night of eight hours and a late breakfast are not enough; who is always there is not excused.
 */
static void a_daily_sleeper_is_not_called_lost_early(void **state)
{
    struct fixture *fixture = *state;
    sleep_at_night_for(fixture, WEEK_DAYS);
    for (unsigned hour = 0; hour < 12; hour++) {
        step_ms(fixture, HOUR_MS);
    }
    assert_int_equal(health(fixture, 1), NODE_OFFLINE);
    assert_int_equal(silent_ms(fixture, 1) / HOUR_MS, 6); /* half of it is excused, no more */
    assert_int_equal(health(fixture, 2), NODE_LOST);
    assert_int_equal(silent_ms(fixture, 2) / HOUR_MS, 12);
    step_ms(fixture, 8 * (uint64_t)HOUR_MS);
    assert_int_equal(health(fixture, 1), NODE_LOST);
}

static double uptime(struct fixture *fixture, uint32_t number)
{
    struct node_status_list list;
    assert_ok(
        node_table_list(fixture->table, &fixture->meta.arena, &list, &fixture->err), &fixture->err);
    return list.nodes[number - 1].uptime;
}

static void habits_are_known_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    uint8_t before[PRESENCE_HOURS];
    uint8_t after[PRESENCE_HOURS];
    sleep_at_night_for(fixture, 2);
    flush(fixture);
    assert_true(node_table_pattern(fixture->table, 1, before));
    assert_true(uptime(fixture, 1) < uptime(fixture, 2));
    restart_after(fixture, SECOND_MS);
    assert_true(node_table_pattern(fixture->table, 1, after));
    assert_memory_equal(before, after, sizeof(after));
    assert_true(uptime(fixture, 1) < uptime(fixture, 2));
}

/* While nobody listened, nobody was away. */
static void a_pause_of_the_coordinator_is_nobodys_absence(void **state)
{
    struct fixture *fixture = *state;
    heartbeat(fixture, 1);
    heartbeat(fixture, 2);
    flush(fixture);
    restart_after(fixture, 40 * (uint64_t)DAY_HOURS * HOUR_MS);
    heartbeat(fixture, 1);
    step_ms(fixture, HOUR_MS);
    assert_true(uptime(fixture, 1) > 0.93);
}

/* What is measured says so while it lasts, not only when it is over. */
static void a_silence_that_lasts_lowers_the_uptime(void **state)
{
    struct fixture *fixture = *state;
    heartbeat(fixture, 1);
    double before = uptime(fixture, 1);
    step_ms(fixture, 72 * (uint64_t)HOUR_MS);
    assert_true(uptime(fixture, 1) < before - 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_daily_sleeper_is_not_called_lost_early),
        CASE(habits_are_known_after_a_restart),
        CASE(a_pause_of_the_coordinator_is_nobodys_absence),
        CASE(a_silence_that_lasts_lowers_the_uptime),
#undef CASE
    };
    return cmocka_run_group_tests_name("node_health", tests, NULL, NULL);
}
