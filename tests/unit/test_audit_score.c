/*
 * audit_score, audit_rate: what suspends a node, what brings it back, and how often it is asked.
 */
#include "coordinator/audit/audit_rate.h"
#include "coordinator/audit/audit_score.h"
#include "tests/lib/test.h"

#include <math.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static const uint64_t NOW = UINT64_C(1) << 41;

static void add_note(struct audit_score *score, struct audit_note note)
{
    audit_score_add(score, &note, NOW);
}

static void add(struct audit_score *score, enum audit_outcome outcome, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        add_note(score, (struct audit_note){.outcome = outcome});
    }
}

/* With a cell contained long ago. */
static bool falls(const struct audit_score *score)
{
    return audit_score_falls(score, NOW - AUDIT_TROUBLED_MS, NOW);
}

static unsigned fails_until_it_falls(struct audit_score score)
{
    unsigned fails = 0;
    while (!falls(&score)) {
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

static void absence_never_suspends_nor_does_a_cell_that_is_asked_for_again(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_OFFLINE, 10000);
    add(&score, AUDIT_NONE, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        add_note(&score, (struct audit_note){.outcome = AUDIT_CONTAINED, .is_again = true});
    }
    assert_false(falls(&score));
    assert_true(audit_score_data(&score) == 1.0);
    assert_true(audit_score_trouble(&score) == 1.0);
}

/* In the long run; `silent` of ten audits. */
static bool is_trouble(unsigned silent)
{
    struct audit_score score;
    audit_score_init(&score);
    for (unsigned i = 0; i < 10000; i++) {
        add(&score, i % 10 < silent ? AUDIT_CONTAINED : AUDIT_PASS, 1);
    }
    assert_true(audit_score_data(&score) == 1.0);
    return falls(&score);
}

static void who_is_heard_and_gives_less_than_one_in_five_is_trouble(void **state)
{
    (void)state;
    assert_false(is_trouble(5));
    assert_false(is_trouble(7));
    assert_true(is_trouble(9));
    assert_true(is_trouble(10));
}

/* So many passes between each and the next. */
static bool is_withholding(unsigned convictions, unsigned passes)
{
    struct audit_score score;
    audit_score_init(&score);
    for (unsigned i = 0; i < convictions; i++) {
        add(&score, AUDIT_PASS, passes);
        add_note(&score, (struct audit_note){.outcome = AUDIT_FAIL, .fault = AUDIT_FAULT_SILENT});
    }
    return falls(&score);
}

static void three_losses_by_silence_suspend_though_days_lie_between_them(void **state)
{
    (void)state;
    assert_false(is_withholding(2, 100));
    assert_true(is_withholding(3, 100));
    assert_true(is_withholding(3, 200));
    assert_false(is_withholding(3, 300));
    struct audit_score score; /* others that far apart do not */
    audit_score_init(&score);
    for (unsigned i = 0; i < 3; i++) {
        add(&score, AUDIT_PASS, 100);
        add(&score, AUDIT_FAIL, 1);
    }
    assert_false(falls(&score));
}

/* A suspended node begins anew: it is not suspended again for the same. */
static void what_it_was_suspended_for_is_not_held_against_it_twice(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_PASS, 1000);
    for (unsigned i = 0; i < 3; i++) {
        add_note(&score, (struct audit_note){.outcome = AUDIT_FAIL, .fault = AUDIT_FAULT_SILENT});
    }
    audit_score_suspend(&score, NOW);
    add(&score, AUDIT_PASS, 200);
    audit_score_return(&score);
    assert_false(falls(&score));
}

static void trouble_suspends_without_touching_the_score_of_data(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_PASS, 100);
    add(&score, AUDIT_UNKNOWN, 20);
    assert_false(falls(&score));
    add(&score, AUDIT_UNKNOWN, 20);
    assert_true(falls(&score));
    assert_true(audit_score_data(&score) == 1.0);
}

/* What is contained for some hours only may be an outage. */
static void trouble_has_to_last_for_a_day(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_CONTAINED, 1000);
    assert_false(audit_score_falls(&score, 0, NOW));
    assert_false(audit_score_falls(&score, NOW - AUDIT_TROUBLED_MS + 1, NOW));
    assert_true(audit_score_falls(&score, NOW - AUDIT_TROUBLED_MS, NOW));
}

static void what_a_node_says_of_itself_weighs_a_quarter(void **state)
{
    (void)state;
    struct audit_score score;
    audit_score_init(&score);
    add(&score, AUDIT_PASS, 1000);
    unsigned fails = 0;
    while (!falls(&score)) {
        add_note(&score, (struct audit_note){.outcome = AUDIT_FAIL, .fault = AUDIT_FAULT_ROTTEN});
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
    assert_false(falls(&score)); /* it has fallen already */
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
        cmocka_unit_test(absence_never_suspends_nor_does_a_cell_that_is_asked_for_again),
        cmocka_unit_test(who_is_heard_and_gives_less_than_one_in_five_is_trouble),
        cmocka_unit_test(three_losses_by_silence_suspend_though_days_lie_between_them),
        cmocka_unit_test(what_it_was_suspended_for_is_not_held_against_it_twice),
        cmocka_unit_test(trouble_suspends_without_touching_the_score_of_data),
        cmocka_unit_test(trouble_has_to_last_for_a_day),
        cmocka_unit_test(what_a_node_says_of_itself_weighs_a_quarter),
        cmocka_unit_test(a_suspended_node_comes_back_by_passing_and_later_each_time),
        cmocka_unit_test(every_node_gets_the_floor_and_risk_more),
        cmocka_unit_test(what_is_owed_adds_up_but_for_a_day_at_most),
        cmocka_unit_test(chances_are_those_that_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
