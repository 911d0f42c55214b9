/*
 * sig_query, sig_claim, sig_canonical: the texts and signatures are those that AWS publishes; what
 * could mean two things is refused.
 *
 * Published: "Examples: Signature Calculations" and "Authenticating Requests: Using Query
 * Parameters", Amazon S3 API Reference, all with the same example credentials:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
#include "gateway/sig_canonical.h"

#include "tests/lib/test.h"
#include "tests/lib/test_sign.h"

#include <stdio.h>
#include <stdlib.h>

static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct fixture {
    struct arena arena;
    struct test_signed request;
    struct sig_query query;
    struct sig_claim claim;
    struct view canonical;
    const char *why;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    arena_init(&fixture->arena, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    free(fixture);
    return 0;
}

static enum s3_error examine(struct fixture *at)
{
    struct http_head head = test_signed_head(&at->request);
    enum s3_error error = sig_query_parse(head.target, &at->arena, &at->query);
    if (error == S3_ERROR_NONE) {
        error = sig_claim_parse(&head, &at->query, &at->arena, &at->claim, &at->why);
    }
    if (error == S3_ERROR_NONE && at->claim.kind != SIG_ANONYMOUS) {
        error = sig_canonical_request(
            &head, &at->query, &at->claim, &at->arena, &at->canonical, &at->why);
    }
    return error;
}

static void assert_signature(struct fixture *at, const char *expected)
{
    uint8_t key[CRYPTO_KEY_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE + 1];
    assert_int_equal(examine(at), S3_ERROR_NONE);
    sigv4_derive_key(view_text(test_signer_published.secret), &at->claim.scope, key);
    sigv4_sign_request(key, &at->claim.scope, at->claim.time, at->canonical, signature);
    assert_string_equal(signature, expected);
    assert_true(view_equal(at->claim.signature, view_text(expected)));
}

/* A request as published: headers as given, and the Authorization header. */
static void publish(struct fixture *at, const char *method, const char *target, const char *payload,
    const char *names, const char *signature)
{
    test_signed_init(&at->request, method, target);
    test_signed_add(&at->request, "x-amz-date", "20130524T000000Z");
    test_signed_add(&at->request, "x-amz-content-sha256", "%s", payload);
    test_signed_add(&at->request, "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=%s,Signature=%s",
        names, signature);
}

/* ---- what AWS publishes ---- */

static void a_get_of_a_range_is_signed_as_published(void **state)
{
    struct fixture *at = *state;
    const char *signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    publish(at, "GET", "/test.txt", empty_hash, "host;range;x-amz-content-sha256;x-amz-date",
        signature);
    test_signed_add(&at->request, "range", "bytes=0-9");
    assert_signature(at, signature);
}

static void a_put_with_a_dollar_in_its_key_is_signed_as_published(void **state)
{
    struct fixture *at = *state;
    const char *signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    publish(at, "PUT", "/test$file.text",
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", signature);
    test_signed_add(&at->request, "date", "Fri, 24 May 2013 00:00:00 GMT");
    test_signed_add(&at->request, "x-amz-storage-class", "REDUCED_REDUNDANCY");
    assert_signature(at, signature);
}

static void a_sub_resource_is_signed_as_published(void **state)
{
    struct fixture *at = *state;
    const char *signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
    publish(
        at, "GET", "/?lifecycle", empty_hash, "host;x-amz-content-sha256;x-amz-date", signature);
    assert_signature(at, signature);
}

static void a_listing_is_signed_as_published(void **state)
{
    struct fixture *at = *state;
    const char *signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    publish(at, "GET", "/?max-keys=2&prefix=J", empty_hash, "host;x-amz-content-sha256;x-amz-date",
        signature);
    assert_signature(at, signature);
}

static void a_presigned_get_is_signed_as_published(void **state)
{
    struct fixture *at = *state;
    test_signed_init(&at->request, "GET",
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    assert_signature(at, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    assert_int_equal(at->claim.expires_s, 86400);
}

static void a_body_in_chunks_begins_as_published(void **state)
{
    struct fixture *at = *state;
    const char *signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    publish(at, "PUT", "/examplebucket/chunkObject.txt", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length;x-amz-storage-class",
        signature);
    strcpy(test_signed_find(&at->request, "host"), "s3.amazonaws.com");
    test_signed_add(&at->request, "content-encoding", "aws-chunked");
    test_signed_add(&at->request, "content-length", "66824");
    test_signed_add(&at->request, "x-amz-decoded-content-length", "66560");
    test_signed_add(&at->request, "x-amz-storage-class", "REDUCED_REDUNDANCY");
    assert_signature(at, signature);
}

static void a_body_with_a_trailer_begins_as_published(void **state)
{
    struct fixture *at = *state;
    const char *signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    publish(at, "PUT", "/examplebucket/chunkObject.txt",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "content-encoding;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
        signature);
    strcpy(test_signed_find(&at->request, "host"), "s3.amazonaws.com");
    test_signed_add(&at->request, "content-encoding", "aws-chunked");
    test_signed_add(&at->request, "x-amz-decoded-content-length", "66560");
    test_signed_add(&at->request, "x-amz-storage-class", "REDUCED_REDUNDANCY");
    test_signed_add(&at->request, "x-amz-trailer", "x-amz-checksum-crc32c");
    assert_signature(at, signature);
}

/* ---- one form, however it was written ---- */

static void assert_path(struct fixture *at, const char *target, const char *expected)
{
    struct view path;
    assert_int_equal(sig_path_encode(target, &at->arena, &path), S3_ERROR_NONE);
    assert_true(view_equal(path, view_text(expected)));
}

static void a_path_is_decoded_once_and_encoded_once(void **state)
{
    struct fixture *at = *state;
    struct view path;
    assert_path(at, "/a~b/c d", "/a~b/c%20d");
    assert_path(at, "/a%7Eb/c%20d", "/a~b/c%20d");
    assert_path(at, "/%252F", "/%252F");
    assert_path(at, "/a%2fb", "/a/b");
    assert_path(at, "/+*'()!", "/%2B%2A%27%28%29%21");
    assert_path(at, "/.././/x/", "/.././/x/");
    assert_path(at, "/\xc3\xa9", "/%C3%A9");
    assert_path(at, "/a?b", "/a");
    assert_int_equal(sig_path_encode("/%zz", &at->arena, &path), S3_ERROR_INVALID_URI);
    assert_int_equal(sig_path_encode("/%4", &at->arena, &path), S3_ERROR_INVALID_URI);
    assert_int_equal(sig_path_encode("*", &at->arena, &path), S3_ERROR_INVALID_URI);
}

static void assert_query(struct fixture *at, const char *target, const char *expected)
{
    char text[512] = "";
    assert_int_equal(sig_query_parse(target, &at->arena, &at->query), S3_ERROR_NONE);
    for (unsigned i = 0; i < at->query.count; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof(text) - size, "%s%.*s=%.*s", i > 0 ? "&" : "",
            VIEW_ARGS(at->query.params[i].name), VIEW_ARGS(at->query.params[i].value));
    }
    assert_string_equal(text, expected);
}

static void a_query_is_sorted_by_what_is_signed(void **state)
{
    struct fixture *at = *state;
    assert_query(at, "/", "");
    assert_query(at, "/?", "");
    assert_query(at, "/?acl", "acl=");
    assert_query(at, "/?acl=", "acl=");
    assert_query(at, "/?b=2&a=1&&a=0", "a=0&a=1&b=2");
    assert_query(at, "/?a=x+y%2Bz", "a=x%20y%2Bz");
    assert_query(at, "/?prefix=a/b&A=~", "A=~&prefix=a%2Fb");
    assert_query(at, "/?a=b=c", "a=b%3Dc");
    assert_query(at, "/?aa=1&a%21=2&a=3", "a=3&a%21=2&aa=1"); /* '%' before letters */
}

static void blanks_of_a_header_are_one(void **state)
{
    struct fixture *at = *state;
    test_signed_init(&at->request, "GET", "/");
    test_signed_add(&at->request, "x-amz-meta-a", "  two \t words  ");
    test_signed_add(&at->request, "x-amz-meta-a", "more");
    test_sign_header(&at->request, &test_signer_published, empty_hash);
    char *list = test_signed_find(&at->request, "authorization");
    char *twice = strstr(list, ";x-amz-meta-a;x-amz-meta-a");
    memmove(twice, twice + 13, strlen(twice + 13) + 1);
    assert_int_equal(examine(at), S3_ERROR_NONE);
    assert_non_null(
        memmem(at->canonical.bytes, at->canonical.size, "\nx-amz-meta-a:two words,more\n", 29));
}

/* ---- what is refused ---- */

static void sign_something(struct fixture *at)
{
    test_signed_init(&at->request, "GET", "/photos/garden.jpg");
    test_sign_header(&at->request, &test_signer_published, empty_hash);
    assert_int_equal(examine(at), S3_ERROR_NONE);
}

static void what_means_something_and_is_not_signed_is_refused(void **state)
{
    struct fixture *at = *state;
    static const char *const names[] = {"x-amz-acl", "x-amz-copy-source", "x-amz-meta-a",
        "x-amz-tagging", "x-amz-storage-class", "x-amz-decoded-content-length",
        "x-amz-checksum-crc32", "x-amz-trailer", "content-md5", "x-amz-website-redirect-location"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sign_something(at);
        test_signed_add(&at->request, names[i], "something");
        assert_int_equal(examine(at), S3_ERROR_ACCESS_DENIED);
        test_signed_init(&at->request, "PUT", "/photos/garden.jpg");
        test_sign_query(&at->request, &test_signer_published, 60);
        assert_int_equal(examine(at), S3_ERROR_NONE);
        test_signed_add(&at->request, names[i], "something");
        assert_int_equal(examine(at), S3_ERROR_ACCESS_DENIED);
    }
}

static void a_token_is_refused_also_when_it_is_signed(void **state)
{
    struct fixture *at = *state;
    test_signed_init(&at->request, "GET", "/");
    test_signed_add(&at->request, "x-amz-security-token", "token");
    test_sign_header(&at->request, &test_signer_published, empty_hash);
    assert_int_equal(examine(at), S3_ERROR_ACCESS_DENIED);
}

static void two_claims_are_none(void **state)
{
    struct fixture *at = *state;
    sign_something(at);
    test_signed_add(
        &at->request, "authorization", "%s", test_signed_find(&at->request, "authorization"));
    assert_int_equal(examine(at), S3_ERROR_INVALID_ARGUMENT);
    sign_something(at);
    snprintf(at->request.target, sizeof(at->request.target), "/photos/garden.jpg?%s",
        "X-Amz-Signature=00");
    assert_int_equal(examine(at), S3_ERROR_INVALID_ARGUMENT);
    snprintf(at->request.target, sizeof(at->request.target), "/photos/garden.jpg?%s",
        "x-amz-credential=00");
    assert_int_equal(examine(at), S3_ERROR_INVALID_ARGUMENT);
}

static void half_a_claim_is_not_anonymous(void **state)
{
    struct fixture *at = *state;
    static const char *const targets[] = {"/?X-Amz-Signature=00", "/?X-Amz-Credential=a",
        "/?x-amz-algorithm=AWS4-HMAC-SHA256", "/?X-Amz-Expires=1", "/?X%2DAmz%2DSignature=00"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        test_signed_init(&at->request, "GET", targets[i]);
        assert_int_equal(examine(at), S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS);
    }
    test_signed_init(&at->request, "GET", "/?AWSAccessKeyId=a&Signature=b&Expires=1");
    assert_int_equal(examine(at), S3_ERROR_UNSUPPORTED_SIGNATURE);
    test_signed_init(&at->request, "GET", "/");
    test_signed_add(&at->request, "authorization", "AWS a:b");
    assert_int_equal(examine(at), S3_ERROR_UNSUPPORTED_SIGNATURE);
    test_signed_init(&at->request, "GET", "/");
    assert_int_equal(examine(at), S3_ERROR_NONE);
    assert_int_equal(at->claim.kind, SIG_ANONYMOUS);
}

static void a_parameter_of_the_signature_that_is_there_twice_is_refused(void **state)
{
    struct fixture *at = *state;
    static const char *const more[] = {"X-Amz-Signature=00", "X-Amz-Expires=86400",
        "X-Amz-Credential=x", "X-Amz-SignedHeaders=host", "X-Amz-Date=20130524T000000Z"};
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        test_signed_init(&at->request, "GET", "/photos/garden.jpg");
        test_sign_query(&at->request, &test_signer_published, 60);
        size_t size = strlen(at->request.target);
        snprintf(at->request.target + size, sizeof(at->request.target) - size, "&%s", more[i]);
        assert_int_equal(examine(at), S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS);
    }
}

static void a_malformed_header_is_refused(void **state)
{
    struct fixture *at = *state;
    static const struct {
        const char *value;
        enum s3_error error;
    } cases[] = {
        {"AWS4-HMAC-SHA256", S3_ERROR_UNSUPPORTED_SIGNATURE},
        {"AWS4-HMAC-SHA256 ", S3_ERROR_AUTHORIZATION_HEADER_MALFORMED},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request,SignedHeaders=host",
            S3_ERROR_AUTHORIZATION_HEADER_MALFORMED},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request,SignedHeaders=host,"
         "Signature=0,Signature=0",
            S3_ERROR_AUTHORIZATION_HEADER_MALFORMED},
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/s3,SignedHeaders=host,Signature=0",
            S3_ERROR_AUTHORIZATION_HEADER_MALFORMED},
        {"AWS4-HMAC-SHA256 Credential=a/20130525/r/s3/aws4_request,SignedHeaders=host,Signature=0",
            S3_ERROR_AUTHORIZATION_HEADER_MALFORMED}, /* another day than x-amz-date */
        {"AWS4-HMAC-SHA256 Credential=a/20130524/r/ec2/aws4_request,SignedHeaders=host,Signature=0",
            S3_ERROR_AUTHORIZATION_HEADER_MALFORMED},
        {"AWS4-HMAC-SHA256 Credential=/20130524/r/s3/aws4_request,SignedHeaders=host,Signature=0",
            S3_ERROR_AUTHORIZATION_HEADER_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sign_something(at);
        strcpy(test_signed_find(&at->request, "authorization"), cases[i].value);
        assert_int_equal(examine(at), cases[i].error);
    }
}

static void the_list_of_signed_headers_is_sorted_complete_and_true(void **state)
{
    struct fixture *at = *state;
    static const struct {
        const char *names;
        enum s3_error error;
    } cases[] = {
        {"host;x-amz-content-sha256;x-amz-date", S3_ERROR_NONE},
        {"host;x-amz-date;x-amz-content-sha256", S3_ERROR_SIGNATURE_DOES_NOT_MATCH},
        {"host;host;x-amz-content-sha256;x-amz-date", S3_ERROR_SIGNATURE_DOES_NOT_MATCH},
        {"absent;host;x-amz-content-sha256;x-amz-date", S3_ERROR_SIGNATURE_DOES_NOT_MATCH},
        {"Host;x-amz-content-sha256;x-amz-date", S3_ERROR_SIGNATURE_DOES_NOT_MATCH},
        {"host;x-amz-content-sha256;x-amz-date;", S3_ERROR_SIGNATURE_DOES_NOT_MATCH},
        {"x-amz-content-sha256;x-amz-date", S3_ERROR_ACCESS_DENIED},
        {"host;x-amz-content-sha256", S3_ERROR_ACCESS_DENIED},
        {"host;x-amz-date", S3_ERROR_ACCESS_DENIED},
        {"", S3_ERROR_ACCESS_DENIED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        publish(at, "GET", "/", empty_hash, cases[i].names, "00");
        assert_int_equal(examine(at), cases[i].error);
    }
}

static void there_is_one_host(void **state)
{
    struct fixture *at = *state;
    const char *names = "host;x-amz-content-sha256;x-amz-date";
    publish(at, "GET", "/", empty_hash, names, "00");
    test_signed_add(&at->request, "host", "elsewhere");
    assert_int_equal(examine(at), S3_ERROR_ACCESS_DENIED);
    publish(at, "GET", "/", empty_hash, "x-amz-content-sha256;x-amz-date", "00");
    test_signed_remove(&at->request, "host");
    assert_int_equal(examine(at), S3_ERROR_ACCESS_DENIED);
}

static void a_signed_request_says_what_its_body_is(void **state)
{
    struct fixture *at = *state;
    sign_something(at);
    test_signed_remove(&at->request, "x-amz-content-sha256");
    assert_int_equal(examine(at), S3_ERROR_INVALID_REQUEST);
    sign_something(at);
    test_signed_add(&at->request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    assert_int_equal(examine(at), S3_ERROR_INVALID_REQUEST);
    sign_something(at);
    test_signed_remove(&at->request, "x-amz-date");
    assert_int_equal(examine(at), S3_ERROR_ACCESS_DENIED);
}

/* ---- time ---- */

static void times_are_read_or_refused(void **state)
{
    (void)state;
    uint64_t seconds;
    assert_true(sig_time_parse(view_text("20130524T000000Z"), &seconds));
    assert_int_equal(seconds, 1369353600);
    assert_true(sig_time_parse(view_text("20160229T235959Z"), &seconds));
    assert_int_equal(seconds, 1456790399);
    static const char *const bad[] = {"", "20130524", "20130524T000000", "20130524T000000z",
        "20131324T000000Z", "20130500T000000Z", "20130524T240000Z", "2013052aT000000Z",
        "20130524 000000Z", "20130524T000000ZZ", "-0130524T000000Z"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(sig_time_parse(view_text(bad[i]), &seconds));
    }
}

static enum s3_error at_second(const struct sig_claim *claim, int64_t from_its_time)
{
    const char *why;
    uint64_t now_s = (uint64_t)((int64_t)claim->time_s + from_its_time);
    return sig_claim_check_time(claim, now_s * 1000, &why);
}

static void clocks_may_be_fifteen_minutes_apart(void **state)
{
    (void)state;
    const struct sig_claim claim = {.kind = SIG_HEADER, .time_s = 1369353600};
    assert_int_equal(at_second(&claim, 0), S3_ERROR_NONE);
    assert_int_equal(at_second(&claim, 900), S3_ERROR_NONE);
    assert_int_equal(at_second(&claim, 901), S3_ERROR_REQUEST_TIME_TOO_SKEWED);
    assert_int_equal(at_second(&claim, -900), S3_ERROR_NONE);
    assert_int_equal(at_second(&claim, -901), S3_ERROR_REQUEST_TIME_TOO_SKEWED);
}

static void a_presigned_request_is_good_until_it_expires(void **state)
{
    (void)state;
    const struct sig_claim claim = {.kind = SIG_PRESIGNED, .time_s = 1369353600, .expires_s = 3600};
    assert_int_equal(at_second(&claim, 3599), S3_ERROR_NONE);
    assert_int_equal(at_second(&claim, 3600), S3_ERROR_NONE);
    assert_int_equal(at_second(&claim, 3601), S3_ERROR_REQUEST_EXPIRED);
    assert_int_equal(at_second(&claim, -900), S3_ERROR_NONE);
    assert_int_equal(at_second(&claim, -901), S3_ERROR_ACCESS_DENIED);
}

static void it_expires_after_a_second_at_least_and_seven_days_at_most(void **state)
{
    struct fixture *at = *state;
    static const struct {
        unsigned expires_s;
        enum s3_error error;
    } cases[] = {
        {0, S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS},
        {1, S3_ERROR_NONE},
        {604800, S3_ERROR_NONE},
        {604801, S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS},
        {4294967295u, S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_signed_init(&at->request, "GET", "/photos/garden.jpg");
        test_sign_query(&at->request, &test_signer_published, cases[i].expires_s);
        assert_int_equal(examine(at), cases[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_get_of_a_range_is_signed_as_published),
        CASE(a_put_with_a_dollar_in_its_key_is_signed_as_published),
        CASE(a_sub_resource_is_signed_as_published),
        CASE(a_listing_is_signed_as_published),
        CASE(a_presigned_get_is_signed_as_published),
        CASE(a_body_in_chunks_begins_as_published),
        CASE(a_body_with_a_trailer_begins_as_published),
        CASE(a_path_is_decoded_once_and_encoded_once),
        CASE(a_query_is_sorted_by_what_is_signed),
        CASE(blanks_of_a_header_are_one),
        CASE(what_means_something_and_is_not_signed_is_refused),
        CASE(a_token_is_refused_also_when_it_is_signed),
        CASE(two_claims_are_none),
        CASE(half_a_claim_is_not_anonymous),
        CASE(a_parameter_of_the_signature_that_is_there_twice_is_refused),
        CASE(a_malformed_header_is_refused),
        CASE(the_list_of_signed_headers_is_sorted_complete_and_true),
        CASE(there_is_one_host),
        CASE(a_signed_request_says_what_its_body_is),
        CASE(times_are_read_or_refused),
        CASE(clocks_may_be_fifteen_minutes_apart),
        CASE(a_presigned_request_is_good_until_it_expires),
        CASE(it_expires_after_a_second_at_least_and_seven_days_at_most),
#undef CASE
    };
    return cmocka_run_group_tests_name("sig_canonical", tests, NULL, NULL);
}
