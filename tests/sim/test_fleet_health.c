/*
 * Thirty days of forty homes with habits of their own: nobody who lives as usual is called lost,
 * who dies is called lost in time, and what was measured of each is near the truth.
 *
 * Chance is seeded; a failure prints its seed.  A step is half an hour; a node that is there
 * reports at the beginning of each.  Lost after three days, as profile home has it.
 */
#include "coordinator/fleet/node_table.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdlib.h>

enum {
    MINUTE_MS = 60 * 1000,
    STEP_MS = 30 * MINUTE_MS,
    STEPS_A_DAY = 48,
    STEPS_A_WEEK = 7 * STEPS_A_DAY,
    DAYS = 30,
    STEPS = DAYS * STEPS_A_DAY,
    NODES = 40,
    SEEDS = 100,
    LOST_AFTER_DAYS = 3,
    LEARNED_DAYS = 15, /* from then on habits of a week are known */
};

/* How a home lives. */
enum habit {
    ALWAYS_ON,  /* but for an outage of up to two days now and then */
    BY_DAY,     /* off for eight hours each night */
    BY_WEEKEND, /* on for two and a half days a week */
    FLAKY,      /* on for four quarters of a day of five, at random */
    HABITS,
};

struct home {
    enum habit habit;
    unsigned bedtime;     /* step of the day, or of the week */
    unsigned dies_at;     /* step; STEPS: it does not */
    unsigned outage_end;  /* step */
    bool is_off;          /* for this quarter of a day */
    unsigned there, seen; /* steps, while it lived */
};

struct simulation {
    uint64_t seed;
    struct test_env chance;
    struct test_meta meta;
    struct node_table *table;
    struct home homes[NODES];
    unsigned step;
    struct hearth_err err;
};

static unsigned draw(struct simulation *at, unsigned bound)
{
    return (unsigned)env_random_below(&at->chance.env, bound);
}

static void settle_in(struct simulation *at)
{
    for (unsigned i = 0; i < NODES; i++) {
        bool dies = draw(at, 4) == 0;
        at->homes[i] = (struct home){
            .habit = (enum habit)(i % HABITS),
            .bedtime = draw(at, STEPS_A_WEEK),
            .dies_at = dies ? LEARNED_DAYS * STEPS_A_DAY + draw(at, 5 * STEPS_A_DAY) : STEPS,
        };
    }
}

static struct simulation *create(uint64_t seed)
{
    struct simulation *at = calloc(1, sizeof(*at));
    at->seed = seed;
    test_env_init(&at->chance, seed);
    test_meta_init(&at->meta, seed, NODES);
    const struct node_table_options options = {
        .store = at->meta.store,
        .env = &at->meta.env.env,
        .heartbeat_ms = 10 * MINUTE_MS,
        .lost_after_ms = (uint64_t)LOST_AFTER_DAYS * STEPS_A_DAY * STEP_MS,
    };
    assert_ok(node_table_create(&options, &at->table, &at->err), &at->err);
    settle_in(at);
    return at;
}

static void destroy(struct simulation *at)
{
    node_table_destroy(at->table);
    test_meta_fini(&at->meta);
    free(at);
}

/* ---- living ---- */

static bool suffers_an_outage(struct simulation *at, struct home *home)
{
    if (at->step >= home->outage_end && draw(at, 3 * STEPS_A_WEEK) == 0) {
        home->outage_end = at->step + draw(at, 2 * STEPS_A_DAY);
    }
    return at->step < home->outage_end;
}

static bool is_off_now(struct simulation *at, struct home *home)
{
    if (at->step % (STEPS_A_DAY / 4) == 0) {
        home->is_off = draw(at, 5) == 0;
    }
    return home->is_off;
}

static bool is_awake(struct simulation *at, struct home *home)
{
    switch (home->habit) {
    case BY_DAY: return (at->step + home->bedtime) % STEPS_A_DAY >= STEPS_A_DAY / 3;
    case BY_WEEKEND: return (at->step + home->bedtime) % STEPS_A_WEEK < 5 * STEPS_A_DAY / 2;
    case FLAKY: return !is_off_now(at, home);
    case ALWAYS_ON:
    case HABITS: break;
    }
    return !suffers_an_outage(at, home);
}

static void heartbeat(struct simulation *at, uint32_t number)
{
    const struct meta_node_report report = {
        .volume = {{(uint8_t)number}}, .start_count = 5, .sequence = 100};
    uint8_t id[META_PRINCIPAL_SIZE] = {(uint8_t)(number >> 8), (uint8_t)number};
    struct node_seen seen;
    assert_ok(node_table_seen(at->table, id, &report, &seen, &at->err), &at->err);
}

static void live(struct simulation *at, uint32_t number)
{
    struct home *home = &at->homes[number - 1];
    bool is_there = at->step < home->dies_at && is_awake(at, home);
    if (is_there) {
        heartbeat(at, number);
    }
    if (at->step < home->dies_at) {
        home->there += is_there;
        home->seen++;
    }
}

/* ---- what must be true ---- */

static enum node_health health(struct simulation *at, uint32_t number)
{
    uint64_t silent_ms;
    return node_table_health(at->table, number, &silent_ms);
}

static void must(struct simulation *at, uint32_t number, bool is_true, const char *claim)
{
    if (!is_true) {
        print_error("seed %ju, node %u (habit %d), day %u: %s\n", (uintmax_t)at->seed, number,
            (int)at->homes[number - 1].habit, at->step / STEPS_A_DAY, claim);
        fail();
    }
}

static void check(struct simulation *at, uint32_t number)
{
    const struct home *home = &at->homes[number - 1];
    bool is_lost = health(at, number) == NODE_LOST;
    bool is_known = home->habit != BY_WEEKEND || at->step >= LEARNED_DAYS * STEPS_A_DAY;
    if (at->step < home->dies_at) {
        must(at, number, !is_lost || !is_known, "it lives as usual, and is called lost");
        return;
    }
    /* It may have been away already when it died, for as long as its habit has it. */
    unsigned dead_steps = at->step - home->dies_at;
    must(at, number, is_lost || dead_steps <= 2 * LOST_AFTER_DAYS * STEPS_A_DAY,
        "it is dead, and not called lost after twice the time");
    must(at, number, !is_lost || home->habit == BY_WEEKEND || dead_steps >= STEPS_A_DAY,
        "it has just died, and is called lost already");
}

static void check_uptime(struct simulation *at, uint32_t number, double uptime)
{
    const struct home *home = &at->homes[number - 1];
    double truth = (double)home->there / home->seen;
    bool is_near = uptime > truth - 0.15 && uptime < truth + 0.15;
    must(at, number, is_near || home->dies_at < STEPS, "its uptime is far from what was measured");
}

static void check_all_uptimes(struct simulation *at)
{
    struct node_status_list list;
    assert_ok(node_table_list(at->table, &at->meta.arena, &list, &at->err), &at->err);
    for (size_t i = 0; i < list.count; i++) {
        check_uptime(at, list.nodes[i].node.number, list.nodes[i].uptime);
    }
}

static void homes_with_habits_are_told_from_dead_ones(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct simulation *at = create(seed);
        for (at->step = 0; at->step < STEPS; at->step++) {
            for (uint32_t number = 1; number <= NODES; number++) {
                live(at, number);
                check(at, number);
            }
            test_env_step_ms(&at->meta.env, STEP_MS);
        }
        check_all_uptimes(at);
        destroy(at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(homes_with_habits_are_told_from_dead_ones),
    };
    return cmocka_run_group_tests_name("fleet_health", tests, NULL, NULL);
}
