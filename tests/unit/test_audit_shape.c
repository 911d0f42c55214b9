/*
 * audit_shape: challenges ask for runs of stripes as readers do, as often, and for the drawn cell.
 */
#include "coordinator/audit/audit_shape.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

enum { STRIPES = 64, DRAWS = 20000 };

static bool holds(struct audit_run run, uint32_t stripe)
{
    return run.first <= stripe && stripe < run.first + run.count &&
        run.first + run.count <= STRIPES;
}

static void without_readers_the_whole_shard_is_read(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 1);
    struct audit_shapes *shapes = audit_shapes_create(&env.env);
    const struct audit_run run = audit_shapes_draw(shapes, 5, STRIPES);
    assert_int_equal(run.first, 0);
    assert_int_equal(run.count, STRIPES);
    audit_shapes_destroy(shapes);
}

/* Half of the readers take all, a quarter the beginning, a quarter three stripes of the middle. */
static void runs_are_those_of_readers_as_often_and_hold_the_cell(void **state)
{
    (void)state;
    struct test_env env;
    unsigned whole = 0;
    unsigned middle = 0;
    test_env_init(&env, 2);
    struct audit_shapes *shapes = audit_shapes_create(&env.env);
    for (unsigned i = 0; i < 4 * AUDIT_SHAPES_MAX; i++) {
        const struct audit_run runs[] = {
            {0, STRIPES}, {0, STRIPES}, {0, 8}, {(uint32_t)env_random_below(&env.env, 60) + 1, 3}};
        audit_shapes_note(shapes, runs[i % 4], STRIPES);
    }
    for (unsigned i = 0; i < DRAWS; i++) {
        uint32_t stripe = (uint32_t)env_random_below(&env.env, STRIPES);
        const struct audit_run run = audit_shapes_draw(shapes, stripe, STRIPES);
        assert_true(run.count == 8 ? run.first == 0 : holds(run, stripe));
        assert_true(run.count == STRIPES || run.count == 8 || run.count == 3);
        whole += run.count == STRIPES;
        middle += run.count == 3;
    }
    assert_in_range(whole, DRAWS * 0.40, DRAWS * 0.60);
    assert_in_range(middle, DRAWS * 0.17, DRAWS * 0.33);
    audit_shapes_destroy(shapes);
}

/* Or else a node could throw away what comes after it. */
static void where_only_beginnings_are_read_the_rest_is_asked_for_all_the_same(void **state)
{
    (void)state;
    struct test_env env;
    unsigned whole = 0;
    test_env_init(&env, 4);
    struct audit_shapes *shapes = audit_shapes_create(&env.env);
    for (unsigned i = 0; i < 4 * AUDIT_SHAPES_MAX; i++) {
        audit_shapes_note(shapes, (struct audit_run){.first = 0, .count = 8}, STRIPES);
    }
    for (unsigned i = 0; i < DRAWS; i++) {
        whole += audit_shapes_draw(shapes, STRIPES - 1, STRIPES).count == STRIPES;
    }
    assert_in_range(whole, DRAWS * 0.11, DRAWS * 0.14);
    audit_shapes_destroy(shapes);
}

static void a_run_longer_than_the_shard_is_all_of_it(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 3);
    struct audit_shapes *shapes = audit_shapes_create(&env.env);
    audit_shapes_note(shapes, (struct audit_run){10, 20}, STRIPES);
    for (uint32_t stripe = 0; stripe < 7; stripe++) {
        const struct audit_run run = audit_shapes_draw(shapes, stripe, 7);
        assert_int_equal(run.first, 0);
        assert_int_equal(run.count, 7);
    }
    audit_shapes_destroy(shapes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_readers_the_whole_shard_is_read),
        cmocka_unit_test(where_only_beginnings_are_read_the_rest_is_asked_for_all_the_same),
        cmocka_unit_test(runs_are_those_of_readers_as_often_and_hold_the_cell),
        cmocka_unit_test(a_run_longer_than_the_shard_is_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
