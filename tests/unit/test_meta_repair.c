/*
 * meta_repair: rows of the queue come back most urgent first, keep when they were queued, and end.
 */
#include "coordinator/meta/meta_repair.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdlib.h>

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

static struct meta_repair_row row_of(uint8_t number, uint64_t urgency)
{
    return (struct meta_repair_row){
        .segment = {{number}}, .urgency = urgency, .bytes = 100, .queued_ms = 1000 + number};
}

static void save(struct test_meta *meta, struct meta_repair_row row)
{
    assert_ok(meta_repair_save(meta->store, &row, 1, &meta->err), &meta->err);
}

static size_t load(struct test_meta *meta, struct meta_repair_row rows[4], size_t max)
{
    size_t count;
    assert_ok(meta_repair_load(meta->store, rows, max, &count, &meta->err), &meta->err);
    return count;
}

static void the_most_urgent_come_back_first(void **state)
{
    struct test_meta *meta = *state;
    struct meta_repair_row rows[4];
    save(meta, row_of(1, 30));
    save(meta, row_of(2, 10));
    save(meta, row_of(3, 20));
    test_meta_reopen(meta);
    assert_int_equal(load(meta, rows, 4), 3);
    assert_int_equal(rows[0].segment.bytes[0], 2);
    assert_int_equal(rows[1].segment.bytes[0], 3);
    assert_int_equal(rows[0].queued_ms, 1002);
    assert_int_equal(rows[0].bytes, 100);
    assert_int_equal(load(meta, rows, 1), 1);
    assert_int_equal(rows[0].segment.bytes[0], 2);
}

static void who_is_found_again_keeps_its_place_in_time(void **state)
{
    struct test_meta *meta = *state;
    struct meta_repair_row rows[4];
    struct meta_repair_row again = row_of(1, 5);
    again.queued_ms = 9999;
    save(meta, row_of(1, 30));
    save(meta, again);
    assert_int_equal(load(meta, rows, 4), 1);
    assert_int_equal(rows[0].urgency, 5);
    assert_int_equal(rows[0].queued_ms, 1001);
}

static void an_ended_row_is_gone_and_an_unknown_one_no_harm(void **state)
{
    struct test_meta *meta = *state;
    struct meta_repair_row rows[4];
    const struct meta_id ended[] = {{{1}}, {{7}}};
    save(meta, row_of(1, 30));
    save(meta, row_of(2, 30));
    assert_ok(meta_repair_end(meta->store, ended, 2, &meta->err), &meta->err);
    assert_int_equal(load(meta, rows, 4), 1);
    assert_int_equal(rows[0].segment.bytes[0], 2);
}

static void what_was_asked_is_kept(void **state)
{
    struct test_meta *meta = *state;
    uint64_t asked;
    assert_ok(meta_repair_get_asked(meta->store, &asked, &meta->err), &meta->err);
    assert_int_equal(asked, 0);
    assert_ok(meta_repair_set_asked(meta->store, 77, &meta->err), &meta->err);
    test_meta_reopen(meta);
    assert_ok(meta_repair_get_asked(meta->store, &asked, &meta->err), &meta->err);
    assert_int_equal(asked, 77);
    assert_ok(meta_repair_set_asked(meta->store, 0, &meta->err), &meta->err);
    assert_ok(meta_repair_get_asked(meta->store, &asked, &meta->err), &meta->err);
    assert_int_equal(asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(the_most_urgent_come_back_first),
        CASE(who_is_found_again_keeps_its_place_in_time),
        CASE(an_ended_row_is_gone_and_an_unknown_one_no_harm),
        CASE(what_was_asked_is_kept),
#undef CASE
    };
    return cmocka_run_group_tests_name("meta_repair", tests, NULL, NULL);
}
