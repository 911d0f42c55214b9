/*
 * request: bucket, key and parameters are decoded once, are bytes, and are what the client said.
 */
#include "gateway/request.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const domain_names[] = {"s3.example.org", "localhost"};
static const struct request_domains domains = {2, domain_names};

static int setup(void **state)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    arena_init(arena, 0);
    *state = arena;
    return 0;
}

static int teardown(void **state)
{
    arena_fini(*state);
    free(*state);
    return 0;
}

static enum s3_error parse(
    void **state, const char *host, const char *target, struct request *request)
{
    struct http_header *header = arena_take(*state, sizeof(*header));
    struct http_head *head = arena_take(*state, sizeof(*head));
    *header = (struct http_header){"host", host};
    *head = (struct http_head){
        .method = "GET", .target = target, .header_count = host != NULL, .headers = header};
    memset(request, 0, sizeof(*request));
    return request_parse(head, &domains, *state, request);
}

static void assert_view(struct view view, const char *bytes, size_t size)
{
    assert_int_equal(view.size, size);
    assert_memory_equal(view.bytes, bytes, size);
}

/* ---- where the bucket is ---- */

static void the_bucket_is_in_the_path_or_in_the_host(void **state)
{
    static const struct {
        const char *host;
        const char *target;
        const char *bucket; /* NULL: none */
        const char *key;
    } cases[] = {
        {"h", "/", NULL, ""},
        {"h", "/?x", NULL, ""},
        {"h", "/b", "b", ""},
        {"h", "/b/", "b", ""},
        {"h", "/b/k", "b", "k"},
        {"h", "/b//k/", "b", "/k/"},
        {NULL, "/b/k", "b", "k"},
        {"s3.example.org", "/b/k", "b", "k"},
        {"photos.s3.example.org", "/k", "photos", "k"},
        {"photos.s3.example.org:9000", "/b/k", "photos", "b/k"},
        {"Photos.S3.Example.ORG", "/", "Photos", ""},
        {"a.b.s3.example.org", "/", "a.b", ""},
        {"photos.localhost:1", "//k", "photos", "/k"},
        {"photosxs3.example.org", "/b/k", "b", "k"},
        {".s3.example.org", "/b/k", "b", "k"},
        {"127.0.0.1:9000", "/b/k", "b", "k"},
        {"[::1]:9000", "/b/k", "b", "k"},
        {"org", "/b/k", "b", "k"},
    };
    struct request request;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(state, cases[i].host, cases[i].target, &request), S3_ERROR_NONE);
        if (cases[i].bucket == NULL) {
            assert_null(request.bucket);
        } else {
            assert_string_equal(request.bucket, cases[i].bucket);
        }
        assert_view(request.key, cases[i].key, strlen(cases[i].key));
    }
}

/* ---- keys are bytes ---- */

static void a_key_is_decoded_once(void **state)
{
    static const struct {
        const char *target;
        const char *key;
        size_t size;
    } cases[] = {
        {"/b/a%20b+c", "a b+c", 5},
        {"/b/%2e%2e/%2E", "../.", 4},
        {"/b/../x", "../x", 4},
        {"/b/%2541", "%41", 3},
        {"/b/%2F%2f", "//", 2},
        {"/b/%00", "\0", 1},
        {"/b/a%00b", "a\0b", 3},
        {"/b/\\..\\", "\\..\\", 4},
        {"/b/%c3%A9", "\xc3\xa9", 2},
        {"/b/e%CC%81", "e\xcc\x81", 3},
        {"/b/%ff\xfe", "\xff\xfe", 2},
        {"/b/k%3Fx%26?y", "k?x&", 4},
        {"/b/k%0d%0a", "k\r\n", 3},
    };
    struct request request;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(state, "h", cases[i].target, &request), S3_ERROR_NONE);
        assert_view(request.key, cases[i].key, cases[i].size);
    }
}

static void a_key_has_1024_bytes_and_no_more(void **state)
{
    char target[4096];
    struct request request;
    int start = snprintf(target, sizeof(target), "/b/%%41");
    memset(target + start, 'x', 1023);
    target[start + 1023] = '\0';
    assert_int_equal(parse(state, "h", target, &request), S3_ERROR_NONE);
    assert_int_equal(request.key.size, 1024);
    strcpy(target + start + 1023, "y");
    assert_int_equal(parse(state, "h", target, &request), S3_ERROR_KEY_TOO_LONG);
}

static void what_cannot_be_decoded_is_refused(void **state)
{
    static const struct {
        const char *target;
        enum s3_error error;
    } cases[] = {
        {"/b/%", S3_ERROR_INVALID_URI},
        {"/b/%4", S3_ERROR_INVALID_URI},
        {"/b/%4g", S3_ERROR_INVALID_URI},
        {"/b/%%41", S3_ERROR_INVALID_URI},
        {"/%zz/k", S3_ERROR_INVALID_URI},
        {"/b/k?x=%", S3_ERROR_INVALID_URI},
        {"/b/k?%x", S3_ERROR_INVALID_URI},
        {"b/k", S3_ERROR_INVALID_URI},
        {"", S3_ERROR_INVALID_URI},
        {"?x", S3_ERROR_INVALID_URI},
        {"/b%00c/k", S3_ERROR_INVALID_BUCKET_NAME},
        {"//k", S3_ERROR_INVALID_BUCKET_NAME},
    };
    struct request request;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(state, "h", cases[i].target, &request), cases[i].error);
    }
}

/* A slash that was encoded is no separator: it ends in a bucket name that cannot be. */
static void an_encoded_slash_does_not_end_the_bucket(void **state)
{
    struct request request;
    assert_int_equal(parse(state, "h", "/a%2Fb/k", &request), S3_ERROR_NONE);
    assert_string_equal(request.bucket, "a/b");
    assert_view(request.key, "k", 1);
}

/* ---- the query ---- */

static void parameters_are_found_by_their_decoded_names(void **state)
{
    struct request request;
    assert_int_equal(parse(state, "h",
                         "/b?acl&prefix=a+b%2B%26&&x=1=2&pre%66ix=second&nul=%00&empty=", &request),
        S3_ERROR_NONE);
    assert_int_equal(request.param_count, 6);
    assert_false(request_find(&request, "acl")->has_value);
    assert_true(request_find(&request, "empty")->has_value);
    assert_string_equal(request_text(&request, "prefix"), "a b+&");
    assert_string_equal(request_text(&request, "x"), "1=2");
    assert_string_equal(request_text(&request, "acl"), "");
    assert_null(request_text(&request, "nul"));
    assert_int_equal(request_find(&request, "nul")->value.size, 1);
    assert_null(request_find(&request, "pre"));
    assert_null(request_text(&request, "absent"));
}

static void parameters_have_a_limit(void **state)
{
    char target[1024] = "/b?";
    struct request request;
    for (unsigned i = 0; i < REQUEST_PARAMS_MAX; i++) {
        size_t used = strlen(target);
        snprintf(target + used, sizeof(target) - used, "p%u&", i);
    }
    assert_int_equal(parse(state, "h", target, &request), S3_ERROR_NONE);
    assert_int_equal(request.param_count, REQUEST_PARAMS_MAX);
    size_t used = strlen(target);
    snprintf(target + used, sizeof(target) - used, "one");
    assert_int_equal(parse(state, "h", target, &request), S3_ERROR_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_bucket_is_in_the_path_or_in_the_host),
        TEST(a_key_is_decoded_once),
        TEST(a_key_has_1024_bytes_and_no_more),
        TEST(what_cannot_be_decoded_is_refused),
        TEST(an_encoded_slash_does_not_end_the_bucket),
        TEST(parameters_are_found_by_their_decoded_names),
        TEST(parameters_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
