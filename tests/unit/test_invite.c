/*
 * invite: the word says what was put into it, survives pasting, and nothing else is taken for one.
 */
#include "proto/invite.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_vector.h"

#include <ctype.h>
#include <stdio.h>

enum { GOLDEN_SIZE = 172 };

static struct invite sample(void)
{
    struct invite invite = {.kind = PEER_NODE,
        .expires_unix_ms = UINT64_C(1790000000000),
        .addresses = {view_text("203.0.113.7:7401"), view_text("[2001:db8::7]:7401")},
        .address_count = 2,
        .owner = view_text("ada"),
        .place = view_text("")};
    for (uint8_t i = 0; i < PKI_PIN_SIZE; i++) {
        invite.ca_pin[i] = i;
        invite.token[i % INVITE_TOKEN_SIZE] = (uint8_t)(0xf0 + i);
    }
    return invite;
}

static void assert_same(const struct invite *a, const struct invite *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(a->expires_unix_ms == b->expires_unix_ms);
    assert_memory_equal(a->token, b->token, sizeof(a->token));
    assert_memory_equal(a->ca_pin, b->ca_pin, sizeof(a->ca_pin));
    assert_int_equal(a->address_count, b->address_count);
    for (unsigned i = 0; i < a->address_count; i++) {
        assert_true(view_equal(a->addresses[i], b->addresses[i]));
    }
    assert_true(view_equal(a->owner, b->owner));
    assert_true(view_equal(a->place, b->place));
}

static void assert_parses_to(const char *text, const struct invite *expected)
{
    struct hearth_err err;
    struct arena arena;
    struct invite got;
    arena_init(&arena, 0);
    assert_ok(invite_parse(view_text(text), &arena, &got, &err), &err);
    assert_same(&got, expected);
    arena_fini(&arena);
}

static void every_kind_comes_back_as_it_was(void **state)
{
    (void)state;
    static const enum peer_class kinds[] = {PEER_NODE, PEER_CLIENT, PEER_GATEWAY, PEER_ADMIN};
    char text[INVITE_TEXT_MAX + 1];
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct invite invite = sample();
        invite.kind = kinds[i];
        invite_encode(&invite, text);
        assert_parses_to(text, &invite);
    }
}

static void the_largest_fits_exactly(void **state)
{
    (void)state;
    char long_text[256];
    char text[INVITE_TEXT_MAX + 1];
    memset(long_text, 'x', sizeof(long_text));
    struct invite invite = sample();
    invite.address_count = INVITE_ADDRESSES_MAX;
    for (unsigned i = 0; i < INVITE_ADDRESSES_MAX; i++) {
        invite.addresses[i] = view_of(long_text, INVITE_ADDRESS_MAX);
    }
    invite.owner = invite.place = view_of(long_text, INVITE_NAME_MAX);
    invite_encode(&invite, text);
    assert_int_equal(strlen(text), INVITE_TEXT_MAX);
    assert_parses_to(text, &invite);
}

static void pasting_does_not_hurt_it(void **state)
{
    (void)state;
    const struct invite invite = sample();
    char text[INVITE_TEXT_MAX + 1];
    char pasted[INVITE_TEXT_MAX + 8];
    invite_encode(&invite, text);
    snprintf(pasted, sizeof(pasted), " \t%s\r\n", text);
    assert_parses_to(pasted, &invite);
    for (char *c = pasted; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    assert_parses_to(pasted, &invite);
}

static void it_is_one_word_of_letters_and_digits(void **state)
{
    (void)state;
    const struct invite invite = sample();
    char text[INVITE_TEXT_MAX + 1];
    invite_encode(&invite, text);
    assert_memory_equal(text, "hearth1", 7);
    for (const char *c = text; *c != '\0'; c++) {
        assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c));
    }
}

static void the_text_is_the_golden_one(void **state)
{
    (void)state;
    const struct invite invite = sample();
    char text[INVITE_TEXT_MAX + 1];
    uint8_t golden[GOLDEN_SIZE];
    test_vector_read("invite.txt", "text", golden, sizeof(golden));
    invite_encode(&invite, text);
    assert_int_equal(strlen(text), sizeof(golden));
    assert_memory_equal(text, golden, sizeof(golden));
}

/* ---- what is no invitation ---- */

static enum hearth_code parse(struct view text, struct hearth_err *err)
{
    struct arena arena;
    struct invite out;
    arena_init(&arena, 0);
    enum hearth_code code = invite_parse(text, &arena, &out, err);
    arena_fini(&arena);
    return code;
}

static void every_changed_character_is_refused(void **state)
{
    (void)state;
    const struct invite invite = sample();
    struct hearth_err err;
    char text[INVITE_TEXT_MAX + 1];
    invite_encode(&invite, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        const char kept = text[i];
        for (int c = 1; c < 256; c++) {
            text[i] = (char)c;
            if (tolower(c) != kept) {
                assert_int_not_equal(parse(view_text(text), &err), HEARTH_OK);
            }
        }
        text[i] = kept;
    }
}

static void every_cut_and_every_longer_one_is_refused(void **state)
{
    (void)state;
    const struct invite invite = sample();
    struct hearth_err err;
    char text[INVITE_TEXT_MAX + 2];
    invite_encode(&invite, text);
    const size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(parse(view_of(text, i), &err), HEARTH_INVALID);
    }
    text[length] = 'a';
    assert_int_equal(parse(view_of(text, length + 1), &err), HEARTH_INVALID);
    assert_string_equal(err.message, "this invitation was not copied whole");
}

static void other_words_and_newer_ones_are_told_apart(void **state)
{
    (void)state;
    struct hearth_err err;
    assert_int_equal(parse(view_text(""), &err), HEARTH_INVALID);
    assert_int_equal(parse(view_text("   "), &err), HEARTH_INVALID);
    assert_int_equal(parse(view_text("hello"), &err), HEARTH_INVALID);
    assert_string_equal(err.message, "this is not an invitation: those begin with \"hearth1\"");
    assert_int_equal(parse(view_text("hearth2abc"), &err), HEARTH_UNKNOWN_FORMAT);
}

static void random_words_are_refused(void **state)
{
    (void)state;
    struct test_env env;
    struct hearth_err err;
    char text[INVITE_TEXT_MAX + 64] = "hearth1";
    test_env_init(&env, 7);
    for (int round = 0; round < 2000; round++) {
        const size_t length = 7 + (size_t)env_random_below(&env.env, sizeof(text) - 7);
        for (size_t i = 7; i < length; i++) {
            text[i] = "abcdefghijklmnopqrstuvwxyz234567"[env_random_below(&env.env, 32)];
        }
        assert_int_equal(parse(view_of(text, length), &err), HEARTH_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_as_it_was),
        cmocka_unit_test(the_largest_fits_exactly),
        cmocka_unit_test(pasting_does_not_hurt_it),
        cmocka_unit_test(it_is_one_word_of_letters_and_digits),
        cmocka_unit_test(the_text_is_the_golden_one),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(every_cut_and_every_longer_one_is_refused),
        cmocka_unit_test(other_words_and_newer_ones_are_told_apart),
        cmocka_unit_test(random_words_are_refused),
    };
    return cmocka_run_group_tests_name("invite", tests, NULL, NULL);
}
