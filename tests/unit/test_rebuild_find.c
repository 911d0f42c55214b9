/*
 * rebuild_find, fsck_table: of what nodes list, shards of shipments are found, newest first, and
 * nothing that nobody with our keys named; every shard is found again by node and name.
 */
#include "coordinator/rescue/fsck_table.h"
#include "coordinator/rescue/rebuild_find.h"

#include "tests/lib/test.h"

#include <stdlib.h>

struct fixture {
    struct shard_name_keys names;
    struct shipment_keys keys;
    struct rebuild_found found;
    struct hearth_err err;
};

static int set_up(void **state)
{
    static const uint8_t master[CRYPTO_KEY_SIZE] = {1};
    struct fixture *at = calloc(1, sizeof(*at));
    shard_name_keys_init(&at->names, master);
    shipment_keys_init(&at->keys, master);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    rebuild_found_fini(&at->found);
    free(at);
    return 0;
}

static struct shipment_name name_of(uint64_t number, uint16_t part)
{
    return (struct shipment_name){.number = number, .part = part, .k = 4, .n = 8, .salt = 5};
}

/* What a node would list of a shard. */
static struct shard_name shard_of(
    struct fixture *at, const struct shipment_name *name, uint16_t slot, uint16_t p)
{
    struct shard_place place = {.slot = slot, .p = p};
    struct shard_name shard;
    shipment_name_make(&at->keys, name, place.segment);
    shard_name_make(&at->names, &place, &shard);
    return shard;
}

static void add(struct fixture *at, uint32_t node, const struct shard_name *shard, uint32_t state)
{
    const struct wire_shard_entry entry = {.shard_id = view_of(shard->id, sizeof(shard->id)),
        .locator = view_of(shard->locator, sizeof(shard->locator)),
        .length = 1000,
        .state = state};
    assert_ok(
        rebuild_found_add(&at->found, &at->names, &at->keys, node, &entry, &at->err), &at->err);
}

static void shipments_are_found_newest_first(void **state)
{
    struct fixture *at = *state;
    for (uint64_t number = 10; number < 13; number++) {
        for (uint16_t part = 0; part < 2; part++) {
            struct shipment_name name = name_of(number, part);
            for (uint16_t slot = 0; slot < 8; slot++) {
                struct shard_name shard = shard_of(at, &name, slot, 1);
                add(at, slot, &shard, WIRE_SHARD_LIVE);
            }
        }
    }
    rebuild_found_sort(&at->found);
    struct rebuild_run newest = rebuild_before(&at->found, UINT64_MAX);
    assert_int_equal(newest.count, 16);
    assert_int_equal(newest.shards[0].name.number, 12);
    struct rebuild_run part = rebuild_part(&newest, 1);
    assert_int_equal(part.count, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(part.shards[i].slot, i);
        assert_int_equal(part.shards[i].node, i);
    }
    assert_int_equal(rebuild_before(&at->found, 12).shards[0].name.number, 11);
    assert_int_equal(rebuild_numbered(&at->found, 10).count, 16);
    assert_int_equal(rebuild_numbered(&at->found, 9).count, 0);
    assert_int_equal(rebuild_before(&at->found, 10).count, 0);
    assert_int_equal(rebuild_part(&newest, 2).count, 0);
}

/* A live shard before one in the trash, and of two placements the newer one. */
static void the_better_of_two_shards_of_a_slot_comes_first(void **state)
{
    struct fixture *at = *state;
    struct shipment_name name = name_of(10, 0);
    struct shard_name trashed = shard_of(at, &name, 3, 3);
    struct shard_name old = shard_of(at, &name, 3, 1);
    struct shard_name newer = shard_of(at, &name, 3, 2);
    add(at, 0, &trashed, WIRE_SHARD_TRASH);
    add(at, 1, &old, WIRE_SHARD_LIVE);
    add(at, 2, &newer, WIRE_SHARD_LIVE);
    rebuild_found_sort(&at->found);
    assert_int_equal(at->found.shards[0].node, 2);
    assert_int_equal(at->found.shards[1].node, 1);
    assert_int_equal(at->found.shards[2].node, 0);
}

static void what_nobody_with_our_keys_named_is_passed_over(void **state)
{
    struct fixture *at = *state;
    struct shipment_name name = name_of(10, 0);
    struct shard_name shard = shard_of(at, &name, 0, 1);
    struct shard_name other = shard_of(at, &name, 1, 1);
    struct shard_name mixed = shard;
    memcpy(mixed.locator, other.locator, sizeof(mixed.locator));
    add(at, 0, &mixed, WIRE_SHARD_LIVE); /* the locator of another */
    for (unsigned bit = 0; bit < 8 * SHARD_LOCATOR_SIZE; bit++) {
        struct shard_name flipped = shard;
        flipped.locator[bit / 8] ^= (uint8_t)(1u << bit % 8);
        add(at, 0, &flipped, WIRE_SHARD_LIVE);
    }
    const struct shard_place customers = {.segment = {1, 2, 3}, .slot = 0, .p = 1};
    shard_name_make(&at->names, &customers, &mixed);
    add(at, 0, &mixed, WIRE_SHARD_LIVE); /* a customer's segment */
    struct shard_name beyond = shard_of(at, &name, 8, 1);
    add(at, 0, &beyond, WIRE_SHARD_LIVE); /* a slot that the code has not */
    assert_int_equal(at->found.count, 0);
    add(at, 0, &shard, WIRE_SHARD_LIVE);
    assert_int_equal(at->found.count, 1);
}

static void every_listed_shard_is_found_again_at_its_node_alone(void **state)
{
    struct fixture *at = *state;
    struct fsck_table table = {.entries = NULL};
    struct shipment_name name = name_of(10, 0);
    for (uint32_t node = 5; node > 0; node--) {
        for (uint16_t slot = 0; slot < 8; slot++) {
            struct shard_name shard = shard_of(at, &name, slot, (uint16_t)node);
            const struct wire_shard_entry entry = {.shard_id = view_of(shard.id, sizeof(shard.id)),
                .locator = view_of(shard.locator, sizeof(shard.locator)),
                .length = 100 * node + slot,
                .state = WIRE_SHARD_LIVE};
            assert_ok(fsck_table_add(&table, node, &entry, &at->err), &at->err);
        }
    }
    fsck_table_sort(&table);
    for (uint32_t node = 1; node <= 5; node++) {
        for (uint16_t slot = 0; slot < 8; slot++) {
            struct shard_name shard = shard_of(at, &name, slot, (uint16_t)node);
            struct fsck_entry *entry = fsck_table_find(&table, node, shard.id);
            assert_non_null(entry);
            assert_int_equal(entry->length, 100 * node + slot);
            assert_null(fsck_table_find(&table, node % 5 + 1, shard.id));
        }
    }
    fsck_table_fini(&table);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(shipments_are_found_newest_first),
        claim(the_better_of_two_shards_of_a_slot_comes_first),
        claim(what_nobody_with_our_keys_named_is_passed_over),
        claim(every_listed_shard_is_found_again_at_its_node_alone),
    };
    return cmocka_run_group_tests_name("rebuild_find", tests, NULL, NULL);
}
