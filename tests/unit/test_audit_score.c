/*
 * audit_score, audit_rate: what suspends a node, what brings it back, and how often it is asked.
 */
#include "coordinator/audit/audit_rate.h"
#include "coordinator/audit/audit_score.h"
#include "tests/lib/test.h"

#include <math.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static const uint64_t NOW = UINT64_C(1) << 41;

static void add(struct audit_score *score, enum audit_outcome outcome, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        audit_score_add(score, outcome, false, NOW);
    }
}

static unsigned fails_until_it_falls(struct audit_score score)
{
    unsigned fails = 0;
    while (!audit_score_falls(&score)) {
        add(&score, AUDIT_FAIL, 1);
        fails++;
    }
    return fails;
}

static void three_proven_losses_in_a_row_suspend_and_a_long_past_protects_nobody(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    assert_int_equal(fails_until_it_falls(score), 2);
    add(&score, AUDIT_PASS, 1000);
    assert_int_equal(fails_until_it_falls(score), 3);
    add(&score, AUDIT_PASS, 100000);
    assert_int_equal(fails_until_it_falls(score), 3);
}

static void silence_and_absence_never_suspend(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_OFFLINE, 10000);
    add(&score, AUDIT_CONTAINED, 10000);
    add(&score, AUDIT_NONE, 10000);
    assert_false(audit_score_falls(&score));
    assert_true(audit_score_data(&score) == 1.0);
}

static void trouble_suspends_without_touching_the_score_of_data(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_PASS, 100);
    add(&score, AUDIT_UNKNOWN, 20);
    assert_false(audit_score_falls(&score));
    add(&score, AUDIT_UNKNOWN, 20);
    assert_true(audit_score_falls(&score));
    assert_true(audit_score_data(&score) == 1.0);
}

static void what_a_node_says_of_itself_weighs_a_quarter(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_PASS, 1000);
    unsigned fails = 0;
    while (!audit_score_falls(&score)) {
        audit_score_add(&score, AUDIT_FAIL, true, NOW);
        fails++;
    }
    assert_in_range(fails, 8, 12);
}

static void a_suspended_node_comes_back_by_passing_and_later_each_time(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_FAIL, 3);
    audit_score_suspend(&score, NOW);
    assert_false(audit_score_falls(&score)); /* it has fallen already */
    add(&score, AUDIT_PASS, AUDIT_RETURN_PASSES - 1);
    assert_false(audit_score_rises(&score, 0, NOW + 8 * (uint64_t)DAY_MS));
    add(&score, AUDIT_PASS, 1);
    assert_false(audit_score_rises(&score, 0, NOW + 6 * (uint64_t)DAY_MS));
    assert_false(audit_score_rises(&score, 1, NOW + 8 * (uint64_t)DAY_MS));
    assert_true(audit_score_rises(&score, 0, NOW + 8 * (uint64_t)DAY_MS));
    audit_score_return(&score);

    add(&score, AUDIT_FAIL, 3);
    audit_score_suspend(&score, NOW);
    assert_int_equal(audit_score_return_passes(&score), 2 * AUDIT_RETURN_PASSES);
    for (unsigned i = 0; i < 100; i++) {
        audit_score_return(&score);
        audit_score_suspend(&score, NOW);
    }
    assert_int_equal(audit_score_return_passes(&score), AUDIT_RETURN_PASSES_MAX);
}

static void a_node_is_new_until_it_has_passed_enough_and_for_three_weeks(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    assert_true(audit_score_is_new(&score, NOW, NOW + 30 * (uint64_t)DAY_MS));
    add(&score, AUDIT_PASS, AUDIT_NEW_PASSES);
    assert_true(audit_score_is_new(&score, NOW, NOW + 20 * (uint64_t)DAY_MS));
    assert_false(audit_score_is_new(&score, NOW, NOW + 21 * (uint64_t)DAY_MS));
}

/* ---- how often ---- */

static void every_node_gets_the_floor_and_risk_more(void **state)
{
    (void)state;
    const struct audit_risk quiet = {.used = 0};
    const struct audit_risk large = {.used = UINT64_C(1) << 40};
    const struct audit_risk fresh = {.is_new = true};
    const struct audit_risk worst = {.used = UINT64_C(1) << 50, .is_new = true, .is_doubted = true};
    assert_true(audit_rate_per_week(112, &quiet) == 112);
    assert_true(audit_rate_per_week(112, &large) == 112 + 64);
    assert_true(audit_rate_per_week(112, &fresh) == 448);
    assert_true(audit_rate_per_week(112, &worst) == 112 * AUDIT_FACTOR_MAX);
    assert_true(audit_rate_per_week(0, &worst) == 0);
}

static void what_is_owed_adds_up_but_for_a_day_at_most(void **state)
{
    (void)state;
    assert_true(fabs(audit_rate_owed(0, 112, DAY_MS / 2) - 8) < 1e-9);
    assert_true(audit_rate_owed(15, 112, DAY_MS) == 16);
    assert_true(audit_rate_owed(0, 112, 365 * (uint64_t)DAY_MS) == 16);
    assert_true(audit_rate_owed(0, 1, AUDIT_WEEK_MS) == 1);
    assert_true(audit_rate_owed(0, 1, 9 * AUDIT_WEEK_MS) == AUDIT_OWED_LEAST);
}

/* The figures of docs/fleet.md. */
static void chances_are_those_that_are_printed(void **state)
{
    (void)state;
    assert_true(fabs(audit_rate_chance(0.01, 300) - 0.951) < 0.0005);
    assert_true(fabs(audit_rate_chance(0.05, 100) - 0.994) < 0.0005);
    assert_true(fabs(audit_rate_chance(0.01, 112) - 0.676) < 0.0005);
    assert_true(fabs(audit_rate_chance(0.05, 112) - 0.997) < 0.0005);
    assert_true(fabs(audit_rate_chance(0.001, 112) - 0.106) < 0.0005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_proven_losses_in_a_row_suspend_and_a_long_past_protects_nobody),
        cmocka_unit_test(silence_and_absence_never_suspend),
        cmocka_unit_test(trouble_suspends_without_touching_the_score_of_data),
        cmocka_unit_test(what_a_node_says_of_itself_weighs_a_quarter),
        cmocka_unit_test(a_suspended_node_comes_back_by_passing_and_later_each_time),
        cmocka_unit_test(a_node_is_new_until_it_has_passed_enough_and_for_three_weeks),
        cmocka_unit_test(every_node_gets_the_floor_and_risk_more),
        cmocka_unit_test(what_is_owed_adds_up_but_for_a_day_at_most),
        cmocka_unit_test(chances_are_those_that_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
