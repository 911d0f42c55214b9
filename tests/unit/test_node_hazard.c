/*
 * node_hazard: records count the more the longer they are, and who has stayed is likelier to stay.
 */
#include "coordinator/fleet/node_hazard.h"

#include "tests/lib/test.h"

static const struct hazard_record NOTHING = {0};

static void a_new_fleet_is_taken_for_homes(void **state)
{
    (void)state;
    double hazard = node_hazard(&NOTHING, &NOTHING, 0);
    assert_true(hazard > 1.19 && hazard < 1.21);
}

static void a_hazard_falls_with_age_and_never_to_nothing(void **state)
{
    (void)state;
    double before = node_hazard(&NOTHING, &NOTHING, 0);
    for (double age = 0.25; age < 4; age += 0.25) {
        double now = node_hazard(&NOTHING, &NOTHING, age);
        assert_true(now < before);
        before = now;
    }
    assert_true(node_hazard(&NOTHING, &NOTHING, 1e9) > 0.01);
}

static void an_owner_who_loses_nodes_is_told_from_one_who_does_not(void **state)
{
    (void)state;
    const struct hazard_record fleet = {.years = 100, .losses = 50};
    const struct hazard_record careful = {.years = 20, .losses = 1};
    const struct hazard_record careless = {.years = 4, .losses = 12};
    double of_careful = node_hazard(&fleet, &careful, 0.5);
    double of_nobody = node_hazard(&fleet, &NOTHING, 0.5);
    double of_careless = node_hazard(&fleet, &careless, 0.5);
    assert_true(of_careful < of_nobody / 3);
    assert_true(of_careless > of_nobody * 3);
}

static void one_loss_of_a_newcomer_is_no_record(void **state)
{
    (void)state;
    const struct hazard_record fleet = {.years = 100, .losses = 50};
    const struct hazard_record unlucky = {.years = 0.01, .losses = 1};
    assert_true(node_hazard(&fleet, &unlucky, 0) < 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_fleet_is_taken_for_homes),
        cmocka_unit_test(a_hazard_falls_with_age_and_never_to_nothing),
        cmocka_unit_test(an_owner_who_loses_nodes_is_told_from_one_who_does_not),
        cmocka_unit_test(one_loss_of_a_newcomer_is_no_record),
    };
    return cmocka_run_group_tests_name("node_hazard", tests, NULL, NULL);
}
