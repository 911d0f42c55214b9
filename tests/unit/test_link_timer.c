/*
 * link_timer: whatever is set, moved and cleared, timers fire in the order of their time, each
 * once, and no sooner.
 */
#include "proto/link_timer.h"
#include "tests/lib/test.h"

#include <stdbool.h>

enum { COUNT = 200, ROUNDS = 2000 };

struct fixture {
    struct link_timers timers;
    struct link_timer timer[COUNT];
    uint64_t due[COUNT]; /* 0: not set */
    uint64_t last;
    unsigned fired;
};

static struct fixture at;

static void fire(struct link_timer *timer)
{
    const long i = timer - at.timer;
    assert_true(at.due[i] != 0 && at.due[i] == timer->due_ns);
    assert_true(timer->due_ns >= at.last);
    at.last = timer->due_ns;
    at.due[i] = 0;
    at.fired++;
}

static unsigned next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*seed >> 33);
}

static void assert_only_later_ones_are_left(uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(at.due[i] == 0 || at.due[i] > now);
        assert_int_equal(at.timer[i].place != 0, at.due[i] != 0);
        next = at.due[i] != 0 && at.due[i] < next ? at.due[i] : next;
    }
    assert_true(link_timers_next(&at.timers) == next);
}

static void timers_fire_in_order_once_and_no_sooner(void **state)
{
    (void)state;
    uint64_t seed = 7;
    uint64_t now = 1;
    for (unsigned i = 0; i < COUNT; i++) {
        at.timer[i].fire = fire;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned i = next_random(&seed) % COUNT;
        if (next_random(&seed) % 4 == 0) {
            link_timer_clear(&at.timers, &at.timer[i]);
            at.due[i] = 0;
        } else {
            at.due[i] = now + 1 + next_random(&seed) % 1000;
            link_timer_set(&at.timers, &at.timer[i], at.due[i]);
        }
        if (next_random(&seed) % 8 == 0) {
            now += next_random(&seed) % 200;
            at.last = 0;
            link_timers_run(&at.timers, now);
            assert_only_later_ones_are_left(now);
        }
    }
    assert_true(at.fired > 100);
    at.last = 0;
    link_timers_run(&at.timers, UINT64_MAX - 1);
    assert_only_later_ones_are_left(UINT64_MAX - 1);
    link_timers_fini(&at.timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_once_and_no_sooner),
    };
    return cmocka_run_group_tests_name("link_timer", tests, NULL, NULL);
}
