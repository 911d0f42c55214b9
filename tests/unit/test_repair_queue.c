/*
 * repair_queue: whatever is added in whatever order, what stays are the most endangered, and they
 * come out in that order.  Compared with sorting everything.
 */
#include "coordinator/repair/repair_queue.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

enum { ROUNDS = 300, ADDED_MAX = 200, MAX_MAX = 40, URGENCIES = 12 };

static struct repair_entry entry_of(unsigned number, unsigned urgency)
{
    return (struct repair_entry){
        .segment = {{(uint8_t)number, (uint8_t)(number >> 8)}}, .urgency = urgency};
}

static int compare(const void *a, const void *b)
{
    return (int)*(const unsigned *)a - (int)*(const unsigned *)b;
}

static void try_one_world(struct test_env *env)
{
    struct repair_queue queue;
    unsigned urgencies[ADDED_MAX];
    const size_t max = 1 + env_random_below(&env->env, MAX_MAX);
    const unsigned added = (unsigned)env_random_below(&env->env, ADDED_MAX + 1);
    assert_true(repair_queue_init(&queue, max));
    for (unsigned i = 0; i < added; i++) {
        urgencies[i] = (unsigned)env_random_below(&env->env, URGENCIES);
        repair_queue_add(&queue, entry_of(i, urgencies[i]));
        assert_int_equal(queue.count, i + 1 < max ? i + 1 : max);
    }

    repair_queue_sort(&queue);
    bool seen[ADDED_MAX] = {false};
    for (size_t i = 0; i < queue.count; i++) {
        const uint8_t *bytes = queue.entries[i].segment.bytes;
        unsigned number = bytes[0] | (unsigned)bytes[1] << 8;
        assert_false(seen[number]);
        seen[number] = true;
        assert_int_equal(queue.entries[i].urgency, urgencies[number]);
    }
    qsort(urgencies, added, sizeof(urgencies[0]), compare);
    for (size_t i = 0; i < queue.count; i++) {
        assert_int_equal(queue.entries[i].urgency, urgencies[i]);
    }
    repair_queue_fini(&queue);
}

static void the_most_endangered_stay_and_go_first(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 4711);
    for (unsigned i = 0; i < ROUNDS; i++) {
        try_one_world(&env);
    }
}

static void a_cleared_queue_takes_as_many_again(void **state)
{
    (void)state;
    struct repair_queue queue;
    assert_true(repair_queue_init(&queue, 2));
    repair_queue_add(&queue, entry_of(1, 5));
    repair_queue_add(&queue, entry_of(2, 0));
    repair_queue_sort(&queue);
    repair_queue_clear(&queue);
    assert_int_equal(queue.count, 0);
    repair_queue_add(&queue, entry_of(3, 9));
    repair_queue_add(&queue, entry_of(4, 8));
    repair_queue_add(&queue, entry_of(5, 7));
    repair_queue_sort(&queue);
    assert_int_equal(queue.count, 2);
    assert_int_equal(queue.entries[0].urgency, 7);
    assert_int_equal(queue.entries[1].urgency, 8);
    repair_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_endangered_stay_and_go_first),
        cmocka_unit_test(a_cleared_queue_takes_as_many_again),
    };
    return cmocka_run_group_tests_name("repair_queue", tests, NULL, NULL);
}
