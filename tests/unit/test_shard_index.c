/*
 * shard_index: what is inserted is found, whatever collides and however it grows, in 20 bytes each.
 */
#include "storaged/shard_index.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

struct world {
    struct test_env env;
    struct shard_index *index;
};

static int setup(void **state)
{
    struct hearth_err err;
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    test_env_init(&world->env, 5);
    assert_ok(shard_index_create(&world->index, &err), &err);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    shard_index_destroy(world->index);
    free(world);
    return 0;
}

/* The i-th of many ids that look random. */
static struct shard_id id_of(uint64_t i)
{
    struct test_env chance;
    struct shard_id id;
    test_env_init(&chance, i);
    env_random(&chance.env, id.bytes, sizeof(id.bytes));
    return id;
}

static struct shard_location location_of(uint64_t i)
{
    return (struct shard_location){.state = SHARD_LIVE,
        .log = (uint32_t)(i * 7919 % SHARD_INDEX_LOG_MAX),
        .offset = i * 64,
        .size = (i % 1000 + 1) * 64};
}

static void insert(struct world *world, const struct shard_id *id, struct shard_location location)
{
    struct hearth_err err;
    assert_ok(shard_index_insert(world->index, id, &location, &err), &err);
}

static void assert_same_place(struct shard_location a, struct shard_location b)
{
    assert_int_equal(a.state, b.state);
    assert_int_equal(a.log, b.log);
    assert_int_equal(a.offset, b.offset);
    assert_int_equal(a.size, b.size);
}

static void insert_many(struct world *world, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct shard_id id = id_of(i);
        insert(world, &id, location_of(i));
    }
}

static void assert_all_found(const struct shard_index *index, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct shard_id id = id_of(i);
        struct shard_probe probe = {0};
        struct shard_location found;
        assert_true(shard_index_next(index, &id, &probe, &found));
        assert_same_place(found, location_of(i));
        assert_false(shard_index_next(index, &id, &probe, &found));
    }
}

static void what_was_inserted_is_found_after_all_growth(void **state)
{
    struct world *world = *state;
    insert_many(world, 20000);
    assert_all_found(world->index, 20000);
    struct shard_id stranger = id_of(20001);
    struct shard_probe probe = {0};
    struct shard_location found;
    assert_false(shard_index_next(world->index, &stranger, &probe, &found));
    assert_int_equal(shard_index_totals(world->index)->count[SHARD_LIVE], 20000);
    assert_int_equal(shard_index_totals(world->index)->bytes[SHARD_LIVE], 20 * 500500 * 64);
}

/* However much is pushed aside, a search never stops at what was taken out. */
static void what_is_removed_is_gone_and_nothing_else(void **state)
{
    struct world *world = *state;
    insert_many(world, 20000);
    for (uint64_t i = 0; i < 20000; i += 3) {
        struct shard_id id = id_of(i);
        struct shard_location location = location_of(i);
        shard_index_remove(world->index, &id, &location);
    }
    for (uint64_t i = 0; i < 20000; i++) {
        struct shard_id id = id_of(i);
        struct shard_probe probe = {0};
        struct shard_location found;
        assert_int_equal(shard_index_next(world->index, &id, &probe, &found), i % 3 != 0);
    }
    assert_int_equal(shard_index_totals(world->index)->count[SHARD_LIVE], 20000 - 6667);
}

static void a_walk_over_one_log_meets_its_entries_only(void **state)
{
    struct world *world = *state;
    uint64_t cursor = 0;
    unsigned met = 0;
    unsigned inserted = 0;
    unsigned count;
    for (uint64_t i = 0; i < 3000; i++) {
        struct shard_id id = id_of(i);
        struct shard_location location = location_of(i);
        location.log = 1 + (uint32_t)(i % 7);
        insert(world, &id, location);
        inserted += location.log == 3;
    }
    struct shard_index_item page[16];
    while ((count = shard_index_walk_log(world->index, 3, &cursor, page, 16)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(page[i].location.log, 3);
            assert_true(shard_index_has_item(world->index, &page[i]));
            assert_true(shard_index_remove_item(world->index, &page[i]));
            assert_false(shard_index_has_item(world->index, &page[i]));
        }
        met += count;
    }
    assert_int_equal(met, inserted);
    assert_int_equal(shard_index_totals(world->index)->count[SHARD_LIVE], 3000 - met);
}

static void age(void *context, struct shard_location *location)
{
    unsigned *visited = context;
    (*visited)++;
    location->day = (uint8_t)(location->log % 16);
}

static void a_visit_meets_everything_once_and_may_date_it(void **state)
{
    struct world *world = *state;
    unsigned visited = 0;
    insert_many(world, 2000);
    shard_index_visit(world->index, age, &visited);
    assert_int_equal(visited, 2000);
    for (uint64_t i = 0; i < 2000; i++) {
        struct shard_id id = id_of(i);
        struct shard_probe probe = {0};
        struct shard_location found;
        assert_true(shard_index_next(world->index, &id, &probe, &found));
        assert_same_place(found, location_of(i));
        assert_int_equal(found.day, found.log % 16);
    }
}

static void the_largest_numbers_fit(void **state)
{
    struct world *world = *state;
    struct shard_id id = id_of(1);
    struct shard_location largest = {.state = SHARD_BARRED,
        .log = SHARD_INDEX_LOG_MAX,
        .offset = SHARD_INDEX_OFFSET_MAX,
        .size = SHARD_INDEX_SIZE_MAX};
    insert(world, &id, largest);
    struct shard_probe probe = {0};
    struct shard_location found;
    assert_true(shard_index_next(world->index, &id, &probe, &found));
    assert_same_place(found, largest);
}

static void ids_alike_in_56_bits_are_all_candidates(void **state)
{
    struct world *world = *state;
    struct shard_id id = id_of(1);
    for (unsigned i = 0; i < 5; i++) {
        id.bytes[15] = (uint8_t)i;
        insert(world, &id, location_of(i));
    }
    struct shard_probe probe = {0};
    struct shard_location found;
    unsigned seen = 0;
    while (shard_index_next(world->index, &id, &probe, &found)) {
        seen |= 1u << found.offset / 64;
    }
    assert_int_equal(seen, 31);
    assert_true(shard_index_find_at(world->index, &id, location_of(3).log, 3 * 64, &found));
    assert_false(shard_index_find_at(world->index, &id, location_of(3).log, 4 * 64, &found));
}

static void an_update_changes_the_entry_it_names_and_the_totals(void **state)
{
    struct world *world = *state;
    struct shard_id id = id_of(1);
    insert(world, &id, location_of(1));
    insert(world, &id, location_of(2));
    struct shard_location before = location_of(2);
    struct shard_location after = before;
    after.state = SHARD_TRASHED;
    after.log = 3;
    shard_index_update(world->index, &id, &before, &after);
    struct shard_location found;
    assert_true(shard_index_find_at(world->index, &id, 3, before.offset, &found));
    assert_same_place(found, after);
    const struct shard_totals *totals = shard_index_totals(world->index);
    assert_int_equal(totals->count[SHARD_LIVE], 1);
    assert_int_equal(totals->count[SHARD_TRASHED], 1);
    assert_int_equal(totals->bytes[SHARD_TRASHED], after.size);
}

static void a_walk_meets_each_entry_once_in_the_order_of_ids(void **state)
{
    enum { COUNT = 3000, PAGE = 7 };
    struct world *world = *state;
    insert_many(world, COUNT);
    struct shard_id twin = id_of(5);
    twin.bytes[15] ^= 1;
    insert(world, &twin, location_of(COUNT));

    static bool met[COUNT + 1];
    struct shard_index_item page[PAGE];
    uint64_t cursor = 0;
    uint64_t last_key = 0;
    unsigned total = 0;
    unsigned count;
    while ((count = shard_index_walk(world->index, &cursor, page, PAGE)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            assert_true(page[i].key >= last_key);
            last_key = page[i].key;
            uint64_t which = page[i].location.offset / 64;
            assert_false(met[which]);
            met[which] = true;
        }
        total += count;
    }
    assert_int_equal(total, COUNT + 1);
    assert_true(cursor == UINT64_MAX);
}

static void partitions_survive_being_encoded(void **state)
{
    struct world *world = *state;
    struct hearth_err err;
    insert_many(world, 5000);
    struct shard_index *copy;
    assert_ok(shard_index_create(&copy, &err), &err);
    for (unsigned i = 0; i < SHARD_INDEX_PARTITIONS; i++) {
        static uint8_t bytes[16 * 1024];
        uint32_t count = shard_index_partition_count(world->index, i);
        shard_index_partition_encode(world->index, i, bytes);
        assert_ok(shard_index_partition_decode(copy, i, view_of(bytes, count * 16), &err), &err);
    }
    assert_all_found(copy, 5000);
    assert_int_equal(shard_index_totals(copy)->bytes[SHARD_LIVE],
        shard_index_totals(world->index)->bytes[SHARD_LIVE]);
    uint8_t nothing[16] = {0};
    assert_int_equal(
        shard_index_partition_decode(copy, 0, view_of(nothing, 16), &err), HEARTH_CHECKSUM);
    shard_index_destroy(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_inserted_is_found_after_all_growth, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_numbers_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_removed_is_gone_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_walk_over_one_log_meets_its_entries_only, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_visit_meets_everything_once_and_may_date_it, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_alike_in_56_bits_are_all_candidates, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_update_changes_the_entry_it_names_and_the_totals, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_walk_meets_each_entry_once_in_the_order_of_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(partitions_survive_being_encoded, setup, teardown),
    };
    return cmocka_run_group_tests_name("shard_index", tests, NULL, NULL);
}
