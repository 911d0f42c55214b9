/*
 * repair_meter: bytes a second of the last minute, or of as much of it as there was.
 */
#include "coordinator/repair/repair_meter.h"

#include "tests/lib/test.h"

enum { START_MS = 1000 * 1000 };

static void a_steady_flow_is_shown_as_it_is(void **state)
{
    (void)state;
    struct repair_meter meter = {0};
    for (uint64_t ms = START_MS; ms < START_MS + 120 * 1000; ms += 1000) {
        repair_meter_add(&meter, 1000, ms);
    }
    assert_in_range(repair_meter_per_s(&meter, START_MS + 119 * 1000), 900, 1000);
}

static void a_beginning_is_not_divided_by_a_minute(void **state)
{
    (void)state;
    struct repair_meter meter = {0};
    repair_meter_add(&meter, 50000, START_MS);
    assert_int_equal(repair_meter_per_s(&meter, START_MS + 1000), 10000);
}

static void what_is_over_a_minute_old_is_forgotten(void **state)
{
    (void)state;
    struct repair_meter meter = {0};
    repair_meter_add(&meter, 60000, START_MS);
    assert_true(repair_meter_per_s(&meter, START_MS + 50 * 1000) > 0);
    assert_int_equal(repair_meter_per_s(&meter, START_MS + 65 * 1000), 0);
    assert_int_equal(repair_meter_per_s(&meter, START_MS + UINT64_C(1) * 86400 * 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_flow_is_shown_as_it_is),
        cmocka_unit_test(a_beginning_is_not_divided_by_a_minute),
        cmocka_unit_test(what_is_over_a_minute_old_is_forgotten),
    };
    return cmocka_run_group_tests_name("repair_meter", tests, NULL, NULL);
}
