/*
 * durability_trigger: the nodes a profile was worked out for give its r; better ones a later
 * repair, worse ones an earlier one, within limits.
 */
#include "coordinator/estimate/durability_trigger.h"

#include "tests/lib/test.h"

static void fill(struct durability_holder *holders, unsigned count, double uptime, double hazard)
{
    for (unsigned i = 0; i < count; i++) {
        holders[i] = (struct durability_holder){.uptime = uptime, .hazard = hazard};
    }
}

static unsigned trigger_of(const struct profile *profile, double uptime, double hazard)
{
    struct durability_goal goal;
    struct durability_holder holders[DURABILITY_SLOTS_MAX];
    durability_goal_init(&goal, profile, 0);
    fill(holders, profile->n, uptime, hazard);
    return durability_trigger(&goal, holders, profile->n);
}

static void nodes_as_designed_give_the_profiles_r(void **state)
{
    (void)state;
    for (unsigned i = 0; i < profile_count; i++) {
        const struct profile *profile = &profile_table[i];
        assert_int_equal(
            trigger_of(profile, profile->node_uptime, profile->node_hazard), profile->r);
    }
}

static void better_nodes_wait_longer_and_worse_ones_do_not(void **state)
{
    (void)state;
    const struct profile *home = profile_by_name(view_text("home"));
    assert_in_range(trigger_of(home, 0.99, 0.4), home->r - 3, home->r - 1);
    assert_in_range(trigger_of(home, 0.90, 1.2), home->r + 1, home->r + 6);
    assert_in_range(trigger_of(home, 0.95, 4.8), home->r + 1, home->r + 6);
}

static void no_figure_moves_it_beyond_its_limits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < profile_count; i++) {
        const struct profile *profile = &profile_table[i];
        struct durability_goal goal;
        durability_goal_init(&goal, profile, 0);
        assert_int_equal(trigger_of(profile, 1, 0), goal.least);
        assert_int_equal(trigger_of(profile, 0.01, 50), goal.most);
        assert_true(goal.least > profile->k && goal.least <= profile->r);
        assert_true(goal.most >= profile->r && goal.most < profile->n);
    }
}

static void more_nines_repair_earlier(void **state)
{
    (void)state;
    const struct profile *nas = profile_by_name(view_text("nas"));
    struct durability_goal goal;
    struct durability_holder holders[DURABILITY_SLOTS_MAX];
    fill(holders, nas->n, nas->node_uptime, nas->node_hazard);
    durability_goal_init(&goal, nas, 15);
    const unsigned many = durability_trigger(&goal, holders, nas->n);
    durability_goal_init(&goal, nas, 8);
    assert_true(many > durability_trigger(&goal, holders, nas->n));
}

static uint64_t next(uint64_t *chance)
{
    *chance = *chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *chance >> 33;
}

/* Two ways to the same answer, for holders of all sorts. */
static void due_is_at_the_trigger_and_below(void **state)
{
    (void)state;
    uint64_t chance = 7;
    for (unsigned round = 0; round < 400; round++) {
        const struct profile *profile = &profile_table[round % profile_count];
        struct durability_goal goal;
        struct durability_holder holders[DURABILITY_SLOTS_MAX];
        durability_goal_init(&goal, profile, 0);
        const unsigned count = (unsigned)(next(&chance) % (profile->n + 1u));
        for (unsigned i = 0; i < count; i++) {
            holders[i] =
                (struct durability_holder){.uptime = (double)(next(&chance) % 60 + 40) / 100,
                    .hazard = (double)(next(&chance) % 50) / 10};
        }
        assert_int_equal(durability_is_due(&goal, holders, count),
            count <= durability_trigger(&goal, holders, count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_as_designed_give_the_profiles_r),
        cmocka_unit_test(better_nodes_wait_longer_and_worse_ones_do_not),
        cmocka_unit_test(no_figure_moves_it_beyond_its_limits),
        cmocka_unit_test(more_nines_repair_earlier),
        cmocka_unit_test(due_is_at_the_trigger_and_below),
    };
    return cmocka_run_group_tests_name("durability_trigger", tests, NULL, NULL);
}
