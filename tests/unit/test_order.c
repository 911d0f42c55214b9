/*
 * order: what is issued opens at the node it is for, and only receipts of the right node, for the
 * right placement, made with a key of these weeks, are taken for its word.
 */
#include "coordinator/order.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

enum { SLOT = 3, PLACEMENT = 7 };

#define NOW_MS (UINT64_C(3000) * ORDER_PERIOD_MS + 5000)

static const uint8_t node_id[PKI_ID_SIZE] = {1, 2, 3};
static const uint8_t other_node_id[PKI_ID_SIZE] = {1, 2, 4};
static const uint8_t session[PKI_ID_SIZE] = {9};
static const struct meta_id segment = {{5, 6}};

struct fixture {
    struct test_env env;
    struct shard_name_keys names;
    struct order_issuer issuer;
    struct hearth_err err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    const uint8_t master[CRYPTO_KEY_SIZE] = {77};
    test_env_init(&fixture.env, 1);
    shard_name_keys_init(&fixture.names, master);
    order_issuer_init(&fixture.issuer, &fixture.env.env, &fixture.names, master);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    order_issuer_fini(&fixture->issuer);
    return 0;
}

/* ---- orders ---- */

static struct order_request request_now(void)
{
    struct order_request request = {
        .action = ORDER_PUT,
        .segment = segment,
        .slot = SLOT,
        .p = PLACEMENT,
        .size_max = 4096,
        .session_id = view_of(session, sizeof(session)),
        .created_unix_ms = NOW_MS,
        .expires_unix_ms = NOW_MS + 1000,
    };
    memcpy(request.node_id, node_id, sizeof(node_id));
    return request;
}

static struct shard_place place_of(struct meta_id of, uint16_t slot, uint16_t p)
{
    struct shard_place place = {.slot = slot, .p = p};
    memcpy(place.segment, of.bytes, sizeof(place.segment));
    return place;
}

static enum hearth_code verify_at(
    struct fixture *fixture, const uint8_t node[PKI_ID_SIZE], struct view bytes, struct order *out)
{
    uint32_t key_id;
    struct order_keys keys;
    assert_ok(order_key_id(bytes, &key_id, &fixture->err), &fixture->err);
    order_node_keys(&fixture->issuer, key_id, node, &keys);
    return order_verify(bytes, keys.order_key, out, &fixture->err);
}

static void an_order_opens_at_its_node_and_says_what_was_asked(void **state)
{
    struct fixture *fixture = *state;
    const struct order_request request = request_now();
    uint8_t bytes[ORDER_SIZE];
    struct order order;
    order_issue(&fixture->issuer, &request, bytes);
    assert_ok(verify_at(fixture, node_id, view_of(bytes, sizeof(bytes)), &order), &fixture->err);

    assert_int_equal(order.action, ORDER_PUT);
    assert_int_equal(order.key_id, order_period(NOW_MS));
    assert_memory_equal(order.node_id, node_id, sizeof(node_id));
    assert_memory_equal(order.session, session, sizeof(session));
    assert_int_equal(order.slot, SLOT);
    assert_int_equal(order.p, PLACEMENT);
    assert_int_equal(order.size_max, 4096);
    assert_int_equal(order.created_unix_ms, NOW_MS);
    assert_int_equal(order.expires_unix_ms, NOW_MS + 1000);

    struct shard_name name;
    struct shard_place place;
    memcpy(name.id, order.shard_id, sizeof(name.id));
    memcpy(name.locator, order.locator, sizeof(name.locator));
    assert_true(shard_name_open(&fixture->names, &name, &place));
    assert_memory_equal(place.segment, segment.bytes, sizeof(place.segment));
    assert_int_equal(place.slot, SLOT);
    assert_int_equal(place.p, PLACEMENT);
}

static void an_order_for_another_node_does_not_open(void **state)
{
    struct fixture *fixture = *state;
    const struct order_request request = request_now();
    uint8_t bytes[ORDER_SIZE];
    struct order order;
    order_issue(&fixture->issuer, &request, bytes);
    assert_int_equal(
        verify_at(fixture, other_node_id, view_of(bytes, sizeof(bytes)), &order), HEARTH_DENIED);
}

static void two_orders_never_have_one_serial(void **state)
{
    struct fixture *fixture = *state;
    const struct order_request request = request_now();
    uint8_t bytes[ORDER_SIZE];
    struct order first;
    struct order second;
    order_issue(&fixture->issuer, &request, bytes);
    verify_at(fixture, node_id, view_of(bytes, sizeof(bytes)), &first);
    order_issue(&fixture->issuer, &request, bytes);
    verify_at(fixture, node_id, view_of(bytes, sizeof(bytes)), &second);
    assert_memory_not_equal(first.serial, second.serial, sizeof(first.serial));
}

/* ORD-01: what one node is given helps nobody with another node or another period. */
static void keys_differ_by_node_period_and_purpose(void **state)
{
    struct fixture *fixture = *state;
    struct order_keys keys;
    struct order_keys of_other_node;
    struct order_keys of_next_period;
    order_node_keys(&fixture->issuer, 1, node_id, &keys);
    order_node_keys(&fixture->issuer, 1, other_node_id, &of_other_node);
    order_node_keys(&fixture->issuer, 2, node_id, &of_next_period);
    assert_memory_not_equal(keys.order_key, keys.receipt_key, CRYPTO_KEY_SIZE);
    assert_memory_not_equal(keys.order_key, of_other_node.order_key, CRYPTO_KEY_SIZE);
    assert_memory_not_equal(keys.order_key, of_next_period.order_key, CRYPTO_KEY_SIZE);
    assert_memory_not_equal(keys.receipt_key, of_other_node.receipt_key, CRYPTO_KEY_SIZE);
    assert_memory_not_equal(keys.receipt_key, of_next_period.receipt_key, CRYPTO_KEY_SIZE);
}

/* More nodes than are kept, met by one issuer in between others and by the other in order. */
static void keys_are_the_same_whoever_was_met_in_between(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t master[CRYPTO_KEY_SIZE] = {77};
    struct order_issuer other;
    struct order_keys keys;
    struct order_keys others;
    order_issuer_init(&other, &fixture->env.env, &fixture->names, master);
    for (uint32_t i = 0; i < 2 * ORDER_KEYS_KEPT; i++) {
        const uint32_t scattered = i * 2654435761u;
        uint8_t node[PKI_ID_SIZE] = {0};
        memcpy(node, &scattered, sizeof(scattered));
        order_node_keys(&other, i % 3, node, &others);
        order_node_keys(&fixture->issuer, (i + 1) % 3, node, &keys);
        order_node_keys(&fixture->issuer, i % 3, node, &keys);
        assert_memory_equal(&keys, &others, sizeof(keys));
        order_node_keys(&fixture->issuer, i % 3, node, &keys);
        assert_memory_equal(&keys, &others, sizeof(keys));
    }
    order_issuer_fini(&other);
}

/* ---- receipts ---- */

struct made {
    uint8_t bytes[RECEIPT_SIZE];
};

static struct made make_receipt(
    struct fixture *fixture, const struct shard_place *place, uint32_t key_id)
{
    struct shard_name name;
    struct order_keys keys;
    struct receipt receipt = {
        .key_id = key_id, .slot = place->slot, .p = place->p, .cells = 1, .size = 4096};
    shard_name_make(&fixture->names, place, &name);
    memcpy(receipt.node_id, node_id, sizeof(node_id));
    memcpy(receipt.shard_id, name.id, sizeof(name.id));
    order_node_keys(&fixture->issuer, key_id, node_id, &keys);
    struct made made;
    receipt_encode(&receipt, keys.receipt_key, made.bytes);
    return made;
}

static enum hearth_code check(struct fixture *fixture, const struct made *made,
    const struct shard_place *place, uint64_t now_ms, struct receipt *out)
{
    return order_receipt_check(&fixture->issuer, view_of(made->bytes, sizeof(made->bytes)), place,
        now_ms, out, &fixture->err);
}

static void a_receipt_of_the_placement_is_taken(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_place place = place_of(segment, SLOT, PLACEMENT);
    const struct made made = make_receipt(fixture, &place, order_period(NOW_MS));
    struct receipt receipt;
    assert_ok(check(fixture, &made, &place, NOW_MS, &receipt), &fixture->err);
    assert_int_equal(receipt.size, 4096);
    assert_memory_equal(receipt.node_id, node_id, sizeof(node_id));
}

static void a_receipt_altered_in_any_bit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_place place = place_of(segment, SLOT, PLACEMENT);
    struct made made = make_receipt(fixture, &place, order_period(NOW_MS));
    struct receipt receipt;
    for (unsigned bit = 0; bit < 8 * RECEIPT_SIZE; bit++) {
        made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(check(fixture, &made, &place, NOW_MS, &receipt), HEARTH_OK);
        made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_ok(check(fixture, &made, &place, NOW_MS, &receipt), &fixture->err);
}

static void a_receipt_of_any_other_size_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_place place = place_of(segment, SLOT, PLACEMENT);
    const struct made made = make_receipt(fixture, &place, order_period(NOW_MS));
    uint8_t longer[RECEIPT_SIZE + 1] = {0};
    struct receipt receipt;
    memcpy(longer, made.bytes, sizeof(made.bytes));
    for (size_t size = 0; size <= sizeof(longer); size++) {
        enum hearth_code code = order_receipt_check(
            &fixture->issuer, view_of(longer, size), &place, NOW_MS, &receipt, &fixture->err);
        assert_int_equal(code, size == RECEIPT_SIZE ? HEARTH_OK : HEARTH_INVALID);
    }
}

static void a_receipt_of_another_placement_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct meta_id other_segment = {{5, 7}};
    const struct shard_place shown = place_of(segment, SLOT, PLACEMENT);
    const struct shard_place made_for[] = {
        place_of(other_segment, SLOT, PLACEMENT),
        place_of(segment, SLOT + 1, PLACEMENT),
        place_of(segment, SLOT, PLACEMENT + 1),
    };
    struct receipt receipt;
    for (size_t i = 0; i < sizeof(made_for) / sizeof(made_for[0]); i++) {
        const struct made made = make_receipt(fixture, &made_for[i], order_period(NOW_MS));
        assert_int_equal(check(fixture, &made, &shown, NOW_MS, &receipt), HEARTH_DENIED);
    }
}

/* A node that says it is another one does not have that one's key. */
static void a_receipt_in_another_nodes_name_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_place place = place_of(segment, SLOT, PLACEMENT);
    struct shard_name name;
    struct order_keys keys;
    struct receipt receipt = {
        .key_id = order_period(NOW_MS), .slot = SLOT, .p = PLACEMENT, .cells = 1, .size = 4096};
    shard_name_make(&fixture->names, &place, &name);
    memcpy(receipt.node_id, other_node_id, sizeof(other_node_id));
    memcpy(receipt.shard_id, name.id, sizeof(name.id));
    order_node_keys(&fixture->issuer, receipt.key_id, node_id, &keys);
    struct made made;
    receipt_encode(&receipt, keys.receipt_key, made.bytes);
    assert_int_equal(check(fixture, &made, &place, NOW_MS, &receipt), HEARTH_DENIED);
}

/* A late receipt over the turn of a week is honest; one a fortnight old is not of this upload. */
static void receipts_of_the_weeks_around_now_are_taken(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_place place = place_of(segment, SLOT, PLACEMENT);
    const uint32_t now = order_period(NOW_MS);
    struct receipt receipt;
    for (uint32_t key_id = now - 3; key_id <= now + 3; key_id++) {
        const struct made made = make_receipt(fixture, &place, key_id);
        bool is_near = key_id + 1 >= now && key_id <= now + 1;
        assert_int_equal(
            check(fixture, &made, &place, NOW_MS, &receipt), is_near ? HEARTH_OK : HEARTH_DENIED);
    }
    const uint32_t extremes[] = {0, UINT32_MAX};
    for (size_t i = 0; i < 2; i++) {
        const struct made made = make_receipt(fixture, &place, extremes[i]);
        assert_int_equal(check(fixture, &made, &place, NOW_MS, &receipt), HEARTH_DENIED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_opens_at_its_node_and_says_what_was_asked),
        cmocka_unit_test(an_order_for_another_node_does_not_open),
        cmocka_unit_test(two_orders_never_have_one_serial),
        cmocka_unit_test(keys_differ_by_node_period_and_purpose),
        cmocka_unit_test(keys_are_the_same_whoever_was_met_in_between),
        cmocka_unit_test(a_receipt_of_the_placement_is_taken),
        cmocka_unit_test(a_receipt_altered_in_any_bit_is_refused),
        cmocka_unit_test(a_receipt_of_any_other_size_is_refused),
        cmocka_unit_test(a_receipt_of_another_placement_is_refused),
        cmocka_unit_test(a_receipt_in_another_nodes_name_is_refused),
        cmocka_unit_test(receipts_of_the_weeks_around_now_are_taken),
    };
    return cmocka_run_group_tests_name("order", tests, set_up, tear_down);
}
