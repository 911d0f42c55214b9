/*
 * copy_source: where a copy comes from is bytes, decoded once, and never a path.
 */
#include "gateway/copy_source.h"
#include "tests/lib/test.h"

#include <string.h>

static void parses_to(const char *header, const char *bucket, struct view key)
{
    struct arena arena;
    struct copy_source source;
    arena_init(&arena, 0);
    assert_int_equal(copy_source_parse(header, &arena, &source), S3_ERROR_NONE);
    assert_string_equal(source.bucket, bucket);
    assert_true(view_equal(source.key, key));
    arena_fini(&arena);
}

static void fails_with(const char *header, enum s3_error error)
{
    struct arena arena;
    struct copy_source source;
    arena_init(&arena, 0);
    assert_int_equal(copy_source_parse(header, &arena, &source), error);
    arena_fini(&arena);
}

static void keys_are_bytes(void **state)
{
    (void)state;
    parses_to("bucket/key", "bucket", view_text("key"));
    parses_to("/bucket/key", "bucket", view_text("key"));
    parses_to("bucket%2Fkey", "bucket", view_text("key"));
    parses_to("/bucket//a/../%2e%2e/", "bucket", view_text("/a/../../"));
    parses_to("bucket/a+b%2Bc", "bucket", view_text("a+b+c"));
    parses_to("bucket/a%00b", "bucket", view_of("a\0b", 3));
    parses_to("bucket/%C3%A4?x", "bucket", view_text("\xc3\xa4?x"));
    parses_to("bucket/k?versionId=null", "bucket", view_text("k"));
    parses_to("bucket/k%3FversionId=7", "bucket", view_text("k?versionId=7"));
}

static void what_is_no_source_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "/", "bucket", "bucket/", "/bucket", "//key",
        "bucket/%", "bucket/%2", "bucket/%zz", "buc%00ket/key"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        fails_with(wrong[i], S3_ERROR_INVALID_ARGUMENT);
    }
    fails_with("bucket/key?versionId=3", S3_ERROR_NO_SUCH_VERSION);
    char longest[8 + 1025 + 1] = "/bucket/";
    memset(longest + 8, 'k', 1025);
    fails_with(longest, S3_ERROR_KEY_TOO_LONG);
    longest[8 + 1024] = '\0';
    parses_to(longest, "bucket", view_text(longest + 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(what_is_no_source_is_refused),
    };
    return cmocka_run_group_tests_name("copy_source", tests, NULL, NULL);
}
