/*
 * put_pace: slow nodes cost at most as much time again as the rest took, and never less than their
 * fair chance.
 */
#include "client/put_pace.h"
#include "tests/lib/test.h"

enum { MS = 1000000, K = 4, W = 6 };

static uint64_t ms(uint64_t count)
{
    return count * MS;
}

static void nobody_is_judged_while_nobody_waits(void **state)
{
    (void)state;
    struct put_pace pace;
    put_pace_init(&pace, K, W, ms(1000));
    assert_int_equal(put_pace_note(&pace, false, 8, ms(90000)), PUT_GO_ON);
    assert_int_equal(put_pace_due_ns(&pace), UINT64_MAX);
}

static void the_slow_are_cut_after_200_ms_at_least(void **state)
{
    (void)state;
    struct put_pace pace;
    put_pace_init(&pace, K, W, ms(1000));
    assert_int_equal(put_pace_note(&pace, true, W, ms(1010)), PUT_GO_ON);
    assert_int_equal(put_pace_due_ns(&pace), ms(1210));
    assert_int_equal(put_pace_note(&pace, true, W, ms(1209)), PUT_GO_ON);
    assert_int_equal(put_pace_due_ns(&pace), ms(1210));
    assert_int_equal(put_pace_note(&pace, true, W, ms(1210)), PUT_CUT);
}

static void a_long_put_is_patient_for_as_long_as_it_took(void **state)
{
    (void)state;
    struct put_pace pace;
    put_pace_init(&pace, K, W, ms(1000));
    put_pace_note(&pace, true, W, ms(6000));
    assert_int_equal(put_pace_due_ns(&pace), ms(11000));
    assert_int_equal(put_pace_note(&pace, true, 8, ms(10999)), PUT_GO_ON);
    assert_int_equal(put_pace_note(&pace, true, 8, ms(11000)), PUT_CUT);
}

static void short_stalls_add_up(void **state)
{
    (void)state;
    struct put_pace pace;
    put_pace_init(&pace, K, W, 0);
    uint64_t now = 0;
    enum put_verdict verdict = PUT_GO_ON;
    while (verdict == PUT_GO_ON && now < ms(100000)) {
        put_pace_note(&pace, true, W, now);
        now += ms(9); /* stalled */
        verdict = put_pace_note(&pace, false, W, now);
        if (verdict == PUT_GO_ON) {
            now += ms(1); /* useful */
            verdict = put_pace_note(&pace, true, W, now);
        }
    }
    assert_int_equal(verdict, PUT_CUT);
    assert_in_range(now, ms(200), ms(250));
}

static void too_few_doing_well_ask_for_spares_after_two_seconds(void **state)
{
    (void)state;
    struct put_pace pace;
    put_pace_init(&pace, K, W, 0);
    put_pace_note(&pace, true, K, 0);
    assert_int_equal(put_pace_due_ns(&pace), ms(2000));
    assert_int_equal(put_pace_note(&pace, true, W - 1, ms(1999)), PUT_GO_ON);
    assert_int_equal(put_pace_note(&pace, true, W - 1, ms(2000)), PUT_SPARE);
    put_pace_forgive(&pace);
    assert_int_equal(put_pace_note(&pace, true, W - 1, ms(2001)), PUT_GO_ON);
}

static void fewer_than_k_doing_well_are_all_slow_alike(void **state)
{
    (void)state;
    struct put_pace pace;
    put_pace_init(&pace, K, W, 0);
    put_pace_note(&pace, true, K - 1, 0);
    assert_int_equal(put_pace_due_ns(&pace), UINT64_MAX);
    assert_int_equal(put_pace_note(&pace, true, K - 1, ms(600000)), PUT_GO_ON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_judged_while_nobody_waits),
        cmocka_unit_test(the_slow_are_cut_after_200_ms_at_least),
        cmocka_unit_test(a_long_put_is_patient_for_as_long_as_it_took),
        cmocka_unit_test(short_stalls_add_up),
        cmocka_unit_test(too_few_doing_well_ask_for_spares_after_two_seconds),
        cmocka_unit_test(fewer_than_k_doing_well_are_all_slow_alike),
    };
    return cmocka_run_group_tests_name("put_pace", tests, NULL, NULL);
}
