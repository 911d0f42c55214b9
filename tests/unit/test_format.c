/*
 * format: figures at the edges of their units, and names that cannot steer a terminal.
 */
#include "tests/lib/test.h"
#include "tools/format.h"

#include <string.h>

static void bytes_have_three_digits(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"}, {1, "1 B"}, {999, "999 B"}, {1000, "1.0 KiB"}, {1536, "1.5 KiB"},
        {102348, "99.9 KiB"}, {102400, "100 KiB"}, {1023 * 1024, "1.0 MiB"},
        {UINT64_C(1) << 30, "1.0 GiB"}, {UINT64_MAX, "16.0 EiB"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[FORMAT_BYTES_SIZE];
        assert_string_equal(format_bytes(cases[i].bytes, text), cases[i].text);
    }
}

static void a_line_is_sold_by_thousands(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } cases[] = {{0, "0 bit/s"}, {800000, "800 kbit/s"}, {10000000, "10.0 Mbit/s"},
        {250000000, "250 Mbit/s"}, {1500000000, "1.5 Gbit/s"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[FORMAT_BYTES_SIZE];
        assert_string_equal(format_bits(cases[i].bits, text), cases[i].text);
    }
}

static void durations_name_two_units_at_most(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {{0, "0.0 s"}, {420, "0.4 s"}, {9949, "9.9 s"}, {9950, "10 s"}, {59499, "59 s"},
        {59500, "1 min 00 s"}, {185000, "3 min 05 s"}, {26400000, "7 h 20 min"},
        {90000000, "1 d 1 h"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[FORMAT_DURATION_SIZE];
        assert_string_equal(format_duration(cases[i].ms, text), cases[i].text);
    }
    char text[FORMAT_DURATION_SIZE];
    assert_true(strlen(format_duration(UINT64_MAX - 500, text)) < FORMAT_DURATION_SIZE);
}

static void utc_is_for_programs(void **state)
{
    (void)state;
    char text[FORMAT_TIME_SIZE];
    assert_string_equal(format_time_utc(1800000000999, text), "2027-01-15T08:00:00Z");
}

static void a_name_cannot_break_its_line(void **state)
{
    (void)state;
    char text[FORMAT_NAME_SIZE];
    assert_string_equal(format_name(view_text("a\nb\x1b[2J\x7f"), text), "a\\x0ab\\x1b[2J\\x7f");
    assert_string_equal(format_name(view_text("gr\xc3\xbc\xc3\x9f"), text), "gr\xc3\xbc\xc3\x9f");

    char worst[2000];
    memset(worst, 1, sizeof(worst));
    assert_true(strlen(format_name(view_of(worst, 1024), text)) == 4096);
    assert_true(strlen(format_name(view_of(worst, sizeof(worst)), text)) < FORMAT_NAME_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_have_three_digits),
        cmocka_unit_test(a_line_is_sold_by_thousands),
        cmocka_unit_test(durations_name_two_units_at_most),
        cmocka_unit_test(utc_is_for_programs),
        cmocka_unit_test(a_name_cannot_break_its_line),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
