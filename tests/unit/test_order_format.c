/*
 * order_format: what is encoded is read back, every altered bit is noticed, and the bytes are the
 * golden ones.
 */
#include "proto/order_format.h"

#include "tests/lib/test.h"
#include "tests/lib/test_vector.h"

static const uint8_t master[CRYPTO_KEY_SIZE] = {1, 2, 3};
static const uint8_t node[PKI_ID_SIZE] = {4, 5, 6};

static struct order_keys keys_of(const uint8_t node_id[PKI_ID_SIZE])
{
    struct order_keys keys;
    order_keys_derive(master, node_id, &keys);
    return keys;
}

static struct order some_order(void)
{
    return (struct order){
        .action = ORDER_PUT,
        .key_id = 0x01020304,
        .node_id = {4, 5, 6},
        .shard_id = {7, 8},
        .locator = {9, 10},
        .slot = 11,
        .p = 12,
        .size_max = 16 << 20,
        .session = {13, 14},
        .serial = {15, 16},
        .created_unix_ms = UINT64_C(1800000000000),
        .expires_unix_ms = UINT64_C(1800000600000),
    };
}

static struct receipt some_receipt(void)
{
    return (struct receipt){
        .key_id = 0x01020304,
        .node_id = {4, 5, 6},
        .shard_id = {7, 8},
        .slot = 11,
        .p = 12,
        .cells = 256,
        .size = 16785408,
        .tag_digest = {17, 18},
        .stored_unix_ms = UINT64_C(1800000001000),
        .serial = {15, 16},
    };
}

static void an_order_comes_back_as_it_was(void **state)
{
    (void)state;
    struct hearth_err err;
    struct order_keys keys = keys_of(node);
    struct order order = some_order();
    uint8_t bytes[ORDER_SIZE];
    order_encode(&order, keys.order_key, bytes);

    uint32_t key_id;
    assert_ok(order_key_id(view_of(bytes, sizeof(bytes)), &key_id, &err), &err);
    assert_int_equal(key_id, order.key_id);
    struct order got;
    assert_ok(order_verify(view_of(bytes, sizeof(bytes)), keys.order_key, &got, &err), &err);
    assert_int_equal(got.action, order.action);
    assert_memory_equal(got.node_id, order.node_id, sizeof(got.node_id));
    assert_memory_equal(got.shard_id, order.shard_id, sizeof(got.shard_id));
    assert_memory_equal(got.locator, order.locator, sizeof(got.locator));
    assert_int_equal(got.slot, order.slot);
    assert_int_equal(got.p, order.p);
    assert_int_equal(got.size_max, order.size_max);
    assert_memory_equal(got.session, order.session, sizeof(got.session));
    assert_memory_equal(got.serial, order.serial, sizeof(got.serial));
    assert_int_equal(got.created_unix_ms, order.created_unix_ms);
    assert_int_equal(got.expires_unix_ms, order.expires_unix_ms);
}

static void a_receipt_comes_back_as_it_was(void **state)
{
    (void)state;
    struct hearth_err err;
    struct order_keys keys = keys_of(node);
    struct receipt receipt = some_receipt();
    uint8_t bytes[RECEIPT_SIZE];
    receipt_encode(&receipt, keys.receipt_key, bytes);

    uint8_t claimed[PKI_ID_SIZE];
    assert_ok(receipt_node_id(view_of(bytes, sizeof(bytes)), claimed, &err), &err);
    assert_memory_equal(claimed, receipt.node_id, sizeof(claimed));
    struct receipt got;
    assert_ok(receipt_verify(view_of(bytes, sizeof(bytes)), keys.receipt_key, &got, &err), &err);
    assert_int_equal(got.key_id, receipt.key_id);
    assert_memory_equal(got.node_id, receipt.node_id, sizeof(got.node_id));
    assert_memory_equal(got.shard_id, receipt.shard_id, sizeof(got.shard_id));
    assert_int_equal(got.slot, receipt.slot);
    assert_int_equal(got.p, receipt.p);
    assert_int_equal(got.cells, receipt.cells);
    assert_int_equal(got.size, receipt.size);
    assert_memory_equal(got.tag_digest, receipt.tag_digest, sizeof(got.tag_digest));
    assert_int_equal(got.stored_unix_ms, receipt.stored_unix_ms);
    assert_memory_equal(got.serial, receipt.serial, sizeof(got.serial));
}

static void every_altered_bit_is_refused(void **state)
{
    (void)state;
    struct hearth_err err;
    struct order_keys keys = keys_of(node);
    struct order order = some_order();
    struct receipt receipt = some_receipt();
    uint8_t order_bytes[ORDER_SIZE];
    uint8_t receipt_bytes[RECEIPT_SIZE];
    order_encode(&order, keys.order_key, order_bytes);
    receipt_encode(&receipt, keys.receipt_key, receipt_bytes);

    for (size_t bit = 0; bit < 8 * sizeof(order_bytes); bit++) {
        order_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(
            order_verify(view_of(order_bytes, sizeof(order_bytes)), keys.order_key, &order, &err),
            HEARTH_OK);
        order_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(receipt_bytes); bit++) {
        receipt_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(receipt_verify(view_of(receipt_bytes, sizeof(receipt_bytes)),
                                 keys.receipt_key, &receipt, &err),
            HEARTH_OK);
        receipt_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void keys_of_another_node_or_purpose_do_not_fit(void **state)
{
    (void)state;
    struct hearth_err err;
    struct order_keys keys = keys_of(node);
    struct order_keys other = keys_of((const uint8_t[PKI_ID_SIZE]){9});
    struct order order = some_order();
    uint8_t bytes[ORDER_SIZE];
    order_encode(&order, keys.order_key, bytes);
    struct view view = view_of(bytes, sizeof(bytes));
    assert_int_equal(order_verify(view, other.order_key, &order, &err), HEARTH_DENIED);
    assert_int_equal(order_verify(view, keys.receipt_key, &order, &err), HEARTH_DENIED);
}

static void other_sizes_and_versions_are_told_apart(void **state)
{
    (void)state;
    struct hearth_err err;
    uint8_t bytes[ORDER_SIZE + 1] = {ORDER_FORMAT_VERSION + 1};
    uint32_t key_id;
    assert_int_equal(order_key_id(view_of(bytes, 0), &key_id, &err), HEARTH_INVALID);
    assert_int_equal(order_key_id(view_of(bytes, sizeof(bytes)), &key_id, &err), HEARTH_INVALID);
    assert_int_equal(
        order_key_id(view_of(bytes, ORDER_SIZE), &key_id, &err), HEARTH_UNKNOWN_FORMAT);
    assert_int_equal(
        receipt_key_id(view_of(bytes, RECEIPT_SIZE), &key_id, &err), HEARTH_UNKNOWN_FORMAT);
}

static void bytes_are_the_golden_ones(void **state)
{
    (void)state;
    struct order_keys keys = keys_of(node);
    struct order order = some_order();
    struct receipt receipt = some_receipt();
    uint8_t order_bytes[ORDER_SIZE];
    uint8_t receipt_bytes[RECEIPT_SIZE];
    order_encode(&order, keys.order_key, order_bytes);
    receipt_encode(&receipt, keys.receipt_key, receipt_bytes);

    uint8_t golden[ORDER_SIZE];
    test_vector_read("order.txt", "order", golden, ORDER_SIZE);
    assert_memory_equal(order_bytes, golden, ORDER_SIZE);
    test_vector_read("order.txt", "receipt", golden, RECEIPT_SIZE);
    assert_memory_equal(receipt_bytes, golden, RECEIPT_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_comes_back_as_it_was),
        cmocka_unit_test(a_receipt_comes_back_as_it_was),
        cmocka_unit_test(every_altered_bit_is_refused),
        cmocka_unit_test(keys_of_another_node_or_purpose_do_not_fit),
        cmocka_unit_test(other_sizes_and_versions_are_told_apart),
        cmocka_unit_test(bytes_are_the_golden_ones),
    };
    return cmocka_run_group_tests_name("order_format", tests, NULL, NULL);
}
