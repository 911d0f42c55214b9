/*
 * tree_side: what names become on each side, and which sides must not be source and destination.
 */
#include "tests/lib/test.h"
#include "tools/tree_side.h"

static struct arena arena;

static struct tree_side side_of(const char *typed)
{
    struct tree_side side;
    struct hearth_err err;
    assert_ok(tree_side_parse(typed, &side, &err), &err);
    return side;
}

static const char *text_of(const char *typed, const char *name)
{
    struct tree_side side = side_of(typed);
    return arena_text(&arena, tree_side_text(&side, view_text(name), &arena));
}

static void names_are_joined_with_one_slash(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    assert_string_equal(text_of("dir", "a/b"), "dir/a/b");
    assert_string_equal(text_of("dir/", "a"), "dir/a");
    assert_string_equal(text_of("/", "a"), "/a");
    assert_string_equal(text_of("s3://b", "a"), "s3://b/a");
    assert_string_equal(text_of("s3://b/", "a"), "s3://b/a");
    assert_string_equal(text_of("s3://b/p", "a"), "s3://b/p/a");
    assert_string_equal(text_of("s3://b/p/", "/a"), "s3://b/p//a");
    struct tree_side side = side_of("s3://b/p");
    assert_true(view_equal(tree_side_key(&side, view_text("a"), &arena), view_text("p/a")));
    arena_fini(&arena);
}

static bool overlap(const char *a, const char *b)
{
    struct tree_side first = side_of(a);
    struct tree_side second = side_of(b);
    assert_int_equal(tree_sides_overlap(&first, &second), tree_sides_overlap(&second, &first));
    return tree_sides_overlap(&first, &second);
}

static void prefixes_within_each_other_overlap(void **state)
{
    (void)state;
    assert_true(overlap("s3://b/p", "s3://b/p/"));
    assert_true(overlap("s3://b/p", "s3://b/p/q"));
    assert_true(overlap("s3://b", "s3://b/p"));
    assert_true(overlap("s3://b", "s3://b"));
    assert_false(overlap("s3://b/p", "s3://b/pq"));
    assert_false(overlap("s3://b/p", "s3://b/q"));
    assert_false(overlap("s3://b/p", "s3://c/p"));
    assert_false(overlap("s3://b/p", "p"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_joined_with_one_slash),
        cmocka_unit_test(prefixes_within_each_other_overlap),
    };
    return cmocka_run_group_tests_name("tree_side", tests, NULL, NULL);
}
