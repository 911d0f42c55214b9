/*
 * put_digest: the same units in the same places under the same key, and nothing else, look the
 * same.
 */
#include "client/put_digest.h"
#include "tests/lib/test.h"

static const struct upload_key key = {{1, 2, 3}};
static const struct upload_key other_key = {{1, 2, 4}};

/* Of texts, one a unit, after `skipped` units of a segment before. */
static void digest_of(const struct upload_key *of, unsigned skipped, const char *first,
    const char *second, uint8_t out[PUT_DIGEST_SIZE])
{
    struct put_digest digest;
    put_digest_init(&digest, of);
    for (unsigned i = 0; i < skipped; i++) {
        put_digest_unit(&digest, view_text("before"));
    }
    put_digest_end(&digest, out);
    put_digest_unit(&digest, view_text(first));
    put_digest_unit(&digest, view_text(second));
    put_digest_end(&digest, out);
    put_digest_fini(&digest);
}

static void only_the_same_looks_the_same(void **state)
{
    (void)state;
    uint8_t one[PUT_DIGEST_SIZE];
    uint8_t two[PUT_DIGEST_SIZE];
    digest_of(&key, 3, "ab", "cd", one);
    digest_of(&key, 3, "ab", "cd", two);
    assert_memory_equal(one, two, sizeof(one));
    digest_of(&key, 3, "cd", "ab", two);
    assert_memory_not_equal(one, two, sizeof(one));
    digest_of(&key, 3, "ab", "cD", two);
    assert_memory_not_equal(one, two, sizeof(one));
    digest_of(&key, 4, "ab", "cd", two);
    assert_memory_not_equal(one, two, sizeof(one));
    digest_of(&other_key, 3, "ab", "cd", two);
    assert_memory_not_equal(one, two, sizeof(one));
}

static void a_unit_twice_is_not_two_units_that_cancel_out(void **state)
{
    (void)state;
    uint8_t one[PUT_DIGEST_SIZE];
    uint8_t two[PUT_DIGEST_SIZE];
    digest_of(&key, 0, "ab", "ab", one);
    digest_of(&key, 0, "cd", "cd", two);
    assert_memory_not_equal(one, two, sizeof(one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_same_looks_the_same),
        cmocka_unit_test(a_unit_twice_is_not_two_units_that_cancel_out),
    };
    return cmocka_run_group_tests_name("put_digest", tests, NULL, NULL);
}
