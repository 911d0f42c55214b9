/*
 * prefix_totals: what is told of a listing, at every depth.
 */
#include "tests/lib/test.h"
#include "tools/prefix_totals.h"

#include <inttypes.h>
#include <stdio.h>

static char told[1024];

static void tell(void *context, const struct prefix_total *total)
{
    (void)context;
    size_t length = strlen(told);
    snprintf(told + length, sizeof(told) - length, "[%.*s] %" PRIu64 " %" PRIu64 "\n",
        VIEW_ARGS(total->prefix), total->objects, total->bytes);
}

/* Each key has a size of ten times the one before it, from 1 on. */
static const char *totals_of(unsigned depth, unsigned count, const char *const *keys)
{
    static struct prefix_totals totals;
    totals = (struct prefix_totals){.depth = depth, .tell = tell};
    told[0] = '\0';
    uint64_t size = 1;
    for (unsigned i = 0; i < count; i++, size *= 10) {
        prefix_totals_add(&totals, view_text(keys[i]), size);
    }
    prefix_totals_end(&totals);
    return told;
}

static const char *const keys[] = {"a", "a-b", "a/1", "a/x/2", "a/x/3", "b/x/4", "c"};

static void depth_zero_is_the_whole(void **state)
{
    (void)state;
    assert_string_equal(totals_of(0, 7, keys), "[] 7 1111111\n");
    assert_string_equal(totals_of(0, 0, keys), "[] 0 0\n");
}

static void each_prefix_holds_what_is_beneath_it(void **state)
{
    (void)state;
    assert_string_equal(totals_of(1, 7, keys), "[a/] 3 11100\n[b/] 1 100000\n[] 7 1111111\n");
    static const char all[] = "[a/x/] 2 11000\n[a/] 3 11100\n[b/x/] 1 100000\n[b/] 1 100000\n"
                              "[] 7 1111111\n";
    assert_string_equal(totals_of(2, 7, keys), all);
    assert_string_equal(totals_of(PREFIX_DEPTH_MAX, 7, keys), all);
}

static void empty_components_are_levels_too(void **state)
{
    (void)state;
    static const char *const odd[] = {"/", "//a", "x/"};
    assert_string_equal(totals_of(2, 3, odd), "[//] 1 10\n[/] 2 11\n[x/] 1 100\n[] 3 111\n");
}

static void the_deepest_key_fits(void **state)
{
    (void)state;
    char deep[HEARTH_KEY_MAX + 1];
    memset(deep, '/', HEARTH_KEY_MAX);
    deep[HEARTH_KEY_MAX] = '\0';
    const char *const one[] = {deep};
    static struct prefix_totals totals;
    totals = (struct prefix_totals){.depth = PREFIX_DEPTH_MAX, .tell = tell};
    told[0] = '\0';
    prefix_totals_add(&totals, view_text(deep), 1);
    assert_int_equal(totals.open_count, HEARTH_KEY_MAX);
    prefix_totals_end(&totals);
    assert_string_equal(totals_of(1, 1, one), "[/] 1 1\n[] 1 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_zero_is_the_whole),
        cmocka_unit_test(each_prefix_holds_what_is_beneath_it),
        cmocka_unit_test(empty_components_are_levels_too),
        cmocka_unit_test(the_deepest_key_fits),
    };
    return cmocka_run_group_tests_name("prefix_totals", tests, NULL, NULL);
}
