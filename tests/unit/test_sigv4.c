/*
 * sigv4: keys and signatures are those that AWS publishes for its examples.
 *
 * The examples are of "Authenticating Requests: Using the Authorization Header" and "Signature
 * Calculations ... Transferring Payload in Multiple Chunks", Amazon S3 API Reference:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
#include "common/sigv4.h"

#include "common/codec.h"
#include "tests/lib/test.h"

#include <stdlib.h>

static const struct sigv4_scope scope = {
    .date = {(const uint8_t *)"20130524", 8}, .region = {(const uint8_t *)"us-east-1", 9}};

static void derive(uint8_t key[CRYPTO_KEY_SIZE])
{
    sigv4_derive_key(view_text("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), &scope, key);
}

static void a_request_is_signed_as_published(void **state)
{
    (void)state;
    static const char canonical[] =
        "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
        "x-amz-content-sha256:"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        "x-amz-date:20130524T000000Z\n\n"
        "host;range;x-amz-content-sha256;x-amz-date\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    uint8_t key[CRYPTO_KEY_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE + 1];
    derive(key);
    sigv4_sign_request(key, &scope, view_text("20130524T000000Z"), view_text(canonical), signature);
    assert_string_equal(
        signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void next_chunk(const uint8_t key[CRYPTO_KEY_SIZE], size_t size, char signature[65])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char previous[SIGV4_SIGNATURE_SIZE + 1];
    uint8_t *letters = malloc(size + 1);
    memset(letters, 'a', size + 1);
    memcpy(previous, signature, sizeof(previous));
    crypto_sha256(view_of(letters, size), digest);
    sigv4_sign_piece(
        key, &scope, view_text("20130524T000000Z"), SIGV4_CHUNK, previous, digest, signature);
    free(letters);
}

static void chunks_are_signed_as_published(void **state)
{
    (void)state;
    uint8_t key[CRYPTO_KEY_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE + 1] =
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    derive(key);
    next_chunk(key, 65536, signature);
    assert_string_equal(
        signature, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    next_chunk(key, 1024, signature);
    assert_string_equal(
        signature, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    next_chunk(key, 0, signature);
    assert_string_equal(
        signature, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

static void another_day_or_region_is_another_key(void **state)
{
    (void)state;
    uint8_t key[CRYPTO_KEY_SIZE];
    uint8_t other[CRYPTO_KEY_SIZE];
    const struct sigv4_scope others[] = {
        {.date = view_text("20130525"), .region = scope.region},
        {.date = scope.date, .region = view_text("us-east-2")},
    };
    derive(key);
    for (size_t i = 0; i < 2; i++) {
        sigv4_derive_key(view_text("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), &others[i], other);
        assert_memory_not_equal(key, other, sizeof(key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_signed_as_published),
        cmocka_unit_test(chunks_are_signed_as_published),
        cmocka_unit_test(another_day_or_region_is_another_key),
    };
    return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
