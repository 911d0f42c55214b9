/*
 * evidence_format: what was written is read again, and one bit less or more is noticed.
 */
#include "proto/evidence_format.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>
#include <string.h>

enum { CELL_SIZE = 65552 + 16 };

struct fixture {
    struct test_env env;
    struct pki_key *ca;
    uint8_t pin[PKI_PIN_SIZE];
    uint8_t cell[CELL_SIZE];
    struct evidence evidence;
    uint8_t bytes[EVIDENCE_SIZE_MAX];
    size_t size;
    struct evidence read;
    struct hearth_err err;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, 5);
    assert_ok(pki_key_create(&at->ca, &at->err), &at->err);
    pki_key_pin(at->ca, at->pin);
    env_random(&at->env.env, at->cell, sizeof(at->cell));
    env_random(&at->env.env, &at->evidence, sizeof(at->evidence));
    at->evidence.try_count = EVIDENCE_TRIES_MAX;
    at->evidence.cell = view_of(at->cell, sizeof(at->cell));
    for (size_t i = 0; i < EVIDENCE_TRIES_MAX; i++) {
        at->evidence.tries[i].role = (enum evidence_role)(1 + i % 3);
    }
    at->size = evidence_encode(&at->evidence, at->ca, at->bytes);
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

static enum hearth_code decode(struct fixture *at)
{
    return evidence_decode(view_of(at->bytes, at->size), at->pin, &at->read, &at->err);
}

static void what_was_written_is_read(void **state)
{
    struct fixture *at = *state;
    assert_ok(decode(at), &at->err);
    struct evidence *a = &at->evidence;
    struct evidence *b = &at->read;
    assert_int_equal(b->fault, a->fault);
    assert_memory_equal(b->node_id, a->node_id, sizeof(a->node_id));
    assert_memory_equal(b->vk, a->vk, sizeof(a->vk));
    assert_memory_equal(b->holders_digest, a->holders_digest, sizeof(a->holders_digest));
    assert_int_equal(b->wrong_stripe, a->wrong_stripe);
    assert_int_equal(b->witnesses_true, a->witnesses_true);
    assert_int_equal(b->try_count, EVIDENCE_TRIES_MAX);
    assert_int_equal(b->tries[32].role, EVIDENCE_BEFORE);
    assert_int_equal(b->tries[31].ended_unix_ms, a->tries[31].ended_unix_ms);
    assert_memory_equal(b->tries[31].order, a->tries[31].order, ORDER_SIZE);
    assert_true(view_equal(b->cell, a->cell));
}

static void a_bit_that_is_not_as_it_was_signed_is_noticed(void **state)
{
    struct fixture *at = *state;
    for (size_t i = 0; i < at->size; i += 1 + i / 64) {
        at->bytes[i] ^= (uint8_t)(1 << i % 8);
        assert_int_not_equal(decode(at), HEARTH_OK);
        at->bytes[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_ok(decode(at), &at->err);
}

static void what_is_cut_off_or_too_long_is_refused(void **state)
{
    struct fixture *at = *state;
    size_t whole = at->size;
    for (at->size = 0; at->size < whole; at->size += 1 + at->size / 64) {
        assert_int_not_equal(decode(at), HEARTH_OK);
    }
    at->size = whole + 1;
    assert_int_equal(decode(at), HEARTH_INVALID);
}

static void another_clusters_word_is_not_ours(void **state)
{
    struct fixture *at = *state;
    at->pin[0] ^= 1;
    assert_int_equal(decode(at), HEARTH_DENIED);
}

static void a_newer_version_is_not_guessed_at(void **state)
{
    struct fixture *at = *state;
    at->bytes[0]++;
    assert_int_equal(decode(at), HEARTH_UNKNOWN_FORMAT);
}

static void a_log_of_tries_is_read_again(void **state)
{
    struct fixture *at = *state;
    struct evidence_try tries[EVIDENCE_TRIES_MAX];
    size_t count;
    at->size = evidence_tries_encode(at->evidence.tries, 3, at->bytes);
    assert_true(evidence_tries_decode(view_of(at->bytes, at->size), tries, &count));
    assert_int_equal(count, 3);
    assert_int_equal(tries[2].asked_unix_ms, at->evidence.tries[2].asked_unix_ms);
    assert_false(evidence_tries_decode(view_of(at->bytes, at->size - 1), tries, &count));
    assert_true(evidence_tries_decode((struct view){0}, tries, &count));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(what_was_written_is_read),
        TEST(a_bit_that_is_not_as_it_was_signed_is_noticed),
        TEST(what_is_cut_off_or_too_long_is_refused),
        TEST(another_clusters_word_is_not_ours),
        TEST(a_newer_version_is_not_guessed_at),
        TEST(a_log_of_tries_is_read_again),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
