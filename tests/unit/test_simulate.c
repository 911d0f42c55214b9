/*
 * simulate: what is said of a fleet that is large enough, of one that is not, and of nonsense.
 */
#include "coordinator/estimate/simulate.h"

#include "tests/lib/test.h"

#include <math.h>

static struct simulate_fleet fleet_of(const char *profile)
{
    struct simulate_fleet fleet;
    simulate_fleet_of(profile_by_name(view_text(profile)), &fleet);
    return fleet;
}

static bool is_within(double value, double wanted, double factor)
{
    return value < wanted * factor && value > wanted / factor;
}

static void a_fleet_as_designed_gives_the_profiles_figures(void **state)
{
    (void)state;
    struct simulate_result got;
    struct simulate_fleet fleet = fleet_of("home");
    fleet.nodes = 200;
    simulate_run(&fleet, &got);
    assert_int_equal(got.verdict, SIMULATE_WELL);
    assert_int_equal(got.goal, 40);
    assert_true(is_within(got.lost, 4e-13, 10));
    assert_true(is_within(got.disk, 2.14, 1.1));
    assert_true(is_within(got.moved, 0.54, 1.3));
    assert_true(got.disk_full == 2.5);
}

static void better_nodes_lose_less_and_cost_less(void **state)
{
    (void)state;
    struct simulate_result bad;
    struct simulate_result good;
    struct simulate_fleet fleet = fleet_of("medium");
    fleet.nodes = 200;
    simulate_run(&fleet, &bad);
    fleet.uptime = 0.99;
    fleet.hazard /= 2;
    simulate_run(&fleet, &good);
    assert_true(good.lost < bad.lost);
    assert_true(good.unreadable < bad.unreadable);
    assert_true(good.moved < bad.moved);
}

/* Eight nodes for eight slots, and a month until another disk is found: 8e-2 a year, by others. */
static void a_fleet_without_a_spare_is_called_too_small(void **state)
{
    (void)state;
    struct simulate_result got;
    struct simulate_fleet fleet = fleet_of("local");
    fleet.lost_after_hours = 72;
    fleet.nodes = 8;
    simulate_run(&fleet, &got);
    print_message("lost %.1e\n", got.lost);
    assert_int_equal(got.verdict, SIMULATE_TOO_SMALL);
    assert_true(is_within(got.lost, 8e-2, 10));
}

static void verdicts_follow_the_number_of_nodes(void **state)
{
    (void)state;
    static const struct {
        unsigned nodes;
        enum simulate_verdict verdict;
    } cases[] = {
        {10, SIMULATE_TOO_SMALL},
        {39, SIMULATE_TOO_SMALL},
        {42, SIMULATE_NEVER_WHOLE},
        {46, SIMULATE_NO_SPARE},
        {60, SIMULATE_WELL},
    };
    double lost = 2;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct simulate_result got;
        struct simulate_fleet fleet = fleet_of("home");
        fleet.nodes = cases[i].nodes;
        simulate_run(&fleet, &got);
        print_message("%u nodes: %.1e\n", cases[i].nodes, got.lost);
        assert_int_equal(got.verdict, cases[i].verdict);
        assert_true(got.lost <= lost);
        lost = got.lost;
    }
}

/* And what is wrong with it is said, in its own numbers. */
static void assert_refused(const struct simulate_fleet *fleet, const char *expected)
{
    struct hearth_err err;
    assert_int_equal(simulate_check(fleet, &err), HEARTH_INVALID);
    assert_int_equal(strncmp(err.message, expected, strlen(expected)), 0);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct hearth_err err;
    const struct simulate_fleet sound = fleet_of("home");
    assert_ok(simulate_check(&sound, &err), &err);
    struct simulate_fleet fleet = sound;
#define REFUSED(field, value, expected)                                                            \
    fleet = sound;                                                                                 \
    fleet.field = value;                                                                           \
    assert_refused(&fleet, expected)
    REFUSED(r, sound.n, "k 16, r 40, n 40: ");
    REFUSED(r, sound.k - 1, "k 16, r 15, n 40: ");
    REFUSED(n, 200, "k 16, r 28, n 200: ");
    REFUSED(nodes, 0, "0 nodes: ");
    REFUSED(uptime, 1.1, "up 110 % of the time: ");
    REFUSED(uptime, NAN, "up nan % of the time: ");
    REFUSED(ebb, 0.96, "96 % fewer in the emptiest hours: ");
    REFUSED(hazard, 0, "a life of inf days: ");
    REFUSED(hazard, 36500, "a life of 0.01 days: ");
    REFUSED(lost_after_hours, 1e9, "lost after 1e+09 h: ");
    REFUSED(repair_hours, 0.5, "a repair of 0.5 h: ");
    REFUSED(replace_days, -1, "replaced after -1 days: ");
#undef REFUSED
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fleet_as_designed_gives_the_profiles_figures),
        cmocka_unit_test(better_nodes_lose_less_and_cost_less),
        cmocka_unit_test(a_fleet_without_a_spare_is_called_too_small),
        cmocka_unit_test(verdicts_follow_the_number_of_nodes),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("simulate", tests, NULL, NULL);
}
