/*
 * meta_health: why a node is lost survives, and it comes back as what it was.
 */
#include "coordinator/meta/meta_health.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdlib.h>

enum { NODES = META_PRESENCE_MAX + 10 };

static int set_up(void **state)
{
    struct test_meta *meta = calloc(1, sizeof(*meta));
    test_meta_init(meta, 1, NODES);
    *state = meta;
    return 0;
}

static int tear_down(void **state)
{
    test_meta_fini(*state);
    free(*state);
    return 0;
}

static struct meta_health health_of(struct test_meta *meta, uint32_t number)
{
    struct meta_health_list list;
    assert_ok(meta_health_list(meta->store, &meta->arena, &list, &meta->err), &meta->err);
    for (size_t i = 0; i < list.count; i++) {
        if (list.rows[i].number == number) {
            return list.rows[i];
        }
    }
    return (struct meta_health){.number = number};
}

static enum meta_node_state state_of(struct test_meta *meta, uint32_t number)
{
    struct meta_node_list list;
    assert_ok(meta_node_list(meta->store, &meta->arena, &list, &meta->err), &meta->err);
    return list.nodes[number - 1].state;
}

static void lose(struct test_meta *meta, uint32_t number, enum meta_fence fence)
{
    assert_ok(meta_health_lost(meta->store, number, fence, &meta->err), &meta->err);
}

static void find(struct test_meta *meta, uint32_t number)
{
    assert_ok(meta_health_found(meta->store, number, &meta->err), &meta->err);
}

static void a_lost_node_has_a_reason_and_a_loss(void **state)
{
    struct test_meta *meta = *state;
    lose(meta, 2, META_FENCE_OTHER_DISK);
    test_meta_reopen(meta);
    assert_int_equal(state_of(meta, 2), META_NODE_LOST);
    assert_int_equal(health_of(meta, 2).fence, META_FENCE_OTHER_DISK);
    assert_int_equal(health_of(meta, 2).fenced_ms, meta_now_ms(meta->store));
    assert_int_equal(health_of(meta, 2).losses, 1);
    assert_int_equal(health_of(meta, 1).losses, 0);
}

static void who_is_lost_already_is_not_lost_twice(void **state)
{
    struct test_meta *meta = *state;
    lose(meta, 2, META_FENCE_OTHER_DISK);
    lose(meta, 2, META_FENCE_TWO_AT_ONCE);
    assert_int_equal(health_of(meta, 2).fence, META_FENCE_TWO_AT_ONCE);
    assert_int_equal(health_of(meta, 2).losses, 1);
}

/* A suspended node must not wash itself by coming back with another disk first. */
static void it_comes_back_as_what_it_was(void **state)
{
    struct test_meta *meta = *state;
    static const enum meta_node_state before[] = {
        META_NODE_ACTIVE, META_NODE_DRAINING, META_NODE_SUSPENDED};
    for (uint32_t i = 0; i < 3; i++) {
        assert_ok(meta_node_set_state(meta->store, i + 1, before[i], &meta->err), &meta->err);
        lose(meta, i + 1, META_FENCE_OLDER_COPY);
        lose(meta, i + 1, META_FENCE_OTHER_DISK);
        find(meta, i + 1);
        assert_int_equal(state_of(meta, i + 1), before[i]);
        assert_int_equal(health_of(meta, i + 1).fence, META_FENCE_NONE);
        assert_int_equal(health_of(meta, i + 1).losses, 0);
    }
}

static void who_was_not_lost_is_left_as_it_is(void **state)
{
    struct test_meta *meta = *state;
    assert_ok(meta_node_set_state(meta->store, 3, META_NODE_SUSPENDED, &meta->err), &meta->err);
    find(meta, 3);
    assert_int_equal(state_of(meta, 3), META_NODE_SUSPENDED);
}

static void nobody_and_the_gone_are_refused(void **state)
{
    struct test_meta *meta = *state;
    assert_int_equal(
        meta_health_lost(meta->store, NODES + 1, META_FENCE_NONE, &meta->err), HEARTH_NOT_FOUND);
    assert_int_equal(meta_health_found(meta->store, NODES + 1, &meta->err), HEARTH_NOT_FOUND);
    assert_ok(meta_node_set_state(meta->store, 1, META_NODE_GONE, &meta->err), &meta->err);
    assert_int_equal(meta_health_lost(meta->store, 1, META_FENCE_NONE, &meta->err), HEARTH_DENIED);
    find(meta, 1);
    assert_int_equal(state_of(meta, 1), META_NODE_GONE);
}

static void put(struct test_meta *meta, uint32_t first, size_t count, uint8_t byte)
{
    struct meta_presence rows[META_PRESENCE_MAX];
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct meta_presence){
            .number = first + (uint32_t)i, .bytes = view_of(&byte, sizeof(byte))};
    }
    assert_ok(meta_presence_put(meta->store, rows, count, &meta->err), &meta->err);
}

static void patterns_come_back_a_page_at_a_time(void **state)
{
    struct test_meta *meta = *state;
    struct meta_presence rows[META_PRESENCE_MAX];
    size_t count;
    put(meta, 1, META_PRESENCE_MAX, 'a');
    put(meta, META_PRESENCE_MAX + 1, NODES - META_PRESENCE_MAX, 'b');
    assert_ok(
        meta_presence_next(meta->store, 0, &meta->arena, rows, &count, &meta->err), &meta->err);
    assert_int_equal(count, META_PRESENCE_MAX);
    assert_true(view_equal(rows[0].bytes, view_text("a")));
    assert_ok(meta_presence_next(
                  meta->store, rows[count - 1].number, &meta->arena, rows, &count, &meta->err),
        &meta->err);
    assert_int_equal(count, NODES - META_PRESENCE_MAX);
    assert_int_equal(rows[count - 1].number, NODES);
    assert_true(view_equal(rows[0].bytes, view_text("b")));
}

static void a_pattern_leaves_a_loss_alone(void **state)
{
    struct test_meta *meta = *state;
    lose(meta, 1, META_FENCE_TWO_AT_ONCE);
    put(meta, 1, 1, 'a');
    assert_int_equal(health_of(meta, 1).fence, META_FENCE_TWO_AT_ONCE);
    find(meta, 1);
    struct meta_presence rows[META_PRESENCE_MAX];
    size_t count;
    assert_ok(
        meta_presence_next(meta->store, 0, &meta->arena, rows, &count, &meta->err), &meta->err);
    assert_int_equal(count, 1);
    assert_true(view_equal(rows[0].bytes, view_text("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_lost_node_has_a_reason_and_a_loss),
        CASE(who_is_lost_already_is_not_lost_twice),
        CASE(it_comes_back_as_what_it_was),
        CASE(who_was_not_lost_is_left_as_it_is),
        CASE(nobody_and_the_gone_are_refused),
        CASE(patterns_come_back_a_page_at_a_time),
        CASE(a_pattern_leaves_a_loss_alone),
#undef CASE
    };
    return cmocka_run_group_tests_name("meta_health", tests, NULL, NULL);
}
