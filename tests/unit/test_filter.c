/*
 * filter: what a pattern matches, which rule decides, and which patterns are refused.
 */
#include "tests/lib/test.h"
#include "tools/filter.h"

static struct program_list rules;

static void no_rules(void)
{
    rules.count = 0;
}

static void add(const char *name, const char *pattern)
{
    rules.items[rules.count].name = name;
    rules.items[rules.count++].value = pattern;
}

static bool is_meant(const char *name)
{
    return filter_includes(&rules, view_text(name));
}

/* Whether one pattern matches: as the only rule, it excludes what it matches. */
static bool matches_bytes(const char *pattern, struct view name)
{
    struct hearth_err err;
    no_rules();
    add("exclude", pattern);
    assert_int_equal(filter_check(&rules, &err), PROGRAM_DONE);
    return !filter_includes(&rules, name);
}

static bool matches(const char *pattern, const char *name)
{
    return matches_bytes(pattern, view_text(name));
}

static void a_pattern_is_for_the_whole_name(void **state)
{
    (void)state;
    assert_true(matches("garden.jpg", "garden.jpg"));
    assert_false(matches("garden", "garden.jpg"));
    assert_false(matches("jpg", "garden.jpg"));
    assert_true(matches("", ""));
    assert_false(matches("", "a"));
    assert_false(matches("a", ""));
}

static void a_star_takes_any_run_of_characters_and_slashes(void **state)
{
    (void)state;
    assert_true(matches("*", ""));
    assert_true(matches("*", "a/b/c"));
    assert_true(matches("*.jpg", "2026/garden.jpg"));
    assert_false(matches("*.jpg", "garden.jpg.txt"));
    assert_true(matches("2026/*", "2026/a/b"));
    assert_false(matches("2026/*", "2026"));
    assert_true(matches("*a*b*", "xxaxxbxx"));
    assert_true(matches("*ab", "aab"));
    assert_true(matches("*ab*ac", "abacabac"));
    assert_false(matches("*ab*ac", "abacaba"));
    assert_true(matches("a**", "a"));
}

static void a_question_mark_is_one_character_not_one_byte(void **state)
{
    (void)state;
    assert_true(matches("gr?n", "gr\xC3\xBCn"));
    assert_true(matches("?", "\xF0\x9F\x94\xA5"));
    assert_false(matches("?", ""));
    assert_false(matches("?", "ab"));
    assert_true(matches("?\xFF", "\xFE\xFF"));
    assert_true(matches("a?b", "a/b"));
    assert_true(matches_bytes("a?b", view_of("a\0b", 3)));
    assert_false(matches_bytes("a", view_of("a\0", 2)));
}

static void sets_hold_ranges_and_their_opposite(void **state)
{
    (void)state;
    assert_true(matches("[a-c]1", "b1"));
    assert_false(matches("[a-c]1", "d1"));
    assert_true(matches("[!a-c]", "d"));
    assert_false(matches("[^a-c]", "a"));
    assert_true(matches("[]]", "]"));
    assert_true(matches("[!]]", "a"));
    assert_true(matches("[a-]", "-"));
    assert_true(matches("[\xC3\xA4-\xC3\xBC]", "\xC3\xB6"));
    assert_true(matches("[\\]a]x", "]x"));
    assert_false(matches("[a]", ""));
}

static void a_backslash_takes_the_meaning_away(void **state)
{
    (void)state;
    assert_true(matches("\\*", "*"));
    assert_false(matches("\\*", "a"));
    assert_true(matches("a\\?\\[\\\\", "a?[\\"));
}

static void a_long_pattern_of_stars_ends(void **state)
{
    (void)state;
    char name[1025];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_false(matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
}

static void the_last_rule_that_matches_decides(void **state)
{
    (void)state;
    no_rules();
    assert_true(is_meant("anything"));
    add("exclude", "*");
    add("include", "*.jpg");
    add("exclude", "private/*");
    assert_false(is_meant("a.txt"));
    assert_true(is_meant("a.jpg"));
    assert_false(is_meant("private/a.jpg"));
    add("include", "private/cat.jpg");
    assert_true(is_meant("private/cat.jpg"));
    assert_false(is_meant("private/dog.jpg"));

    no_rules();
    add("include", "*.jpg");
    assert_true(is_meant("a.txt")); /* including alone takes nothing away */
    add("exclude", "*");
    assert_false(is_meant("a.jpg"));
}

static void patterns_that_do_not_end_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[", "a[b", "[]", "[!]", "[!", "[\\]", "a\\", "x[a-\\"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct hearth_err err;
        no_rules();
        add("include", "fine*");
        add("exclude", bad[i]);
        assert_int_equal(filter_check(&rules, &err), PROGRAM_USAGE);
        assert_non_null(strstr(err.message, "--exclude "));
        filter_includes(&rules, view_text("a]b")); /* even so it stays within its bounds */
        filter_includes(&rules, view_text(""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_for_the_whole_name),
        cmocka_unit_test(a_star_takes_any_run_of_characters_and_slashes),
        cmocka_unit_test(a_question_mark_is_one_character_not_one_byte),
        cmocka_unit_test(sets_hold_ranges_and_their_opposite),
        cmocka_unit_test(a_backslash_takes_the_meaning_away),
        cmocka_unit_test(a_long_pattern_of_stars_ends),
        cmocka_unit_test(the_last_rule_that_matches_decides),
        cmocka_unit_test(patterns_that_do_not_end_are_refused),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
