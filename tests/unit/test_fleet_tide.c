/*
 * fleet_tide: hours are told by how many nodes are there, and each node by how it goes with them;
 * node_presence_week: every hour is as it is expected one by one.
 */
#include "coordinator/fleet/fleet_tide.h"

#include "tests/lib/test.h"

#include <math.h>

enum { DAY_HOURS = 24, NIGHT_HOURS = 6 };

/* Of the first hours of each day. */
static void fill_week(float week[PRESENCE_HOURS], float night, float day)
{
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        week[hour] = hour % DAY_HOURS < NIGHT_HOURS ? night : day;
    }
}

static void the_night_is_the_ebb(void **state)
{
    (void)state;
    double there[PRESENCE_HOURS];
    uint8_t tide_of[PRESENCE_HOURS];
    float week[PRESENCE_HOURS];
    float swing[FLEET_TIDES];
    fill_week(week, 0.5F, 0.9F);
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        there[hour] = 10 * (double)week[hour];
    }
    fleet_tides(there, tide_of);
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        assert_int_equal(tide_of[hour] == 0, hour % DAY_HOURS < NIGHT_HOURS);
    }
    fleet_swing(week, tide_of, swing);
    assert_true(fabsf(swing[0] + 0.3F) < 1e-4F);
    assert_true(fabsf(swing[1] - 0.1F) < 1e-4F && fabsf(swing[3] - 0.1F) < 1e-4F);

    /* Who is up at night evens it out, and who always is does not care. */
    fill_week(week, 0.9F, 0.5F);
    fleet_swing(week, tide_of, swing);
    assert_true(fabsf(swing[0] - 0.3F) < 1e-4F);
    fill_week(week, 0.7F, 0.7F);
    fleet_swing(week, tide_of, swing);
    assert_true(fabsf(swing[0]) < 1e-4F);
}

static void every_tide_has_as_many_hours(void **state)
{
    (void)state;
    const double there[PRESENCE_HOURS] = {0}; /* no hour is like no other */
    uint8_t tide_of[PRESENCE_HOURS];
    unsigned hours[FLEET_TIDES] = {0};
    fleet_tides(there, tide_of);
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        hours[tide_of[hour]]++;
    }
    for (unsigned tide = 0; tide < FLEET_TIDES; tide++) {
        assert_int_equal(hours[tide], PRESENCE_HOURS / FLEET_TIDES);
    }
}

static void a_week_is_its_hours_one_by_one(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    float week[PRESENCE_HOURS];
    for (unsigned hour = 0; hour < 5 * PRESENCE_HOURS; hour++) {
        const uint64_t at_ms = hour * PRESENCE_HOUR_MS;
        node_presence_add(
            &presence, at_ms, at_ms + PRESENCE_HOUR_MS, hour % DAY_HOURS >= 7 && hour % 5 != 0);
    }
    node_presence_week(&presence, week);
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        const double one = node_presence_expect(&presence, hour * PRESENCE_HOUR_MS);
        assert_true(fabs((double)week[hour] - one) < 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_night_is_the_ebb),
        cmocka_unit_test(every_tide_has_as_many_hours),
        cmocka_unit_test(a_week_is_its_hours_one_by_one),
    };
    return cmocka_run_group_tests_name("fleet_tide", tests, NULL, NULL);
}
