/*
 * http_framing: a request whose end could be read in two ways is refused, and nothing else is.
 */
#include "common/http/http_framing.h"
#include "tests/lib/test.h"

static const struct http_limits limits = {.headers_max = 10, .head_size_max = 1000};

static struct http_framing framing_of(
    const char *target, unsigned count, const struct http_header *headers)
{
    const struct http_head head = {
        .method = "PUT", .target = target, .header_count = count, .headers = headers};
    return http_framing_of(&head, &limits);
}

static void a_plain_request_is_good(void **state)
{
    (void)state;
    static const struct http_header none[] = {{"host", "h"}, {"x", "caf\xc3\xa9\ttab"}};
    static const struct http_header sized[] = {
        {"content-length", "0123"}, {"expect", "100-Continue"}};
    static const struct http_header chunked[] = {{"transfer-encoding", "Chunked"}};
    struct http_framing framing = framing_of("/b/k?x=%zz&\xff", 2, none);
    assert_int_equal(framing.status, 0);
    assert_int_equal(framing.body_size, 0);
    assert_false(framing.expect_continue);
    framing = framing_of("/", 2, sized);
    assert_int_equal(framing.status, 0);
    assert_int_equal(framing.body_size, 123);
    assert_true(framing.expect_continue);
    framing = framing_of("/", 1, chunked);
    assert_int_equal(framing.status, 0);
    assert_int_equal(framing.body_size, HEARTH_SIZE_UNKNOWN);
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    static const struct http_header cases[][2] = {
        {{"content-length", "5"}, {"content-length", "6"}},
        {{"content-length", "5"}, {"content-length", "5"}},
        {{"content-length", "5"}, {"transfer-encoding", "chunked"}},
        {{"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}},
        {{"transfer-encoding", "gzip, chunked"}, {"x", ""}},
        {{"transfer-encoding", "xchunked"}, {"x", ""}},
        {{"transfer-encoding", ""}, {"x", ""}},
        {{"content-length", "+5"}, {"x", ""}},
        {{"content-length", "-5"}, {"x", ""}},
        {{"content-length", "5, 5"}, {"x", ""}},
        {{"content-length", "0x5"}, {"x", ""}},
        {{"content-length", ""}, {"x", ""}},
        {{"content-length", "5 "}, {"x", ""}},
        {{"content-length", "18446744073709551617"}, {"x", ""}},
        {{"host", "a"}, {"host", "b"}},
        {{"expect", "200-ok"}, {"x", ""}},
        {{"con tent", "a"}, {"x", ""}},
        {{"content-length ", "5"}, {"x", ""}},
        {{"", "a"}, {"x", ""}},
        {{"a", "b\rc"}, {"x", ""}},
        {{"a", "b\nc"}, {"x", ""}},
        {{"a", "b\x01"}, {"x", ""}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_framing framing = framing_of("/", 2, cases[i]);
        if (framing.status != 400) {
            fail_msg("%s: %s was taken", cases[i][0].name, cases[i][0].value);
        }
        assert_non_null(framing.why);
    }
}

static void a_target_is_a_path_without_blanks(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "*", "b/k", "http://h/b", "/a b", "/a\tb", "/a\x7f", "/#a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(framing_of(bad[i], 0, NULL).status, 400);
    }
}

static void a_head_beyond_its_limits_is_too_large(void **state)
{
    (void)state;
    struct http_header many[11];
    char value[999 + 1];
    for (size_t i = 0; i < 11; i++) {
        many[i] = (struct http_header){"a", "b"};
    }
    assert_int_equal(framing_of("/", 10, many).status, 0);
    assert_int_equal(framing_of("/", 11, many).status, 431);
    memset(value, 'v', sizeof(value));
    value[998] = '\0';
    const struct http_header large = {"a", value};
    assert_int_equal(framing_of("/", 1, &large).status, 0);
    assert_int_equal(framing_of("/1", 1, &large).status, 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_request_is_good),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_target_is_a_path_without_blanks),
        cmocka_unit_test(a_head_beyond_its_limits_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
