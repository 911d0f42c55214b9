/*
 * presign: what is signed on the command line is what a gateway takes, for every byte a key can
 * have; the address names host and port as clients do.
 */
#include "tools/presign.h"

#include "gateway/sig_canonical.h"
#include "tests/lib/test.h"
#include "tests/lib/test_sign.h"

#include <stdio.h>

static struct presign something(void)
{
    return (struct presign){
        .method = "GET",
        .endpoint = "http://127.0.0.1:9000",
        .bucket = "photos",
        .key = view_text("2026/garden.jpg"),
        .region = "us-east-1",
        .access_key = test_signer_published.access_key,
        .secret = test_signer_published.secret,
        .expires_s = 3600,
        .now_unix_ms = UINT64_C(1369353600) * 1000,
    };
}

/* As a gateway that is at that host would: whether the signature in the address is right. */
static bool is_taken(const char *url, const char *host, const char *method)
{
    const struct http_header headers[] = {{"host", host}};
    const char *target = strchr(strstr(url, "://") + 3, '/');
    const struct http_head head = {
        .method = method, .target = target, .header_count = 1, .headers = headers};
    struct arena arena;
    struct sig_query query;
    struct sig_claim claim;
    struct view canonical;
    const char *why;
    uint8_t key[CRYPTO_KEY_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE + 1];
    arena_init(&arena, 0);
    assert_int_equal(sig_query_parse(target, &arena, &query), S3_ERROR_NONE);
    assert_int_equal(sig_claim_parse(&head, &query, &arena, &claim, &why), S3_ERROR_NONE);
    assert_int_equal(claim.kind, SIG_PRESIGNED);
    assert_int_equal(
        sig_canonical_request(&head, &query, &claim, &arena, &canonical, &why), S3_ERROR_NONE);
    sigv4_derive_key(view_text(test_signer_published.secret), &claim.scope, key);
    sigv4_sign_request(key, &claim.scope, claim.time, canonical, signature);
    bool is_right = view_equal(claim.signature, view_text(signature));
    arena_fini(&arena);
    return is_right;
}

static void an_address_is_taken_for_every_byte_of_a_key(void **state)
{
    (void)state;
    struct hearth_err err;
    char url[PRESIGN_URL_SIZE];
    struct presign presign = something();
    for (unsigned byte = 1; byte < 256; byte++) {
        const char key[] = {'a', (char)byte, 'b'};
        presign.key = view_of(key, sizeof(key));
        assert_ok(presign_url(&presign, url, &err), &err);
        assert_true(is_taken(url, "127.0.0.1:9000", "GET"));
        assert_false(is_taken(url, "127.0.0.1:9000", "PUT"));
        assert_false(is_taken(url, "127.0.0.1", "GET"));
    }
}

static void an_address_reads_as_expected(void **state)
{
    (void)state;
    struct hearth_err err;
    char url[PRESIGN_URL_SIZE];
    const struct presign presign = something();
    static const char expected[] =
        "http://127.0.0.1:9000/photos/2026/garden.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=";
    assert_ok(presign_url(&presign, url, &err), &err);
    assert_int_equal(strncmp(url, expected, sizeof(expected) - 1), 0);
    assert_int_equal(strlen(url), sizeof(expected) - 1 + SIGV4_SIGNATURE_SIZE);
}

static void a_port_that_goes_without_saying_is_not_said(void **state)
{
    (void)state;
    struct hearth_err err;
    char url[PRESIGN_URL_SIZE];
    struct presign presign = something();
    presign.endpoint = "https://s3.example.org:443/";
    assert_ok(presign_url(&presign, url, &err), &err);
    assert_true(is_taken(url, "s3.example.org", "GET"));
    presign.endpoint = "http://s3.example.org:80";
    assert_ok(presign_url(&presign, url, &err), &err);
    assert_true(is_taken(url, "s3.example.org", "GET"));
    presign.endpoint = "http://s3.example.org:443";
    assert_ok(presign_url(&presign, url, &err), &err);
    assert_true(is_taken(url, "s3.example.org:443", "GET"));
}

static void what_cannot_be_signed_is_refused(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"", "s3.example.org", "ftp://x", "http://", "http:///",
        "http://host/path", "https://host?x"};
    struct hearth_err err;
    char url[PRESIGN_URL_SIZE];
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        struct presign presign = something();
        presign.endpoint = endpoints[i];
        assert_int_equal(presign_url(&presign, url, &err), HEARTH_INVALID);
    }
    struct presign presign = something();
    presign.expires_s = 0;
    assert_int_equal(presign_url(&presign, url, &err), HEARTH_INVALID);
    presign.expires_s = PRESIGN_EXPIRES_MAX_S + 1;
    assert_int_equal(presign_url(&presign, url, &err), HEARTH_INVALID);
    presign.expires_s = PRESIGN_EXPIRES_MAX_S;
    assert_ok(presign_url(&presign, url, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_taken_for_every_byte_of_a_key),
        cmocka_unit_test(an_address_reads_as_expected),
        cmocka_unit_test(a_port_that_goes_without_saying_is_not_said),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
    };
    return cmocka_run_group_tests_name("presign", tests, NULL, NULL);
}
