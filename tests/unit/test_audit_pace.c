/*
 * audit_pace: how often each node is asked, by what is known of it, and that nobody can foresee
 * when.
 */
#include "coordinator/audit/audit_pace.h"
#include "coordinator/audit/audit_rate.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <math.h>
#include <stdlib.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, MINUTE_MS = 60 * 1000, FLOOR = AUDIT_FLOOR_PER_WEEK };

static const uint64_t NOW = UINT64_C(1) << 41;

/* One node, well known, and nothing is held against it. */
struct fixture {
    struct test_env env;
    struct audit_pace pace;
    struct fleet_node node;
    struct meta_audit_node score;
    uint64_t now_ms;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, 7);
    audit_pace_init(&at->pace, &at->env.env);
    at->node = (struct fleet_node){
        .number = 1, .state = META_NODE_ACTIVE, .health = NODE_ALIVE, .used = 1};
    at->score.node = 1;
    audit_score_init(&at->score.score);
    at->score.score.counts[AUDIT_PASS] = AUDIT_NEW_PASSES;
    at->score.score.last_ms = NOW;
    at->now_ms = NOW;
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    audit_pace_fini(&at->pace);
    free(at);
    return 0;
}

static struct audit_pace_node *update(struct fixture *at)
{
    const struct fleet_view fleet = {.count = 1, .nodes = &at->node};
    const struct meta_audit_nodes scores = {.nodes = &at->score, .count = 1};
    assert_true(audit_pace_update(&at->pace, &fleet, &scores, FLOOR, at->now_ms));
    return audit_pace_find(&at->pace, 1);
}

static void who_is_known_and_well_is_asked_at_the_floor(void **state)
{
    assert_true(update(*state)->per_week == FLOOR);
}

static void who_is_new_is_asked_four_times_as_often(void **state)
{
    struct fixture *at = *state;
    at->node.is_probation = true;
    assert_true(update(at)->per_week == 4 * FLOOR);
    at->node.is_probation = false;
    at->score.score.counts[AUDIT_PASS]--;
    assert_true(update(at)->per_week == 4 * FLOOR);
}

static void each_reason_to_doubt_it_makes_it_four_times_as_often(void **state)
{
    struct fixture *at = *state;
    at->score.contained = 1;
    assert_true(update(at)->per_week == 4 * FLOOR);
    at->score.contained = 0;
    at->score.score.fail = 1;
    assert_true(update(at)->per_week == 4 * FLOOR);
    at->score.score.fail = 0;
    at->node.state = META_NODE_SUSPENDED;
    assert_true(update(at)->per_week == 4 * FLOOR);
    at->node.state = META_NODE_ACTIVE;
    update(at)->reported_ms = at->now_ms;
    assert_true(update(at)->per_week == 4 * FLOOR);
    at->now_ms += AUDIT_REPORTED_MS; /* what readers say is forgotten */
    assert_true(update(at)->per_week == FLOOR);
}

static void who_does_not_answer_is_not_asked_nor_owed_anything(void **state)
{
    struct fixture *at = *state;
    struct audit_quota quotas[1];
    update(at)->requested = 5;
    at->node.health = NODE_OFFLINE;
    at->now_ms += DAY_MS;
    const double owed = update(at)->owed;
    at->now_ms += 10 * (uint64_t)DAY_MS;
    const struct audit_pace_node *node = update(at);
    assert_true(node->owed == owed);
    assert_int_equal(node->requested, 0);
    assert_false(audit_pace_is_due(node, at->now_ms));
    assert_int_equal(audit_pace_quotas(&at->pace, quotas), 0);
}

/* Minute by minute. */
static unsigned count_asked(struct fixture *at, unsigned days, uint64_t *longest_ms)
{
    unsigned count = 0;
    uint64_t last_ms = at->now_ms;
    const uint64_t end_ms = at->now_ms + days * (uint64_t)DAY_MS;
    for (*longest_ms = 0; at->now_ms < end_ms; at->now_ms += MINUTE_MS) {
        struct audit_pace_node *node = update(at);
        if (audit_pace_is_due(node, at->now_ms)) {
            audit_pace_asked(&at->pace, node, at->now_ms);
            count++;
            *longest_ms = at->now_ms - last_ms > *longest_ms ? at->now_ms - last_ms : *longest_ms;
            last_ms = at->now_ms;
        }
    }
    return count;
}

/* Marks are cut at three, so that their mean is a little below one. */
static void every_node_is_asked_as_often_as_the_floor_says_each_week(void **state)
{
    struct fixture *at = *state;
    for (unsigned week = 0; week < 20; week++) {
        uint64_t longest_ms;
        unsigned asked = count_asked(at, 7, &longest_ms);
        assert_in_range(asked, FLOOR - 3 * sqrt(FLOOR), FLOOR + 4 * sqrt(FLOOR));
        assert_true(longest_ms <= 3 * AUDIT_WEEK_MS / FLOOR + 2 * MINUTE_MS);
    }
}

/* Half of the pauses are shorter than 0.69 of the mean, as those between events of chance are. */
static void pauses_between_rounds_are_of_chance(void **state)
{
    struct fixture *at = *state;
    enum { PAUSES = 10000 };
    unsigned shorter = 0;
    double sum = 0;
    for (unsigned i = 0; i < PAUSES; i++) {
        uint64_t pause_ms = audit_pace_pause_ms(&at->env.env, MINUTE_MS);
        shorter += (double)pause_ms < log(2) * MINUTE_MS;
        sum += (double)pause_ms;
        assert_true(pause_ms <= 3 * MINUTE_MS);
    }
    assert_in_range(shorter, PAUSES * 0.47, PAUSES * 0.53);
    assert_true(fabs(sum / PAUSES / MINUTE_MS - (1 - exp(-3))) < 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(who_is_known_and_well_is_asked_at_the_floor),
        TEST(who_is_new_is_asked_four_times_as_often),
        TEST(each_reason_to_doubt_it_makes_it_four_times_as_often),
        TEST(who_does_not_answer_is_not_asked_nor_owed_anything),
        TEST(every_node_is_asked_as_often_as_the_floor_says_each_week),
        TEST(pauses_between_rounds_are_of_chance),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
