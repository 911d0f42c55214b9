/*
 * meta_sweep: passes are numbered, what was noted survives, and a range has one reader at a time.
 */
#include "coordinator/meta/meta_sweep.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdlib.h>

enum { LEASE_MS = 60000 };

static const struct meta_id ANN = {{1}};
static const struct meta_id BOB = {{2}};

static int set_up(void **state)
{
    struct test_meta *meta = calloc(1, sizeof(*meta));
    test_meta_init(meta, 1, 1);
    *state = meta;
    return 0;
}

static int tear_down(void **state)
{
    test_meta_fini(*state);
    free(*state);
    return 0;
}

static struct meta_sweep_pass begin(struct test_meta *meta, struct meta_id holder)
{
    struct meta_sweep_pass pass;
    assert_ok(meta_sweep_begin(meta->store, holder, LEASE_MS, &pass, &meta->err), &meta->err);
    return pass;
}

static void finish(struct test_meta *meta, struct meta_id holder, struct meta_sweep_pass *pass)
{
    for (unsigned i = 0; i < pass->range_count; i++) {
        pass->ranges[i].is_done = true;
    }
    assert_ok(meta_sweep_note(meta->store, holder, LEASE_MS, pass, &meta->err), &meta->err);
}

static void ranges_join_without_a_gap(void **state)
{
    struct meta_sweep_pass pass = begin(*state, ANN);
    assert_int_equal(pass.range_count, META_SWEEP_RANGES);
    assert_true(meta_id_is_zero(pass.ranges[0].after));
    for (unsigned i = 1; i < pass.range_count; i++) {
        assert_true(meta_id_equal(pass.ranges[i].after, meta_sweep_last(i - 1)));
    }
    struct meta_id last;
    memset(last.bytes, 0xff, sizeof(last.bytes));
    assert_true(meta_id_equal(meta_sweep_last(META_SWEEP_RANGES - 1), last));
}

static void a_pass_follows_when_all_of_one_is_done(void **state)
{
    struct test_meta *meta = *state;
    uint64_t number;
    assert_ok(meta_sweep_number(meta->store, &number, &meta->err), &meta->err);
    assert_int_equal(number, 0);
    for (unsigned i = 1; i <= 3; i++) {
        test_env_step_ms(&meta->env, 1000);
        struct meta_sweep_pass pass = begin(meta, ANN);
        assert_int_equal(pass.number, i);
        assert_int_equal(pass.started_ms, meta_now_ms(meta->store));
        assert_false(pass.is_resumed);
        finish(meta, ANN, &pass);
        assert_ok(meta_sweep_number(meta->store, &number, &meta->err), &meta->err);
        assert_int_equal(number, i);
    }
}

static void a_new_process_goes_on_where_the_old_one_was(void **state)
{
    struct test_meta *meta = *state;
    const struct meta_id middle = {{0x1f, 7}};
    struct meta_sweep_pass pass = begin(meta, ANN);
    pass.ranges[0].is_done = true;
    pass.ranges[1].after = middle;
    assert_ok(meta_sweep_note(meta->store, ANN, LEASE_MS, &pass, &meta->err), &meta->err);

    test_meta_reopen(meta);
    test_env_step_ms(&meta->env, LEASE_MS);
    const struct meta_sweep_pass next = begin(meta, BOB);
    assert_int_equal(next.number, 1);
    assert_int_equal(next.started_ms, pass.started_ms);
    assert_true(next.is_resumed);
    assert_int_equal(next.range_count, META_SWEEP_RANGES - 1);
    assert_true(meta_id_equal(next.ranges[0].after, middle));
}

static void a_pass_of_which_nothing_was_read_is_not_resumed(void **state)
{
    struct test_meta *meta = *state;
    begin(meta, ANN);
    test_env_step_ms(&meta->env, LEASE_MS);
    const struct meta_sweep_pass again = begin(meta, BOB);
    assert_int_equal(again.number, 1);
    assert_false(again.is_resumed);
}

static void what_is_leased_is_nobody_elses_until_the_lease_is_over(void **state)
{
    struct test_meta *meta = *state;
    struct meta_sweep_pass pass = begin(meta, ANN);
    struct meta_sweep_pass other;
    test_env_step_ms(&meta->env, LEASE_MS - 1);
    assert_int_equal(meta_sweep_begin(meta->store, BOB, LEASE_MS, &other, &meta->err), HEARTH_BUSY);
    test_env_step_ms(&meta->env, 1);
    other = begin(meta, BOB);

    pass.ranges[0].is_done = true;
    assert_int_equal(
        meta_sweep_note(meta->store, ANN, LEASE_MS, &pass, &meta->err), HEARTH_CONFLICT);
    finish(meta, BOB, &other);
    assert_int_equal(begin(meta, ANN).number, 2);
}

/* The directory has one process at a time: whoever opens it need not wait for the dead. */
static void a_lease_ends_with_the_process_that_had_it(void **state)
{
    struct test_meta *meta = *state;
    begin(meta, ANN);
    test_meta_reopen(meta);
    assert_int_equal(begin(meta, BOB).number, 1);
}

static void who_comes_back_after_the_pass_was_done_by_another_changes_nothing(void **state)
{
    struct test_meta *meta = *state;
    struct meta_sweep_pass late = begin(meta, ANN);
    test_env_step_ms(&meta->env, LEASE_MS);
    struct meta_sweep_pass other = begin(meta, BOB);
    finish(meta, BOB, &other);
    begin(meta, ANN); /* the next pass is its own, but it is late with the first */
    assert_int_equal(
        meta_sweep_note(meta->store, ANN, LEASE_MS, &late, &meta->err), HEARTH_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(ranges_join_without_a_gap),
        CASE(a_pass_follows_when_all_of_one_is_done),
        CASE(a_new_process_goes_on_where_the_old_one_was),
        CASE(a_pass_of_which_nothing_was_read_is_not_resumed),
        CASE(what_is_leased_is_nobody_elses_until_the_lease_is_over),
        CASE(a_lease_ends_with_the_process_that_had_it),
        CASE(who_comes_back_after_the_pass_was_done_by_another_changes_nothing),
#undef CASE
    };
    return cmocka_run_group_tests_name("meta_sweep", tests, NULL, NULL);
}
