/*
 * durability: chances by holders, against counting all cases and against what is known in closed
 * form.
 */
#include "coordinator/estimate/durability.h"

#include "tests/lib/test.h"

#include <math.h>

enum { HOLDERS = 10 };

/* No two alike. */
static void draw(struct durability_holder holders[HOLDERS])
{
    for (unsigned i = 0; i < HOLDERS; i++) {
        holders[i] = (struct durability_holder){.uptime = 0.5 + 0.04 * i, .hazard = 0.3 * i};
    }
}

static double chance_of(const struct durability_holder holders[HOLDERS], unsigned up)
{
    double chance = 1;
    for (unsigned i = 0; i < HOLDERS; i++) {
        chance *= (up >> i & 1) ? holders[i].uptime : 1 - holders[i].uptime;
    }
    return chance;
}

static void unreadable_is_the_sum_over_all_ways_to_be_down(void **state)
{
    (void)state;
    struct durability_holder holders[HOLDERS];
    draw(holders);
    for (unsigned k = 1; k <= HOLDERS; k++) {
        double sum = 0;
        for (unsigned up = 0; up < 1u << HOLDERS; up++) {
            sum += (unsigned)__builtin_popcount(up) < k ? chance_of(holders, up) : 0;
        }
        assert_true(fabs(durability_unreadable(k, holders, HOLDERS) - sum) < 1e-12);
    }
}

/* Of the worst moment more than a quarter, since the others add something. */
static void nodes_that_sleep_together_are_away_together(void **state)
{
    (void)state;
    struct durability_holder steady[HOLDERS];
    struct durability_holder sleepy[HOLDERS];
    struct durability_holder tides[FLEET_TIDES][HOLDERS];
    draw(steady);
    for (unsigned i = 0; i < HOLDERS; i++) {
        sleepy[i] = steady[i];
        durability_swing(0.12, sleepy[i].swing);
        for (unsigned tide = 0; tide < FLEET_TIDES; tide++) {
            tides[tide][i].uptime = sleepy[i].uptime + (tide == 0 ? -0.12 : 0.04);
            memset(tides[tide][i].swing, 0, sizeof(tides[tide][i].swing));
        }
    }
    for (unsigned k = 1; k < HOLDERS; k++) {
        double mean = 0;
        for (unsigned tide = 0; tide < FLEET_TIDES; tide++) {
            mean += durability_unreadable(k, tides[tide], HOLDERS) / FLEET_TIDES;
        }
        const double got = durability_unreadable(k, sleepy, HOLDERS);
        assert_true(fabs(got / mean - 1) < 1e-5);
    }
    assert_true(
        durability_unreadable(3, sleepy, HOLDERS) > 2 * durability_unreadable(3, steady, HOLDERS));
}

static void nobody_is_there_more_than_always_or_less_than_never(void **state)
{
    (void)state;
    struct durability_holder holders[2] = {{.uptime = 0.9}, {.uptime = 0.1}};
    durability_swing(0.6, holders[0].swing); /* 0.3, 1.1, 1.1, 1.1 */
    durability_swing(0.6, holders[1].swing); /* -0.5, 0.3, 0.3, 0.3 */
    const double both = durability_unreadable(2, holders, 2);
    assert_true(fabs(both - (1 + 3 * 0.7) / 4) < 1e-6);
}

static void with_fewer_than_k_holders_it_is_certain(void **state)
{
    (void)state;
    struct durability_holder holders[HOLDERS];
    draw(holders);
    assert_true(durability_unreadable(4, holders, 3) == 1);
    assert_true(durability_lost_in(4, holders, 3, 0.01) == 1);
}

/* One part in a thousand at 1e-30: sums of small numbers, never differences of large ones. */
static void what_is_very_unlikely_is_still_right(void **state)
{
    (void)state;
    struct durability_holder holders[20];
    for (unsigned i = 0; i < 20; i++) {
        holders[i] = (struct durability_holder){.uptime = 0.99};
    }
    double exact = 0;
    for (unsigned up = 0; up < 5; up++) {
        exact += durability_binomial(20, up, 0.99);
    }
    assert_true(exact < 1e-27);
    assert_true(fabs(durability_unreadable(5, holders, 20) / exact - 1) < 1e-3);
}

static void a_domain_takes_its_share(void **state)
{
    (void)state;
    struct durability_holder holders[20] = {{.hazard = 0}};
    const double one = durability_domains_lost(1, 1);
    const double two = durability_domains_lost(2, 1);
    assert_true(fabs(one / (DURABILITY_DOMAINS * DURABILITY_DOMAIN_HAZARD) - 1) < 0.1);
    assert_int_equal(durability_domain_share(20), 2);
    /* 20 holders that never die of their own: 18 are left after one domain, 16 after two. */
    assert_true(fabs(durability_lost_in(17, holders, 20, 1) / two - 1) < 0.05);
    assert_true(fabs(durability_lost_in(19, holders, 20, 1) / (one + two) - 1) < 0.01);
}

static void more_hazard_and_more_time_are_worse(void **state)
{
    (void)state;
    struct durability_holder holders[HOLDERS];
    draw(holders);
    const double before = durability_lost_in(6, holders, HOLDERS, 0.01);
    assert_true(durability_lost_in(6, holders, HOLDERS, 0.02) > before);
    holders[0].hazard += 1;
    assert_true(durability_lost_in(6, holders, HOLDERS, 0.01) > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unreadable_is_the_sum_over_all_ways_to_be_down),
        cmocka_unit_test(nodes_that_sleep_together_are_away_together),
        cmocka_unit_test(nobody_is_there_more_than_always_or_less_than_never),
        cmocka_unit_test(with_fewer_than_k_holders_it_is_certain),
        cmocka_unit_test(what_is_very_unlikely_is_still_right),
        cmocka_unit_test(a_domain_takes_its_share),
        cmocka_unit_test(more_hazard_and_more_time_are_worse),
    };
    return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
