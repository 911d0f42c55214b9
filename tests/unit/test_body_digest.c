/*
 * body_digest: who hashes anyway can take Content-MD5 over; nothing else changes hands.
 */
#include "gateway/body_digest.h"
#include "tests/lib/test.h"

static const struct http_header headers[] = {
    {"content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="}, /* of 123456789 */
    {"x-amz-checksum-crc32", "y/Q5Jg=="},
};

static enum s3_error digest_of(const char *bytes, unsigned header_count, bool hands_over)
{
    const struct http_head head = {.header_count = header_count, .headers = headers};
    struct body_digest digest;
    const char *why;
    assert_int_equal(
        body_digest_init(&digest, &head, view_text("UNSIGNED-PAYLOAD"), true, &why), S3_ERROR_NONE);
    if (hands_over) {
        const uint8_t *md5 = body_digest_hand_over_md5(&digest);
        assert_non_null(md5);
        assert_int_equal(md5[0], 0x25);
        assert_null(body_digest_hand_over_md5(&digest)); /* once */
    }
    body_digest_update(&digest, view_text(bytes));
    enum s3_error error = body_digest_finish(&digest);
    body_digest_fini(&digest);
    return error;
}

static void content_md5_is_verified_by_who_has_it(void **state)
{
    (void)state;
    assert_int_equal(digest_of("123456789", 1, false), S3_ERROR_NONE);
    assert_int_equal(digest_of("12345678x", 1, false), S3_ERROR_BAD_DIGEST);
    assert_int_equal(digest_of("12345678x", 1, true), S3_ERROR_NONE);
}

static void a_checksum_stays_with_the_body(void **state)
{
    (void)state;
    assert_int_equal(digest_of("123456789", 2, true), S3_ERROR_NONE);
    assert_int_equal(digest_of("12345678x", 2, true), S3_ERROR_BAD_DIGEST);
}

/* For who sends none, though it is wanted. */
static void a_checksum_is_made_of_what_came_without(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *expected;
    } cases[] = {
        {"CRC32", "y/Q5Jg=="},
        {"CRC32C", "4waSgw=="},
        {"CRC64NVME", "rosUhgp5mIg="},
        {"SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
        {"SHA256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct http_head head = {.header_count = 1, .headers = headers};
        const struct checksum_kind *kind = checksum_by_name(cases[i].name);
        struct body_digest digest;
        const char *why;
        assert_int_equal(
            body_digest_init(&digest, &head, view_text("UNSIGNED-PAYLOAD"), true, &why),
            S3_ERROR_NONE);
        body_digest_make(&digest, kind);
        body_digest_hand_over_md5(&digest);
        body_digest_update(&digest, view_text("1234"));
        body_digest_update(&digest, view_text("56789"));
        assert_int_equal(body_digest_finish(&digest), S3_ERROR_NONE);
        const struct hearth_checksum made = {
            .kind = kind->kind, .value = view_of(digest.checksum, kind->size)};
        char text[CHECKSUM_TEXT_SIZE];
        checksum_text(&made, 0, text);
        assert_string_equal(text, cases[i].expected);
        body_digest_fini(&digest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_md5_is_verified_by_who_has_it),
        cmocka_unit_test(a_checksum_stays_with_the_body),
        cmocka_unit_test(a_checksum_is_made_of_what_came_without),
    };
    return cmocka_run_group_tests_name("body_digest", tests, NULL, NULL);
}
