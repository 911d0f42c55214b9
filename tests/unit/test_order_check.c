/*
 * order_check: only the coordinator's exact bytes, for this node, action and session, and only
 * while they last. (ORD-01 to ORD-08; serials are answered by the volume's index, see
 * test_shard_put.)
 */
#include "storaged/order_check.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

enum { CREATED_MS = 5000000, LIFE_MS = 600000, KEY_ID = 7 };

struct fixture {
    struct test_env env;
    struct order_check check;
    struct order order; /* one that is good */
    uint8_t bytes[ORDER_SIZE];
    struct hearth_err err;
};

static const uint8_t node_id[PKI_ID_SIZE] = {1, 2, 3};
static const uint8_t session[PKI_ID_SIZE] = {9, 8, 7};
static const uint8_t master[CRYPTO_KEY_SIZE] = {42};

static struct order_period period(uint32_t key_id, uint8_t salt)
{
    uint8_t salted[CRYPTO_KEY_SIZE];
    struct order_period made = {.key_id = key_id};
    memcpy(salted, master, sizeof(salted));
    salted[1] = salt;
    order_keys_derive(salted, node_id, &made.keys);
    return made;
}

static void learn(struct fixture *fixture, uint64_t now_ms)
{
    const struct order_period periods[] = {
        period(KEY_ID - 1, 1), period(KEY_ID, 0), period(KEY_ID + 1, 2)};
    order_check_learn(&fixture->check, now_ms, periods, 3);
}

static void encode(struct fixture *fixture)
{
    struct order_period current = period(KEY_ID, 0);
    order_encode(&fixture->order, current.keys.order_key, fixture->bytes);
}

static int setup(void **state)
{
    static struct fixture fixture;
    test_env_init(&fixture.env, 1);
    order_check_init(&fixture.check, &fixture.env.env, node_id);
    fixture.order = (struct order){
        .action = ORDER_PUT,
        .key_id = KEY_ID,
        .slot = 3,
        .p = 4,
        .size_max = 1000,
        .created_unix_ms = CREATED_MS,
        .expires_unix_ms = CREATED_MS + LIFE_MS,
    };
    memcpy(fixture.order.node_id, node_id, sizeof(node_id));
    memcpy(fixture.order.session, session, sizeof(session));
    memset(fixture.order.serial, 5, sizeof(fixture.order.serial));
    encode(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    order_check_fini(&fixture->check);
    return 0;
}

static enum hearth_code verify(struct fixture *fixture, struct view bytes)
{
    struct order out;
    return order_check_verify(&fixture->check, bytes, ORDER_PUT, session, &out, &fixture->err);
}

static void expect(struct fixture *fixture, enum hearth_code code)
{
    encode(fixture);
    assert_int_equal(verify(fixture, view_of(fixture->bytes, ORDER_SIZE)), code);
}

static void a_good_order_is_taken_and_says_what_it_allows(void **state)
{
    struct fixture *fixture = *state;
    struct order out;
    learn(fixture, CREATED_MS);
    assert_ok(order_check_verify(&fixture->check, view_of(fixture->bytes, ORDER_SIZE), ORDER_PUT,
                  session, &out, &fixture->err),
        &fixture->err);
    assert_int_equal(out.size_max, 1000);
    assert_int_equal(out.slot, 3);
}

static void nothing_is_judged_before_the_first_heartbeat(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, HEARTH_NOT_READY);
    learn(fixture, CREATED_MS);
    expect(fixture, HEARTH_OK);
}

static void any_changed_bit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    learn(fixture, CREATED_MS);
    for (unsigned bit = 0; bit < ORDER_SIZE * 8; bit++) {
        uint8_t bytes[ORDER_SIZE];
        memcpy(bytes, fixture->bytes, ORDER_SIZE);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(verify(fixture, view_of(bytes, ORDER_SIZE)), HEARTH_OK);
    }
}

static void another_length_is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[ORDER_SIZE + 1] = {0};
    memcpy(bytes, fixture->bytes, ORDER_SIZE);
    learn(fixture, CREATED_MS);
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        enum hearth_code expected = size == ORDER_SIZE ? HEARTH_OK : HEARTH_INVALID;
        assert_int_equal(verify(fixture, view_of(bytes, size)), expected);
    }
}

static void an_order_for_someone_or_something_else_is_denied(void **state)
{
    struct fixture *fixture = *state;
    learn(fixture, CREATED_MS);
    fixture->order.node_id[0] ^= 1;
    expect(fixture, HEARTH_DENIED);
    fixture->order.node_id[0] ^= 1;
    fixture->order.session[0] ^= 1;
    expect(fixture, HEARTH_DENIED);
    fixture->order.session[0] ^= 1;
    fixture->order.action = ORDER_GET;
    expect(fixture, HEARTH_DENIED);
    fixture->order.action = ORDER_PUT;
    expect(fixture, HEARTH_OK);
}

static void an_order_lasts_until_its_expiry_by_the_coordinators_clock(void **state)
{
    struct fixture *fixture = *state;
    learn(fixture, CREATED_MS);
    test_env_step_ms(&fixture->env, LIFE_MS - 1);
    expect(fixture, HEARTH_OK);
    assert_ok(order_check_time(&fixture->check, &fixture->order, &fixture->err), &fixture->err);
    test_env_step_ms(&fixture->env, 1);
    expect(fixture, HEARTH_EXPIRED);
    assert_int_equal(
        order_check_time(&fixture->check, &fixture->order, &fixture->err), HEARTH_EXPIRED);
}

static void our_wall_clock_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    learn(fixture, CREATED_MS);
    fixture->env.unix_ms += UINT64_C(365) * 86400000;
    expect(fixture, HEARTH_OK);
}

static void an_order_from_the_future_is_refused(void **state)
{
    struct fixture *fixture = *state;
    learn(fixture, CREATED_MS - ORDER_FUTURE_MS_MAX);
    expect(fixture, HEARTH_OK);
    learn(fixture, CREATED_MS - ORDER_FUTURE_MS_MAX - 1);
    expect(fixture, HEARTH_EXPIRED);
}

static void previous_current_and_next_keys_count_and_no_other(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t salts[] = {1, 0, 2};
    learn(fixture, CREATED_MS);
    for (unsigned i = 0; i < 3; i++) {
        fixture->order.key_id = KEY_ID - 1 + i;
        struct order_period made = period(fixture->order.key_id, salts[i]);
        order_encode(&fixture->order, made.keys.order_key, fixture->bytes);
        assert_ok(verify(fixture, view_of(fixture->bytes, ORDER_SIZE)), &fixture->err);
    }
    fixture->order.key_id = KEY_ID + 2;
    expect(fixture, HEARTH_DENIED);

    /* a key of the next heartbeat replaces all before it */
    struct order_period only = period(KEY_ID + 2, 0);
    order_check_learn(&fixture->check, CREATED_MS, &only, 1);
    expect(fixture, HEARTH_OK);
    fixture->order.key_id = KEY_ID;
    expect(fixture, HEARTH_DENIED);
}

static void a_receipt_names_the_shard_and_the_order_it_answers(void **state)
{
    struct fixture *fixture = *state;
    const struct order_stored stored = {
        .cells = 2, .size = 900, .stored_unix_ms = CREATED_MS - 5, .tag_digest = {1, 2}};
    uint8_t bytes[RECEIPT_SIZE];
    learn(fixture, CREATED_MS);
    test_env_step_ms(&fixture->env, 1500);
    assert_ok(order_check_receipt(&fixture->check, &fixture->order, &stored, bytes, &fixture->err),
        &fixture->err);

    struct receipt receipt;
    struct order_period current = period(KEY_ID, 0);
    assert_ok(receipt_verify(
                  view_of(bytes, sizeof(bytes)), current.keys.receipt_key, &receipt, &fixture->err),
        &fixture->err);
    assert_memory_equal(receipt.node_id, node_id, PKI_ID_SIZE);
    assert_memory_equal(receipt.serial, fixture->order.serial, ORDER_SERIAL_SIZE);
    assert_memory_equal(receipt.tag_digest, stored.tag_digest, ORDER_DIGEST_SIZE);
    assert_int_equal(receipt.slot, 3);
    assert_int_equal(receipt.p, 4);
    assert_int_equal(receipt.cells, 2);
    assert_int_equal(receipt.size, 900);
    assert_int_equal(receipt.stored_unix_ms, CREATED_MS - 5);

    fixture->order.key_id = KEY_ID + 5;
    assert_int_equal(
        order_check_receipt(&fixture->check, &fixture->order, &stored, bytes, &fixture->err),
        HEARTH_EXPIRED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_good_order_is_taken_and_says_what_it_allows),
        CASE(nothing_is_judged_before_the_first_heartbeat),
        CASE(any_changed_bit_is_refused),
        CASE(another_length_is_refused),
        CASE(an_order_for_someone_or_something_else_is_denied),
        CASE(an_order_lasts_until_its_expiry_by_the_coordinators_clock),
        CASE(our_wall_clock_changes_nothing),
        CASE(an_order_from_the_future_is_refused),
        CASE(previous_current_and_next_keys_count_and_no_other),
        CASE(a_receipt_names_the_shard_and_the_order_it_answers),
#undef CASE
    };
    return cmocka_run_group_tests_name("order_check", tests, NULL, NULL);
}
