/*
 * sync_plan: what is copied, kept, compared and deleted, for every way two sides can differ.
 */
#include "tests/lib/test.h"
#include "tools/sync_plan.h"

#include <stdio.h>

static struct tree_list source;
static struct tree_list destination;

static int begin(void **state)
{
    (void)state;
    source = destination = (struct tree_list){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    tree_list_fini(&source);
    tree_list_fini(&destination);
    return 0;
}

static void add(struct tree_list *list, const char *name, uint64_t size, uint64_t time_unix_ms,
    const char *etag)
{
    const struct tree_entry entry = {view_text(name), size, time_unix_ms, etag};
    assert_true(tree_list_add(list, &entry));
}

/* "copy a new, keep b, ..." */
static const char *plan(struct sync_rules rules)
{
    static const char *const kinds[] = {"keep", "copy", "compare", "delete"};
    static char text[1024];
    size_t length = 0;
    struct sync_step step;
    tree_list_sort(&source);
    tree_list_sort(&destination);
    struct sync_plan plan = {&source, &destination, rules, 0, 0};
    text[0] = '\0';
    while (sync_plan_next(&plan, &step)) {
        const struct tree_entry *entry = step.source != NULL ? step.source : step.destination;
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s %.*s%s%s",
            length == 0 ? "" : ", ", kinds[step.kind], VIEW_ARGS(entry->name),
            step.kind == SYNC_KEEP ? "" : " ", step.kind == SYNC_KEEP ? "" : step.why);
    }
    return text;
}

static const struct sync_rules plain;
static const struct sync_rules deleting = {.deletes = true};
static const struct sync_rules by_content = {.by_content = true};

static void nothing_on_both_sides_is_nothing_to_do(void **state)
{
    (void)state;
    assert_string_equal(plan(deleting), "");
}

static void what_is_missing_is_copied(void **state)
{
    (void)state;
    add(&source, "b", 1, 5, NULL);
    add(&source, "a", 1, 5, NULL);
    assert_string_equal(plan(plain), "copy a new, copy b new");
}

static void what_differs_in_size_or_is_newer_is_copied(void **state)
{
    (void)state;
    add(&source, "same", 7, 5, NULL);
    add(&destination, "same", 7, 5, "e");
    add(&source, "older", 7, 4, NULL);
    add(&destination, "older", 7, 5, "e");
    add(&source, "newer", 7, 6, NULL);
    add(&destination, "newer", 7, 5, "e");
    add(&source, "size", 8, 4, NULL);
    add(&destination, "size", 7, 5, "e");
    assert_string_equal(plan(plain), "copy newer newer, keep older, keep same, copy size size");
}

static void content_decides_instead_of_the_time(void **state)
{
    (void)state;
    add(&source, "file", 7, 9, NULL);
    add(&destination, "file", 7, 5, "e");
    add(&source, "object", 7, 9, "e");
    add(&destination, "object", 7, 5, "e");
    add(&source, "other", 7, 4, "e");
    add(&destination, "other", 7, 5, "f");
    add(&source, "size", 8, 4, "e");
    add(&destination, "size", 7, 5, "e");
    assert_string_equal(
        plan(by_content), "compare file content, keep object, copy other content, copy size size");
}

static void only_who_asks_to_delete_deletes(void **state)
{
    (void)state;
    add(&source, "b", 1, 5, NULL);
    add(&destination, "a", 1, 5, "e");
    add(&destination, "b", 1, 5, "e");
    add(&destination, "c", 1, 5, "e");
    assert_string_equal(plan(plain), "keep b");
    assert_string_equal(plan(deleting), "delete a gone, keep b, delete c gone");
}

static void names_are_compared_by_their_bytes(void **state)
{
    (void)state;
    add(&source, "a/b", 1, 5, NULL);
    add(&source, "a-b", 1, 5, NULL);
    add(&source, "a", 1, 5, NULL);
    add(&source, "\xC3\xA4", 1, 5, NULL);
    add(&destination, "a-b", 1, 5, "e");
    add(&destination, "a", 1, 5, "e");
    add(&destination, "z", 1, 5, "e");
    assert_string_equal(
        plan(deleting), "keep a, keep a-b, copy a/b new, delete z gone, copy \xC3\xA4 new");
}

static void a_list_keeps_copies_of_many_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", (i * 7919) % 5000);
        add(&source, name, i, i, NULL);
    }
    tree_list_sort(&source);
    assert_int_equal(source.count, 5000);
    for (size_t i = 1; i < source.count; i++) {
        assert_true(tree_name_compare(source.entries[i - 1].name, source.entries[i].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_on_both_sides_is_nothing_to_do, begin, end),
        cmocka_unit_test_setup_teardown(what_is_missing_is_copied, begin, end),
        cmocka_unit_test_setup_teardown(what_differs_in_size_or_is_newer_is_copied, begin, end),
        cmocka_unit_test_setup_teardown(content_decides_instead_of_the_time, begin, end),
        cmocka_unit_test_setup_teardown(only_who_asks_to_delete_deletes, begin, end),
        cmocka_unit_test_setup_teardown(names_are_compared_by_their_bytes, begin, end),
        cmocka_unit_test_setup_teardown(a_list_keeps_copies_of_many_names, begin, end),
    };
    return cmocka_run_group_tests_name("sync_plan", tests, NULL, NULL);
}
