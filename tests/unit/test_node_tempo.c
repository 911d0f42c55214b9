/*
 * node_tempo: a node is late by its own measure, what it will take is what it took lately, and all
 * of it is forgotten in time.  Arithmetic over invented moments.
 */
#include "client/node_tempo.h"
#include "tests/lib/test.h"

static uint64_t ms(uint64_t count)
{
    return count * 1000000;
}

/* First cells of 1, 2, .. count milliseconds, in an order that is not theirs. */
static struct node_tempo with_firsts(unsigned count, uint64_t now_ns)
{
    struct node_tempo tempo = {0};
    for (unsigned i = 0; i < count; i++) {
        node_tempo_note_first(&tempo, ms(1 + (i * 7) % count), now_ns);
    }
    return tempo;
}

static void nothing_known_is_said(void **state)
{
    (void)state;
    struct node_tempo tempo = {0};
    assert_int_equal(node_tempo_late_ns(&tempo, ms(5)), 0);
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, ms(5)), UINT64_MAX);
}

static void late_is_later_than_nine_of_ten_were(void **state)
{
    (void)state;
    struct node_tempo tempo = with_firsts(30, ms(1));
    assert_int_equal(node_tempo_late_ns(&tempo, ms(1)), ms(27));
}

static void nine_first_cells_are_too_few_to_judge_by(void **state)
{
    (void)state;
    struct node_tempo tempo = {0};
    for (unsigned i = 0; i < NODE_TEMPO_FIRSTS_MIN; i++) {
        assert_int_equal(node_tempo_late_ns(&tempo, ms(1)), 0);
        node_tempo_note_first(&tempo, ms(80), ms(1));
    }
    assert_int_equal(node_tempo_late_ns(&tempo, ms(1)), ms(80));
}

static void a_quick_node_is_not_late_within_10_ms(void **state)
{
    (void)state;
    struct node_tempo tempo = {0};
    for (unsigned i = 0; i < NODE_TEMPO_FIRSTS; i++) {
        node_tempo_note_first(&tempo, 1000, ms(1));
    }
    assert_int_equal(node_tempo_late_ns(&tempo, ms(1)), ms(10));
}

static void only_the_last_first_cells_count(void **state)
{
    (void)state;
    struct node_tempo tempo = with_firsts(30, ms(1));
    for (unsigned i = 0; i < NODE_TEMPO_FIRSTS; i++) {
        node_tempo_note_first(&tempo, ms(500), ms(2));
    }
    assert_int_equal(node_tempo_late_ns(&tempo, ms(2)), ms(500));
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, ms(2)), ms(500));
}

static void a_call_takes_its_first_cell_and_then_each_other(void **state)
{
    (void)state;
    struct node_tempo tempo = {0};
    node_tempo_note_first(&tempo, ms(40), ms(1));
    assert_int_equal(node_tempo_expected_ns(&tempo, 100, ms(1)), ms(40));
    node_tempo_note_cells(&tempo, 10, ms(20), ms(1));
    uint64_t expected_ns = node_tempo_expected_ns(&tempo, 101, ms(1));
    assert_in_range(expected_ns, ms(240), ms(240) + 1000);
}

static void what_cells_take_follows_the_last_calls(void **state)
{
    (void)state;
    struct node_tempo tempo = {0};
    node_tempo_note_first(&tempo, 0, ms(1));
    node_tempo_note_cells(&tempo, 10, ms(10), ms(1));
    node_tempo_note_cells(&tempo, 10, ms(50), ms(2));
    assert_in_range(node_tempo_expected_ns(&tempo, 2, ms(2)), ms(2), ms(2) + 10); /* a quarter */
    for (unsigned i = 0; i < 30; i++) {
        node_tempo_note_cells(&tempo, 10, ms(50), ms(3));
    }
    assert_in_range(node_tempo_expected_ns(&tempo, 2, ms(3)), ms(5) - 10000, ms(5));
}

static void failures_make_it_look_slow_and_halve_each_minute(void **state)
{
    (void)state;
    struct node_tempo tempo = {0};
    node_tempo_note_first(&tempo, ms(10), ms(1));
    for (unsigned i = 0; i < 4; i++) {
        node_tempo_note_failure(&tempo, ms(1));
    }
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, ms(1)), ms(50));
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, ms(60001)), ms(30));
    node_tempo_note_failure(&tempo, ms(60001)); /* two are left of the four */
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, ms(60001)), ms(40));
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, ms(60001 + 120000)), ms(10));
}

static void what_is_old_counts_for_nothing(void **state)
{
    (void)state;
    struct node_tempo tempo = with_firsts(30, ms(1));
    uint64_t old = ms(2 + NODE_TEMPO_AGE_MAX_MS);
    assert_int_equal(node_tempo_late_ns(&tempo, old - ms(1)), ms(27));
    assert_int_equal(node_tempo_late_ns(&tempo, old), 0);
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, old), UINT64_MAX);
    node_tempo_note_first(&tempo, ms(3), old);
    assert_int_equal(node_tempo_late_ns(&tempo, old), 0); /* the thirty did not come back */
    assert_int_equal(node_tempo_expected_ns(&tempo, 1, old), ms(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_said),
        cmocka_unit_test(late_is_later_than_nine_of_ten_were),
        cmocka_unit_test(nine_first_cells_are_too_few_to_judge_by),
        cmocka_unit_test(a_quick_node_is_not_late_within_10_ms),
        cmocka_unit_test(only_the_last_first_cells_count),
        cmocka_unit_test(a_call_takes_its_first_cell_and_then_each_other),
        cmocka_unit_test(what_cells_take_follows_the_last_calls),
        cmocka_unit_test(failures_make_it_look_slow_and_halve_each_minute),
        cmocka_unit_test(what_is_old_counts_for_nothing),
    };
    return cmocka_run_group_tests_name("node_tempo", tests, NULL, NULL);
}
