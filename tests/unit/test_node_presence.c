/*
 * node_presence: habits are learned in days and forgotten in weeks; nights are excused, absences
 * are not.  Time is a number here: day 0 is a Thursday.
 */
#include "coordinator/fleet/node_presence.h"

#include "tests/lib/test.h"

#define HOUR PRESENCE_HOUR_MS
#define DAY  (24 * HOUR)
#define WEEK (7 * DAY)

/* There from 7 to 23 o'clock of each of some days. */
static void live_by_day(struct node_presence *presence, unsigned first_day, unsigned days)
{
    for (unsigned day = first_day; day < first_day + days; day++) {
        node_presence_add(presence, day * DAY, day * DAY + 7 * HOUR, false);
        node_presence_add(presence, day * DAY + 7 * HOUR, day * DAY + 23 * HOUR, true);
        node_presence_add(presence, day * DAY + 23 * HOUR, (day + 1) * DAY, false);
    }
}

static void assert_about(double value, double expected)
{
    if (value < expected - 0.02 || value > expected + 0.02) {
        print_error("%.3f is not about %.3f\n", value, expected);
        fail();
    }
}

static void who_is_new_is_taken_for_a_home_box(void **state)
{
    (void)state;
    const struct node_presence presence = {0};
    assert_about(node_presence_uptime(&presence), 0.95);
    assert_about(node_presence_expect(&presence, 3 * HOUR), 0.95);
    assert_int_equal(node_presence_excused_ms(&presence, 0, WEEK), 0);
}

static void nights_are_learned_within_a_week(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    live_by_day(&presence, 0, 7);
    assert_true(node_presence_expect(&presence, WEEK + 3 * HOUR) < 0.5);
    assert_true(node_presence_expect(&presence, WEEK + 12 * HOUR) > 0.9);
    /* From 23 o'clock of one day to 23 of the next: the night of it. */
    uint64_t from = WEEK + 23 * HOUR;
    assert_int_equal(node_presence_excused_ms(&presence, from, from + DAY), 8 * HOUR);
    live_by_day(&presence, 7, 21);
    assert_about(node_presence_uptime(&presence), 0.69); /* of 0.67: it leans a little */
}

static void weekends_are_learned_within_a_month(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    for (unsigned week = 0; week < 4; week++) {
        node_presence_add(&presence, week * WEEK, week * WEEK + 2 * DAY, true);
        node_presence_add(&presence, week * WEEK + 2 * DAY, (week + 1) * WEEK, false);
    }
    uint64_t friday = 4 * WEEK + DAY + 12 * HOUR;
    assert_true(node_presence_expect(&presence, friday) > 0.5);
    assert_true(node_presence_expect(&presence, friday + 2 * DAY) < 0.5);
}

/* Up 80 % of each hour: there is no hour in which it is usually away. */
static void who_is_flaky_is_never_excused(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    for (unsigned hour = 0; hour < 4 * PRESENCE_HOURS; hour++) {
        node_presence_add(&presence, hour * HOUR, hour * HOUR + HOUR * 4 / 5, true);
        node_presence_add(&presence, hour * HOUR + HOUR * 4 / 5, (hour + 1) * HOUR, false);
    }
    assert_about(node_presence_uptime(&presence), 0.8);
    assert_int_equal(node_presence_excused_ms(&presence, 4 * WEEK, 5 * WEEK), 0);
}

static void old_habits_fade(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    live_by_day(&presence, 0, 28);
    node_presence_add(&presence, 4 * WEEK, 16 * WEEK, true);
    assert_true(node_presence_uptime(&presence) > 0.95);
    assert_int_equal(node_presence_excused_ms(&presence, 16 * WEEK, 17 * WEEK), 0);
}

static void nothing_is_counted_twice_and_nothing_overflows(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    node_presence_add(&presence, 0, HOUR, true);
    node_presence_add(&presence, 0, HOUR, true);
    node_presence_add(&presence, HOUR / 2, HOUR, false);
    assert_int_equal(presence.seen_s[0], 3600);
    assert_int_equal(presence.there_s[0], 3600);
    node_presence_add(&presence, HOUR, 200 * WEEK, true);
    assert_in_range(presence.seen_s[5], 5 * 3600, 6 * 3600);
}

/* Heartbeats fall between seconds: what is left of one is not lost. */
static void parts_of_seconds_add_up(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    for (unsigned i = 0; i < 3600; i++) {
        node_presence_add(&presence, i * UINT64_C(333), (i + 1) * UINT64_C(333), true);
    }
    assert_int_equal(presence.seen_s[0], 1198);
}

static void a_pattern_survives_the_database(void **state)
{
    (void)state;
    struct node_presence presence = {0};
    struct node_presence back;
    uint8_t bytes[PRESENCE_BLOB_SIZE];
    live_by_day(&presence, 0, 9);
    node_presence_encode(&presence, bytes);
    assert_true(node_presence_decode(view_of(bytes, sizeof(bytes)), &back));
    assert_memory_equal(&presence, &back, sizeof(back));
}

static void a_pattern_that_makes_no_sense_is_begun_anew(void **state)
{
    (void)state;
    static const struct node_presence nothing = {0};
    struct node_presence presence = {0};
    struct node_presence back;
    uint8_t bytes[PRESENCE_BLOB_SIZE];
    live_by_day(&presence, 0, 9);
    node_presence_encode(&presence, bytes);
    assert_false(node_presence_decode(view_of(bytes, sizeof(bytes) - 1), &back));
    assert_memory_equal(&back, &nothing, sizeof(back));
    assert_false(node_presence_decode(view_of(bytes, 0), &back));
    bytes[0]++;
    assert_false(node_presence_decode(view_of(bytes, sizeof(bytes)), &back));
    bytes[0]--;
    memset(bytes + 9, 0xff, 2); /* there for longer than anybody looked */
    assert_false(node_presence_decode(view_of(bytes, sizeof(bytes)), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_new_is_taken_for_a_home_box),
        cmocka_unit_test(nights_are_learned_within_a_week),
        cmocka_unit_test(weekends_are_learned_within_a_month),
        cmocka_unit_test(who_is_flaky_is_never_excused),
        cmocka_unit_test(old_habits_fade),
        cmocka_unit_test(nothing_is_counted_twice_and_nothing_overflows),
        cmocka_unit_test(parts_of_seconds_add_up),
        cmocka_unit_test(a_pattern_survives_the_database),
        cmocka_unit_test(a_pattern_that_makes_no_sense_is_begun_anew),
    };
    return cmocka_run_group_tests_name("node_presence", tests, NULL, NULL);
}
