/*
 * s3_url: what is typed names exactly one bucket and key, or is refused with a reason.
 */
#include "tests/lib/test.h"
#include "tools/s3_url.h"

#include <stdlib.h>
#include <string.h>

static void a_url_is_a_bucket_and_the_rest(void **state)
{
    (void)state;
    struct hearth_err err;
    struct s3_url url;
    assert_ok(s3_url_parse("s3://photos/2026/a b//c", &url, &err), &err);
    assert_string_equal(url.bucket, "photos");
    assert_true(view_equal(url.key, view_text("2026/a b//c")));

    assert_ok(s3_url_parse("s3://photos", &url, &err), &err);
    assert_int_equal(url.key.size, 0);
    assert_ok(s3_url_parse("s3://photos/", &url, &err), &err);
    assert_int_equal(url.key.size, 0);
}

static void a_key_is_never_tidied(void **state)
{
    (void)state;
    struct hearth_err err;
    struct s3_url url;
    assert_ok(s3_url_parse_object("s3://b/../../etc/\x01passwd", &url, &err), &err);
    assert_true(view_equal(url.key, view_text("../../etc/\x01passwd")));
    assert_ok(s3_url_parse_object("s3://b//", &url, &err), &err);
    assert_true(view_equal(url.key, view_text("/")));
}

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    struct hearth_err err;
    struct s3_url url;
    assert_int_equal(s3_url_parse("photos/a", &url, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "photos/a: expected s3://BUCKET/KEY");
    assert_int_equal(s3_url_parse("s3:///a", &url, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "s3:///a: the bucket is missing");
    assert_int_equal(s3_url_parse_bucket("s3://b/a", &url, &err), HEARTH_INVALID);
    assert_int_equal(s3_url_parse_object("s3://b", &url, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "the key is missing");

    char text[400] = "s3://";
    memset(text + 5, 'b', sizeof(text) - 6);
    assert_int_equal(s3_url_parse(text, &url, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "bucket name of 394 characters, 63 are allowed");
}

static void a_key_has_1024_bytes_at_most(void **state)
{
    (void)state;
    struct hearth_err err;
    char key[1025];
    memset(key, 'k', sizeof(key));
    assert_ok(s3_key_check(view_of(key, 1024), &err), &err);
    assert_int_equal(s3_key_check(view_of(key, 1025), &err), HEARTH_INVALID);
    assert_non_null(strstr(err.message, "key of 1025 bytes"));
}

static void a_prefix_ends_at_a_slash(void **state)
{
    (void)state;
    struct hearth_err err;
    struct s3_prefix prefix;
    assert_ok(s3_prefix_init(&prefix, view_text("photos"), &err), &err);
    assert_true(view_equal(s3_prefix_view(&prefix), view_text("photos/")));
    assert_ok(s3_prefix_init(&prefix, view_text("photos/"), &err), &err);
    assert_true(view_equal(s3_prefix_view(&prefix), view_text("photos/")));
    assert_ok(s3_prefix_init(&prefix, view_text(""), &err), &err);
    assert_int_equal(prefix.size, 0);
}

static void only_utf8_is_a_key(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\xa5",
        "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\x7f"};
    static const char *const bad[] = {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82",
        "\xf0\x8f\xbf\xbf"};
    struct hearth_err err;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_ok(s3_key_check(view_text(good[i]), &err), &err);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(s3_key_check(view_text(bad[i]), &err), HEARTH_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_a_bucket_and_the_rest),
        cmocka_unit_test(a_key_is_never_tidied),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(a_key_has_1024_bytes_at_most),
        cmocka_unit_test(a_prefix_ends_at_a_slash),
        cmocka_unit_test(only_utf8_is_a_key),
    };
    return cmocka_run_group_tests_name("s3_url", tests, NULL, NULL);
}
