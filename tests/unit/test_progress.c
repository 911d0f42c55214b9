/*
 * progress: the line that is drawn, for every width, and the rate it shows.
 */
#include "tests/lib/test.h"
#include "tools/progress.h"

#include <string.h>

static const struct progress_view half = {.bytes_done = UINT64_C(634) << 20,
    .bytes_expected = UINT64_C(1) << 30,
    .files_done = 12,
    .files_expected = 40,
    .bytes_per_s = UINT64_C(105) << 20};

static void the_line_says_share_rate_and_end(void **state)
{
    (void)state;
    char line[201];
    progress_render(&half, 90, line);
    assert_string_equal(line,
        " 61% [===============>         ]  634 MiB of 1.0 GiB  105 MiB/s  "
        "ETA 4.0 s  12 of 40 files");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    for (unsigned width = 1; width <= 160; width++) {
        char line[161];
        memset(line, '#', sizeof(line));
        progress_render(&half, width, line);
        assert_true(strlen(line) <= width);
    }
}

static void an_unknown_total_has_no_bar_and_no_end(void **state)
{
    (void)state;
    struct progress_view view = half;
    view.bytes_expected = 0;
    view.files_expected = 1;
    char line[161];
    progress_render(&view, 100, line);
    assert_string_equal(line, "634 MiB  105 MiB/s");
}

static void a_source_that_outgrew_its_size_is_not_over_100_percent(void **state)
{
    (void)state;
    struct progress_view view = half;
    view.bytes_done = 2 * view.bytes_expected;
    char line[161];
    progress_render(&view, 160, line);
    assert_true(strncmp(line, "100% [", 6) == 0);
}

static void the_rate_is_of_the_last_seconds(void **state)
{
    (void)state;
    struct progress_rate rate = {0};
    assert_int_equal(progress_rate_per_s(&rate, 5, 100), 0);
    uint64_t now_ms = 1000;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 400; i++, now_ms += 25) { /* 10 s at 1,000 bytes a second */
        progress_rate_note(&rate, now_ms, bytes);
        bytes += 25;
    }
    assert_int_equal(progress_rate_per_s(&rate, now_ms, bytes), 1000);

    for (unsigned i = 0; i < 400; i++, now_ms += 25) { /* then a stall */
        progress_rate_note(&rate, now_ms, bytes);
    }
    assert_int_equal(progress_rate_per_s(&rate, now_ms, bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_share_rate_and_end),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(an_unknown_total_has_no_bar_and_no_end),
        cmocka_unit_test(a_source_that_outgrew_its_size_is_not_over_100_percent),
        cmocka_unit_test(the_rate_is_of_the_last_seconds),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
