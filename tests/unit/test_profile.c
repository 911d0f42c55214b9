/*
 * profile: the numbers of every profile make sense together, and names and numbers find them.
 */
#include "coordinator/fleet/profile.h"

#include "coordinator/meta/meta_types.h"
#include "tests/lib/test.h"

static void numbers_of_each_profile_fit_together(void **state)
{
    (void)state;
    for (unsigned i = 0; i < profile_count; i++) {
        const struct profile *profile = &profile_table[i];
        assert_in_range(profile->k, 1, profile->r - 1); /* repair starts with something to spare */
        assert_in_range(profile->r, profile->k + 1, profile->w);
        assert_in_range(profile->w, profile->r, profile->n - 1);
        assert_in_range(profile->fill, profile->w, profile->n);
        assert_in_range(profile->n, profile->fill, META_SLOTS_MAX);
        assert_true(profile->nodes_min >= profile->n);
        assert_true(profile->lost_after_s > 0);
    }
}

static void each_is_found_by_its_name_and_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < profile_count; i++) {
        const struct profile *profile = &profile_table[i];
        assert_ptr_equal(profile_by_name(view_text(profile->name)), profile);
        assert_ptr_equal(profile_by_number(profile->number), profile);
    }
    assert_null(profile_by_name(view_text("loca")));
    assert_null(profile_by_number(0));
    assert_string_equal(profile_by_name(view_text(""))->name, "local");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_each_profile_fit_together),
        cmocka_unit_test(each_is_found_by_its_name_and_number),
    };
    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
