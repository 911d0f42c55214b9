/*
 * call: whatever a handler answers, no byte of a stranger ends a header, an error's id is that of
 * its header, and what failed after it began is cut.
 */
#include "gateway/call.h"
#include "gateway/xml_in.h"
#include "tests/lib/http_world.h"
#include "tests/lib/test.h"
#include "tests/lib/test_http.h"

#include <stdio.h>
#include <stdlib.h>

#define ID "00112233445566778899aabbccddeeff"

static void act(struct call *call)
{
    const char *target = call->request->head->target;
    struct hearth_err err;
    struct view body;
    struct xml_out xml;
    if (strncmp(target, "/headers", 8) == 0) {
        call_header(call, "x-plain", "%s", "a\r\nInjected: yes\x01\x7f");
        call_header_view(call, "x-bytes", view_of("b\0\nc", 4));
        call_header(call, "x-none of a header", "%d", 1);
        call_header_date(call, "Last-Modified", UINT64_C(1795867200042));
        for (int i = 0; i < 100; i++) {
            call_header(call, "x-many", "%d", i);
        }
        call_answer(call, 200);
    } else if (strncmp(target, "/xml", 4) == 0) {
        xml_out_init(&xml, call->arena);
        xml_out_text(&xml, "A", "b");
        call_answer_xml(call, 200, &xml);
    } else if (strncmp(target, "/fail", 5) == 0) {
        call_header(call, "ETag", "of what would have been");
        if (strstr(target, "with") != NULL) {
            call_refusal_header(call, "Content-Range", "bytes */%d", 7);
        }
        call_fail(call, S3_ERROR_INVALID_TAG, "<%s>", "tag");
    } else if (strncmp(target, "/hearth", 7) == 0) {
        hearth_fail(&err, strstr(target, "condition") ? HEARTH_PRECONDITION : HEARTH_UNREACHABLE,
            "192.0.2.1:7000: secrets of the house");
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
    } else if (strncmp(target, "/late", 5) == 0) {
        call_start(call, 200, 1000 * 1000);
        call_write(call, view_of("x", 1), &err);
        call_fail(call, S3_ERROR_INTERNAL_ERROR, NULL);
    } else if (call_read_body(call, 10, &body)) {
        xml_out_init(&xml, call->arena);
        xml_out_view(&xml, "Body", body);
        call_answer_xml(call, 200, &xml);
    }
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct arena arena;
    struct request request = {0};
    const struct request_domains none = {0};
    (void)context;
    arena_init(&arena, 0);
    request_parse(http_exchange_head(exchange), &none, &arena, &request);
    memcpy(request.id, ID, sizeof(request.id));
    struct call call = {
        .env = env_system(),
        .exchange = exchange,
        .request = &request,
        .body = http_exchange_body(exchange),
        .body_size = http_exchange_body_size(exchange),
        .region = "home-1",
        .arena = &arena,
    };
    act(&call);
    arena_fini(&arena);
}

static int setup(void **state)
{
    struct http_world *world = malloc(sizeof(*world));
    struct http_options options = http_world_options(world);
    options.handle = handle;
    http_world_start(world, &options);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    http_world_stop(*state);
    free(*state);
    return 0;
}

static void ask(void **state, const char *request, struct test_http_answer *answer)
{
    struct test_http http;
    test_http_open(&http, http_world_port(*state));
    test_http_ask(&http, request, answer);
    test_http_close(&http);
}

static void assert_header(
    const struct test_http_answer *answer, const char *name, const char *expected)
{
    char value[256];
    assert_true(test_http_header(answer, name, value, sizeof(value)));
    assert_string_equal(value, expected);
}

static void no_byte_ends_a_header(void **state)
{
    struct test_http_answer answer;
    char value[256];
    ask(state, "GET /headers HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    assert_header(&answer, "x-plain", "a??Injected: yes??");
    assert_header(&answer, "x-bytes", "b??c");
    assert_header(&answer, "last-modified", "Sat, 28 Nov 2026 12:00:00 GMT");
    assert_header(&answer, "x-many", "0");
    assert_false(test_http_header(&answer, "x-none of a header", value, sizeof(value)));
    assert_false(test_http_header(&answer, "injected", value, sizeof(value)));
    assert_non_null(strstr(answer.head, "x-many: 99\r\n"));
    test_http_answer_fini(&answer);
}

static void every_answer_has_its_id(void **state)
{
    struct test_http_answer answer;
    ask(state, "GET /xml HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_header(&answer, "x-amz-request-id", ID);
    assert_header(&answer, "content-type", "application/xml");
    assert_non_null(strstr((char *)answer.body, "<A>b</A>"));
    test_http_answer_fini(&answer);
}

static void an_error_says_all_of_it_in_a_document(void **state)
{
    struct test_http_answer answer;
    struct arena arena;
    const struct xml_element *root;
    char value[64];
    ask(state, "GET /fail/a%3Cb%26?x HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 400);
    assert_header(&answer, "x-amz-request-id", ID);
    assert_false(test_http_header(&answer, "etag", value, sizeof(value)));
    arena_init(&arena, 0);
    assert_int_equal(
        xml_in_parse(view_of(answer.body, answer.body_size), 16, &arena, &root), S3_ERROR_NONE);
    assert_string_equal(root->name, "Error");
    assert_string_equal(xml_in_text(root, "Code"), "InvalidTag");
    assert_string_equal(xml_in_text(root, "Message"), "<tag>");
    assert_string_equal(xml_in_text(root, "BucketName"), "fail");
    assert_string_equal(xml_in_text(root, "Key"), "a<b&");
    assert_string_equal(xml_in_text(root, "Resource"), "/fail/a%3Cb%26");
    assert_string_equal(xml_in_text(root, "RequestId"), ID);
    arena_fini(&arena);
    test_http_answer_fini(&answer);

    ask(state, "HEAD /fail/k HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 400);
    test_http_answer_fini(&answer);
}

static void an_error_may_have_a_header_of_its_own(void **state)
{
    struct test_http_answer answer;
    char value[64];
    ask(state, "GET /fail/with HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_header(&answer, "content-range", "bytes */7");
    assert_header(&answer, "x-amz-request-id", ID);
    assert_false(test_http_header(&answer, "etag", value, sizeof(value)));
    test_http_answer_fini(&answer);
}

/* What went wrong inside is for the operator. */
static void a_client_is_not_told_of_the_inside(void **state)
{
    struct test_http_answer answer;
    ask(state, "GET /hearth/k HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 503);
    assert_null(strstr((char *)answer.body, "secrets"));
    assert_non_null(strstr((char *)answer.body, "<Code>ServiceUnavailable</Code>"));
    test_http_answer_fini(&answer);

    ask(state, "GET /hearth/condition HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 412);
    assert_null(strstr((char *)answer.body, "192.0.2.1"));
    assert_non_null(strstr((char *)answer.body, "<Code>PreconditionFailed</Code>"));
    test_http_answer_fini(&answer);
}

static void a_failure_after_the_beginning_cuts(void **state)
{
    struct test_http http;
    struct test_http_answer answer;
    test_http_open(&http, http_world_port(*state));
    test_http_say(&http, "GET /late/k HTTP/1.1\r\nHost: h\r\n\r\n");
    if (test_http_answer(&http, false, &answer)) {
        assert_false(answer.is_whole);
        test_http_answer_fini(&answer);
    }
    assert_true(test_http_has_ended(&http));
    test_http_close(&http);
}

static void a_document_has_a_largest_size(void **state)
{
    struct test_http_answer answer;
    ask(state, "PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789", &answer);
    assert_non_null(strstr((char *)answer.body, "<Body>0123456789</Body>"));
    test_http_answer_fini(&answer);
    ask(state, "PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n0123456789a", &answer);
    assert_non_null(strstr((char *)answer.body, "<Code>MaxMessageLengthExceeded</Code>"));
    test_http_answer_fini(&answer);
    ask(state,
        "PUT /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n"
        "0\r\n\r\n",
        &answer);
    assert_non_null(strstr((char *)answer.body, "<Code>MaxMessageLengthExceeded</Code>"));
    test_http_answer_fini(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_byte_ends_a_header),
        TEST(every_answer_has_its_id),
        TEST(an_error_says_all_of_it_in_a_document),
        TEST(an_error_may_have_a_header_of_its_own),
        TEST(a_client_is_not_told_of_the_inside),
        TEST(a_failure_after_the_beginning_cuts),
        TEST(a_document_has_a_largest_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
