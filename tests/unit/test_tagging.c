/*
 * tagging: tags as S3 sends them; what breaks a rule of S3 is refused.
 */
#include "gateway/tagging.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;
static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void a_header_is_a_query(void **state)
{
    (void)state;
    struct tagging tagging;
    assert_int_equal(
        tagging_parse("a=1&b%20c=%C3%A4+x&empty=&alone", &arena, &tagging), S3_ERROR_NONE);
    assert_int_equal(tagging.count, 4);
    assert_string_equal(tagging.items[1].name, "b c");
    assert_true(view_equal(tagging.items[1].value, view_text("\xc3\xa4 x")));
    assert_int_equal(tagging.items[2].value.size, 0);
    assert_string_equal(tagging.items[3].name, "alone");
    assert_int_equal(tagging_parse("", &arena, &tagging), S3_ERROR_NONE);
    assert_int_equal(tagging.count, 0);
}

static void what_breaks_a_rule_is_refused(void **state)
{
    (void)state;
    struct tagging tagging;
    char text[4 * TAGGING_VALUE_MAX];
    assert_int_equal(tagging_parse("a=1&a=2", &arena, &tagging), S3_ERROR_INVALID_TAG);
    assert_int_equal(tagging_parse("=1", &arena, &tagging), S3_ERROR_INVALID_TAG);
    assert_int_equal(tagging_parse("a%00b=1", &arena, &tagging), S3_ERROR_INVALID_TAG);
    assert_int_equal(tagging_parse("a=%4", &arena, &tagging), S3_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tagging_parse("1&2&3&4&5&6&7&8&9&10", &arena, &tagging), S3_ERROR_NONE);
    assert_int_equal(
        tagging_parse("1&2&3&4&5&6&7&8&9&10&11", &arena, &tagging), S3_ERROR_INVALID_TAG);
    for (int extra = 0; extra < 2; extra++) {
        memset(text, 'n', sizeof(text));
        text[TAGGING_NAME_MAX + extra] = '\0';
        assert_int_equal(tagging_parse(text, &arena, &tagging),
            extra == 0 ? S3_ERROR_NONE : S3_ERROR_INVALID_TAG);
        memcpy(text, "n=", 2);
        memset(text + 2, 'v', sizeof(text) - 2);
        text[2 + TAGGING_VALUE_MAX + extra] = '\0';
        assert_int_equal(tagging_parse(text, &arena, &tagging),
            extra == 0 ? S3_ERROR_NONE : S3_ERROR_INVALID_TAG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_header_is_a_query, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_breaks_a_rule_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("tagging", tests, NULL, NULL);
}
