/*
 * shipment_name, shipment_head: an id opens to the shipment it was made of and to nothing else; the
 * length of a shard tells that of the plaintext; a head is believed only when it makes sense.
 */
#include "coordinator/rescue/shipment_head.h"
#include "coordinator/rescue/shipment_name.h"

#include "common/codec.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

static void make_keys(struct shipment_keys *keys, uint8_t first)
{
    uint8_t master[CRYPTO_KEY_SIZE] = {first};
    shipment_keys_init(keys, master);
}

static const struct shipment_name example = {.number = UINT64_C(0x0123456789ab),
    .part = 258,
    .k = 16,
    .n = 40,
    .salt = 0x00c0ffee & 0xffffff};

static void an_id_opens_to_the_shipment_it_was_made_of(void **state)
{
    (void)state;
    struct shipment_keys keys;
    struct shipment_name name;
    uint8_t id[SEGMENT_ID_SIZE];
    make_keys(&keys, 1);
    shipment_name_make(&keys, &example, id);
    assert_true(shipment_name_open(&keys, id, &name));
    assert_int_equal(name.number, example.number);
    assert_int_equal(name.part, example.part);
    assert_int_equal(name.k, example.k);
    assert_int_equal(name.n, example.n);
    assert_int_equal(name.salt, example.salt);
}

/* Written once: what is on nodes is found with these for ever. */
static void the_golden_id_is_still_made(void **state)
{
    (void)state;
    struct shipment_keys keys;
    struct verify_key vk;
    uint8_t id[SEGMENT_ID_SIZE];
    char text[2 * CRYPTO_KEY_SIZE + 1];
    make_keys(&keys, 1);
    shipment_name_make(&keys, &example, id);
    hex_encode(id, sizeof(id), text);
    assert_string_equal(text, "effde949eaa65d274c2c4b606ea12211");
    shipment_verify_key(&keys, id, &vk);
    hex_encode(vk.bytes, sizeof(vk.bytes), text);
    assert_string_equal(text, "fe54f56a426a3d572e4e5d548b75e15102b2565baba1114d5c5832d8d0666485");
}

static void an_id_by_chance_or_of_another_cluster_is_none(void **state)
{
    (void)state;
    struct shipment_keys keys;
    struct shipment_keys others;
    struct shipment_name name;
    struct test_env env;
    uint8_t id[SEGMENT_ID_SIZE];
    make_keys(&keys, 1);
    make_keys(&others, 2);
    test_env_init(&env, 1);
    shipment_name_make(&keys, &example, id);
    assert_false(shipment_name_open(&others, id, &name));
    for (int i = 0; i < 10000; i++) {
        env_random(&env.env, id, sizeof(id));
        assert_false(shipment_name_open(&keys, id, &name));
    }
}

static void each_part_and_each_salt_has_another_key_for_tags(void **state)
{
    (void)state;
    struct shipment_keys keys;
    struct verify_key vk[3];
    uint8_t id[SEGMENT_ID_SIZE];
    make_keys(&keys, 1);
    for (unsigned i = 0; i < 3; i++) {
        struct shipment_name name = example;
        name.part = (uint16_t)(name.part + (i == 1));
        name.salt += i == 2;
        shipment_name_make(&keys, &name, id);
        shipment_verify_key(&keys, id, &vk[i]);
    }
    assert_memory_not_equal(vk[0].bytes, vk[1].bytes, CRYPTO_KEY_SIZE);
    assert_memory_not_equal(vk[0].bytes, vk[2].bytes, CRYPTO_KEY_SIZE);
}

/* Against the arithmetic of all segments, for every k and lengths round every edge. */
static void a_shards_length_tells_how_long_the_plaintext_is(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= 64; k++) {
        for (size_t edge = 96; edge < (1 << 20); edge = edge * 2 + 61) {
            for (size_t size = edge; size < edge + 3; size++) {
                struct ec_stripes stripes;
                struct hearth_err err;
                size_t found;
                size_t padded = shipment_padded_size(k, size);
                assert_true(padded >= size && padded < size + 64 * (k + 1) + EC_UNIT_TAG_SIZE);
                assert_ok(ec_stripes_init(&stripes, k, padded, &err), &err);
                assert_true(
                    shipment_size_of_shard(k, ec_stripes_tagged_shard_size(&stripes), &found));
                assert_int_equal(found, padded);
            }
        }
    }
}

static void a_length_no_shard_has_is_refused(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 16, 17, 64, 81, 65568 + 16, UINT64_MAX};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t found;
        assert_false(shipment_size_of_shard(4, lengths[i], &found));
    }
}

/* ---- heads ---- */

static struct shipment_head a_head(void)
{
    struct shipment_head head = {.kind = SHIPMENT_CHANGES,
        .part = 1,
        .parts = 2,
        .number = 30,
        .base = 10,
        .previous = 20,
        .total = SHIPMENT_PART_MAX + 7,
        .offset = SHIPMENT_PART_MAX,
        .size = 7,
        .cluster = {9}};
    return head;
}

static enum hearth_code decode(const struct shipment_head *head, struct shipment_head *out)
{
    uint8_t bytes[SHIPMENT_HEAD_SIZE + 7] = {0};
    struct hearth_err err;
    shipment_head_encode(head, bytes);
    return shipment_head_decode(view_of(bytes, sizeof(bytes)), out, &err);
}

static void a_head_says_what_it_was_made_of(void **state)
{
    (void)state;
    struct shipment_head head = a_head();
    struct shipment_head out;
    assert_int_equal(decode(&head, &out), HEARTH_OK);
    assert_int_equal(out.kind, head.kind);
    assert_int_equal(out.part, head.part);
    assert_int_equal(out.parts, head.parts);
    assert_int_equal(out.number, head.number);
    assert_int_equal(out.base, head.base);
    assert_int_equal(out.previous, head.previous);
    assert_int_equal(out.total, head.total);
    assert_int_equal(out.offset, head.offset);
    assert_int_equal(out.size, head.size);
    assert_memory_equal(out.cluster, head.cluster, sizeof(head.cluster));
}

static void a_head_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct shipment_head wrong[8];
    for (size_t i = 0; i < 8; i++) {
        wrong[i] = a_head();
    }
    wrong[0].kind = (enum shipment_kind)3;
    wrong[1].part = 2;      /* past the last */
    wrong[2].parts = 3;     /* more than that many bytes make */
    wrong[3].offset -= 1;   /* not where the part lies */
    wrong[4].size = 8;      /* more than is left */
    wrong[5].previous = 30; /* follows on itself */
    wrong[6].base = 21;     /* a base newer than what it follows on */
    wrong[7].total = UINT64_C(1) << 63;
    for (size_t i = 0; i < 8; i++) {
        struct shipment_head out;
        assert_int_equal(decode(&wrong[i], &out), HEARTH_CHECKSUM);
    }
}

static void a_head_of_another_format_or_cut_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[SHIPMENT_HEAD_SIZE + 7] = {0};
    struct shipment_head head = a_head();
    struct shipment_head out;
    struct hearth_err err;
    shipment_head_encode(&head, bytes);
    for (size_t size = 0; size < sizeof(bytes); size++) {
        assert_int_not_equal(shipment_head_decode(view_of(bytes, size), &out, &err), HEARTH_OK);
    }
    bytes[0] = 2;
    assert_int_equal(
        shipment_head_decode(view_of(bytes, sizeof(bytes)), &out, &err), HEARTH_UNKNOWN_FORMAT);
}

static void there_are_as_many_parts_as_bytes_need(void **state)
{
    (void)state;
    assert_int_equal(shipment_parts_of(0), 1);
    assert_int_equal(shipment_parts_of(SHIPMENT_PART_MAX), 1);
    assert_int_equal(shipment_parts_of(SHIPMENT_PART_MAX + 1), 2);
    assert_int_equal(
        shipment_parts_of((uint64_t)SHIPMENT_PARTS_MAX * SHIPMENT_PART_MAX), SHIPMENT_PARTS_MAX);
    assert_int_equal(shipment_parts_of((uint64_t)SHIPMENT_PARTS_MAX * SHIPMENT_PART_MAX + 1), 0);
}

/* It stands behind all bytes, and has none. */
static void a_seal_is_a_part_of_no_bytes(void **state)
{
    (void)state;
    struct shipment_head head = a_head();
    struct shipment_head out;
    struct hearth_err err;
    uint8_t bytes[SHIPMENT_HEAD_SIZE + 8];
    memset(bytes, 0, sizeof(bytes));
    head.part = SHIPMENT_SEAL;
    head.offset = head.total;
    head.size = 0;
    shipment_head_encode(&head, bytes);
    assert_ok(shipment_head_decode(view_of(bytes, sizeof(bytes)), &out, &err), &err);
    assert_int_equal(out.part, SHIPMENT_SEAL);
    head.size = 7;
    shipment_head_encode(&head, bytes);
    assert_int_equal(
        shipment_head_decode(view_of(bytes, sizeof(bytes)), &out, &err), HEARTH_CHECKSUM);
    head.size = 0;
    head.offset--;
    shipment_head_encode(&head, bytes);
    assert_int_equal(
        shipment_head_decode(view_of(bytes, sizeof(bytes)), &out, &err), HEARTH_CHECKSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_opens_to_the_shipment_it_was_made_of),
        cmocka_unit_test(the_golden_id_is_still_made),
        cmocka_unit_test(an_id_by_chance_or_of_another_cluster_is_none),
        cmocka_unit_test(each_part_and_each_salt_has_another_key_for_tags),
        cmocka_unit_test(a_shards_length_tells_how_long_the_plaintext_is),
        cmocka_unit_test(a_length_no_shard_has_is_refused),
        cmocka_unit_test(a_head_says_what_it_was_made_of),
        cmocka_unit_test(a_head_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_head_of_another_format_or_cut_is_refused),
        cmocka_unit_test(there_are_as_many_parts_as_bytes_need),
        cmocka_unit_test(a_seal_is_a_part_of_no_bytes),
    };
    return cmocka_run_group_tests_name("shipment_name", tests, NULL, NULL);
}
