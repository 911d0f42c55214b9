/*
 * repair_backoff: a segment that fails waits, longer each time, never longer than is stated, and
 * not in step with others; memory of it is bounded.  Compared with a plain table.
 */
#include "coordinator/repair/repair_backoff.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

enum { ROUNDS = 4000, SEGMENTS = 40, MAX = 64, NOW_MS = 1000000 };

struct fixture {
    struct test_env env;
    struct repair_backoff backoff;
};

static struct meta_id id_of(unsigned number)
{
    /* Neither ascending nor descending. */
    return (struct meta_id){{(uint8_t)(number * 37), (uint8_t)number}};
}

static int set_up(void **state)
{
    static struct fixture at;
    test_env_init(&at.env, 11);
    assert_true(repair_backoff_init(&at.backoff, &at.env.env, MAX));
    *state = &at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    repair_backoff_fini(&at->backoff);
    return 0;
}

static uint64_t fail_once(struct fixture *at, unsigned number)
{
    repair_backoff_failed(&at->backoff, id_of(number), NOW_MS);
    return repair_backoff_find(&at->backoff, id_of(number))->until_ms - NOW_MS;
}

static void each_wait_is_twice_as_long_up_to_the_stated_maximum(void **state)
{
    struct fixture *at = *state;
    uint64_t span = REPAIR_BACKOFF_FIRST_MS;
    for (unsigned failures = 1; failures < 100; failures++) {
        const uint64_t wait = fail_once(at, 1);
        assert_in_range(wait, span / 2, span);
        span = 2 * span < REPAIR_BACKOFF_MOST_MS ? 2 * span : REPAIR_BACKOFF_MOST_MS;
    }
    assert_int_equal(span, REPAIR_BACKOFF_MOST_MS);
}

static void what_worked_begins_anew(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < 10; i++) {
        fail_once(at, 1);
    }
    repair_backoff_forget(&at->backoff, id_of(1));
    assert_null(repair_backoff_find(&at->backoff, id_of(1)));
    assert_in_range(fail_once(at, 1), REPAIR_BACKOFF_FIRST_MS / 2, REPAIR_BACKOFF_FIRST_MS);
}

static void segments_that_failed_together_come_back_apart(void **state)
{
    struct fixture *at = *state;
    unsigned differ = 0;
    const uint64_t first = fail_once(at, 0);
    for (unsigned i = 1; i < SEGMENTS; i++) {
        differ += fail_once(at, i) != first;
    }
    assert_in_range(differ, SEGMENTS / 2, SEGMENTS);
}

static void every_segment_has_its_own_count(void **state)
{
    struct fixture *at = *state;
    unsigned failures[SEGMENTS] = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        const unsigned number = (unsigned)env_random_below(&at->env.env, SEGMENTS);
        if (env_random_below(&at->env.env, 4) == 0) {
            repair_backoff_forget(&at->backoff, id_of(number));
            failures[number] = 0;
        } else {
            fail_once(at, number);
            failures[number]++;
        }
        const unsigned asked = (unsigned)env_random_below(&at->env.env, SEGMENTS);
        const struct repair_wait *wait = repair_backoff_find(&at->backoff, id_of(asked));
        assert_int_equal(wait != NULL ? wait->failures : 0, failures[asked]);
    }
}

static void when_full_the_wait_that_ends_first_gives_way(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < MAX; i++) {
        repair_backoff_failed(&at->backoff, id_of(i), i == 7 ? 0 : NOW_MS);
    }
    fail_once(at, MAX);
    assert_int_equal(at->backoff.count, MAX);
    for (unsigned i = 0; i <= MAX; i++) {
        assert_int_equal(repair_backoff_find(&at->backoff, id_of(i)) == NULL, i == 7);
    }
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(each_wait_is_twice_as_long_up_to_the_stated_maximum),
        claim(what_worked_begins_anew),
        claim(segments_that_failed_together_come_back_apart),
        claim(every_segment_has_its_own_count),
        claim(when_full_the_wait_that_ends_first_gives_way),
    };
    return cmocka_run_group_tests_name("repair_backoff", tests, NULL, NULL);
}
