/*
 * evidence_check: a record proves what it says, or it is refused: by whom it was signed, whether
 * its questions were about that shard at that node, whether its answers are enough.
 */
#include "tools/evidence_check.h"

#include "client/shard_tag.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

enum {
    K = 4,
    SLOT = 2,
    P = 1,
    STRIPE = 5,
    CELL_SIZE = 640,
    TRUE = 1,
    WRONG = 2,
    MISSING = 3,
    SILENT = 5
};
enum { FAULT_WRONG = 1, FAULT_MISSING = 2, FAULT_ROTTEN = 3, FAULT_SILENT = 4, STRIKES = 24 };

struct fixture {
    struct test_env env;
    struct pki_key *ca;
    uint8_t pin[PKI_PIN_SIZE];
    struct evidence evidence;
    uint8_t cell[CELL_SIZE + CRYPTO_TAG_SIZE];
    uint8_t bytes[EVIDENCE_SIZE_MAX];
    struct hearth_err err;
};

static void add_try(
    struct fixture *at, enum evidence_role role, uint8_t answer, const struct order *order)
{
    static const uint8_t key[CRYPTO_KEY_SIZE];
    struct evidence_try *one = &at->evidence.tries[at->evidence.try_count++];
    *one = (struct evidence_try){
        .role = role, .answer = answer, .asked_unix_ms = 1000, .ended_unix_ms = 1100};
    order_encode(order, key, one->order);
}

static struct order order_of(const struct fixture *at, bool is_the_cell)
{
    struct order order = {.action = ORDER_GET,
        .slot = is_the_cell ? SLOT : 7,
        .p = P,
        .created_unix_ms = 900,
        .expires_unix_ms = 2000};
    memcpy(order.node_id, at->evidence.node_id, sizeof(order.node_id));
    order.shard_id[0] = is_the_cell;
    return order;
}

static void ask_twice(struct fixture *at, uint8_t answer)
{
    const struct order order = order_of(at, true);
    add_try(at, EVIDENCE_CELL, answer, &order);
    add_try(at, EVIDENCE_AGAIN, answer, &order);
}

/* Others, all of which came but the last as it is said, and then the cell, which did not. */
static void miss(struct fixture *at, unsigned leads, uint8_t last)
{
    const struct order other = order_of(at, false);
    const struct order order = order_of(at, true);
    for (unsigned i = 0; i < leads; i++) {
        add_try(at, EVIDENCE_BEFORE, i + 1 < leads ? TRUE : last, &other);
    }
    add_try(at, EVIDENCE_CELL, SILENT, &order);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, 6);
    assert_ok(pki_key_create(&at->ca, &at->err), &at->err);
    pki_key_pin(at->ca, at->pin);
    at->evidence = (struct evidence){.fault = FAULT_MISSING,
        .slot = SLOT,
        .p = P,
        .k = K,
        .n = 2 * K,
        .wrong_stripe = STRIPE,
        .witnesses_asked = K,
        .witnesses_true = K};
    env_random(&at->env.env, at->evidence.node_id, sizeof(at->evidence.node_id));
    env_random(&at->env.env, at->evidence.vk, sizeof(at->evidence.vk));
    env_random(&at->env.env, at->cell, sizeof(at->cell));
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    pki_key_destroy(at->ca);
    free(at);
    return 0;
}

static enum hearth_code check(struct fixture *at)
{
    struct evidence read;
    size_t size = evidence_encode(&at->evidence, at->ca, at->bytes);
    return evidence_check(view_of(at->bytes, size), at->pin, &read, &at->err);
}

static void missing_twice_with_witnesses_is_proven(void **state)
{
    struct fixture *at = *state;
    ask_twice(at, MISSING);
    assert_ok(check(at), &at->err);
    at->evidence.witnesses_true = K - 1;
    assert_int_equal(check(at), HEARTH_CHECKSUM);
}

static void once_is_not_enough(void **state)
{
    struct fixture *at = *state;
    ask_twice(at, MISSING);
    at->evidence.tries[1].answer = TRUE;
    assert_int_equal(check(at), HEARTH_CHECKSUM);
}

static void a_cell_that_fits_its_tag_proves_nothing(void **state)
{
    struct fixture *at = *state;
    struct verify_key vk;
    at->evidence.fault = FAULT_WRONG;
    at->evidence.cell = view_of(at->cell, sizeof(at->cell));
    ask_twice(at, WRONG);
    assert_ok(check(at), &at->err);
    memcpy(vk.bytes, at->evidence.vk, sizeof(vk.bytes));
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    shard_tag_make(tagger, SLOT, STRIPE, view_of(at->cell, CELL_SIZE), at->cell + CELL_SIZE);
    shard_tagger_destroy(tagger);
    assert_int_equal(check(at), HEARTH_CHECKSUM);
}

static void twenty_four_strikes_are_proof_and_one_less_is_not(void **state)
{
    struct fixture *at = *state;
    at->evidence.fault = FAULT_SILENT;
    for (unsigned i = 0; i + 1 < STRIKES; i++) {
        miss(at, 1, TRUE);
    }
    assert_int_equal(check(at), HEARTH_CHECKSUM);
    miss(at, 0, 0); /* it went first */
    miss(at, 1, SILENT);
    assert_int_equal(check(at), HEARTH_CHECKSUM);
    miss(at, 1, TRUE);
    assert_ok(check(at), &at->err);
    at->evidence.witnesses_true = K - 1;
    assert_int_equal(check(at), HEARTH_CHECKSUM);
}

/* Each is one, but not more than can go before a cell in one visit. */
static void others_that_came_one_after_the_other_are_a_strike_each(void **state)
{
    struct fixture *at = *state;
    at->evidence.fault = FAULT_SILENT;
    for (unsigned i = 0; i < STRIKES / 3 - 1; i++) {
        miss(at, 3, TRUE);
    }
    miss(at, 2, TRUE);
    assert_int_equal(check(at), HEARTH_CHECKSUM);
    miss(at, 1, TRUE);
    assert_ok(check(at), &at->err);
    at->evidence.try_count = 0;
    for (unsigned i = 0; i < STRIKES; i++) {
        const struct order other = order_of(at, false);
        add_try(at, EVIDENCE_BEFORE, TRUE, &other);
    }
    miss(at, 1, TRUE);
    assert_int_equal(check(at), HEARTH_CHECKSUM);
}

/* Which came in the end, whatever was said of it before. */
static void a_cell_that_came_after_the_others_is_no_strike(void **state)
{
    struct fixture *at = *state;
    at->evidence.fault = FAULT_SILENT;
    for (unsigned i = 0; i < STRIKES; i++) {
        miss(at, 1, TRUE);
    }
    assert_ok(check(at), &at->err);
    at->evidence.tries[1].answer = TRUE;
    assert_int_equal(check(at), HEARTH_CHECKSUM);
    at->evidence.tries[1].answer = MISSING; /* that is another fault, and not proven */
    assert_int_equal(check(at), HEARTH_CHECKSUM);
}

static void questions_about_something_else_prove_nothing(void **state)
{
    struct fixture *at = *state;
    const struct order good = order_of(at, true);
    for (unsigned i = 0; i < 6; i++) {
        struct order order = good;
        order.action = i == 0 ? ORDER_PUT : order.action;
        order.node_id[3] ^= i == 1;
        order.slot = i == 2 ? SLOT + 1 : order.slot;
        order.p = i == 3 ? P + 1 : order.p;
        order.shard_id[5] ^= i == 4;
        order.expires_unix_ms = i == 5 ? 1000 : order.expires_unix_ms;
        at->evidence.try_count = 0;
        add_try(at, EVIDENCE_CELL, MISSING, &good);
        add_try(at, EVIDENCE_AGAIN, MISSING, &order);
        assert_int_equal(check(at), HEARTH_CHECKSUM);
    }
}

/* Nor is there a case without a question about it. */
static void a_shard_is_not_held_against_itself(void **state)
{
    struct fixture *at = *state;
    at->evidence.fault = FAULT_SILENT;
    assert_int_equal(check(at), HEARTH_CHECKSUM);
    for (unsigned i = 0; i < STRIKES; i++) {
        miss(at, 1, TRUE);
    }
    assert_ok(check(at), &at->err);
    memcpy(at->evidence.tries[0].order, at->evidence.tries[1].order, ORDER_SIZE);
    assert_int_equal(check(at), HEARTH_CHECKSUM);
}

static void what_a_node_says_of_itself_needs_no_witness(void **state)
{
    struct fixture *at = *state;
    at->evidence.fault = FAULT_ROTTEN;
    at->evidence.witnesses_true = 0;
    ask_twice(at, FAULT_ROTTEN + 1);
    assert_ok(check(at), &at->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(missing_twice_with_witnesses_is_proven),
        TEST(once_is_not_enough),
        TEST(a_cell_that_fits_its_tag_proves_nothing),
        TEST(twenty_four_strikes_are_proof_and_one_less_is_not),
        TEST(others_that_came_one_after_the_other_are_a_strike_each),
        TEST(a_cell_that_came_after_the_others_is_no_strike),
        TEST(questions_about_something_else_prove_nothing),
        TEST(a_shard_is_not_held_against_itself),
        TEST(what_a_node_says_of_itself_needs_no_witness),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
