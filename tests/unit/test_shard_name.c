/*
 * shard_name: names are the golden ones, open to what they stand for, and to nothing else.
 */
#include "coordinator/shard_name.h"

#include "common/codec.h"
#include "tests/lib/test.h"
#include "tests/lib/test_vector.h"

#include <stdio.h>

enum { GOLDEN = 4 };

static struct shard_place golden_place(int nth)
{
    uint8_t bytes[20];
    char name[32];
    struct shard_place place;
    snprintf(name, sizeof(name), "place%d", nth);
    test_vector_read("shard_name.txt", name, bytes, sizeof(bytes));
    struct reader reader = reader_of(view_of(bytes, sizeof(bytes)));
    reader_bytes(&reader, place.segment, sizeof(place.segment));
    place.slot = reader_u16(&reader);
    place.p = reader_u16(&reader);
    return place;
}

static struct shard_name golden_name(int nth)
{
    struct shard_name shard;
    char name[32];
    snprintf(name, sizeof(name), "id%d", nth);
    test_vector_read("shard_name.txt", name, shard.id, sizeof(shard.id));
    snprintf(name, sizeof(name), "locator%d", nth);
    test_vector_read("shard_name.txt", name, shard.locator, sizeof(shard.locator));
    return shard;
}

static void golden_keys(struct shard_name_keys *keys)
{
    uint8_t master[CRYPTO_KEY_SIZE];
    test_vector_read("shard_name.txt", "master", master, sizeof(master));
    shard_name_keys_init(keys, master);
}

static void names_are_the_golden_ones(void **state)
{
    (void)state;
    struct shard_name_keys keys;
    golden_keys(&keys);
    for (int i = 0; i < GOLDEN; i++) {
        struct shard_place place = golden_place(i);
        struct shard_name expected = golden_name(i);
        struct shard_name name;
        shard_name_make(&keys, &place, &name);
        assert_memory_equal(&name, &expected, sizeof(name));
    }
}

static void a_name_opens_to_the_place_it_was_made_of(void **state)
{
    (void)state;
    struct shard_name_keys keys;
    golden_keys(&keys);
    for (int i = 0; i < GOLDEN; i++) {
        struct shard_place expected = golden_place(i);
        struct shard_name name = golden_name(i);
        struct shard_place place;
        assert_true(shard_name_open(&keys, &name, &place));
        assert_memory_equal(place.segment, expected.segment, sizeof(place.segment));
        assert_int_equal(place.slot, expected.slot);
        assert_int_equal(place.p, expected.p);
    }
}

static void a_name_with_any_bit_changed_does_not_open(void **state)
{
    (void)state;
    struct shard_name_keys keys;
    golden_keys(&keys);
    struct shard_name name = golden_name(1);
    struct shard_place place;
    for (size_t bit = 0; bit < 8 * sizeof(name); bit++) {
        uint8_t *byte = (uint8_t *)&name + bit / 8;
        *byte ^= (uint8_t)(1u << bit % 8);
        assert_false(shard_name_open(&keys, &name, &place));
        *byte ^= (uint8_t)(1u << bit % 8);
    }
}

static void another_master_key_opens_nothing(void **state)
{
    (void)state;
    const uint8_t other[CRYPTO_KEY_SIZE] = {1};
    struct shard_name_keys keys;
    shard_name_keys_init(&keys, other);
    struct shard_name name = golden_name(1);
    struct shard_place place;
    assert_false(shard_name_open(&keys, &name, &place));
    shard_name_keys_fini(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_golden_ones),
        cmocka_unit_test(a_name_opens_to_the_place_it_was_made_of),
        cmocka_unit_test(a_name_with_any_bit_changed_does_not_open),
        cmocka_unit_test(another_master_key_opens_nothing),
    };
    return cmocka_run_group_tests_name("shard_name", tests, NULL, NULL);
}
