/*
 * xml_out: whatever bytes a key has, the document is well-formed, and says what can be said of
 * them.
 */
#include "gateway/xml_out.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

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

static void assert_document(struct xml_out *xml, const char *expected)
{
    struct view document = xml_out_finish(xml);
    assert_non_null(document.bytes);
    assert_int_equal(document.size, strlen(HEAD) + strlen(expected));
    assert_memory_equal(document.bytes, HEAD, strlen(HEAD));
    assert_memory_equal(document.bytes + strlen(HEAD), expected, strlen(expected));
}

static void elements_stand_in_each_other(void **state)
{
    struct xml_out xml;
    xml_out_init(&xml, *state);
    xml_out_open_namespace(&xml, "A", "urn:x");
    xml_out_text(&xml, "B", "b");
    xml_out_open_attributes(&xml, "C", "k=\"v\"");
    xml_out_number(&xml, "D", UINT64_MAX);
    xml_out_bool(&xml, "E", false);
    xml_out_close(&xml, "C");
    xml_out_close(&xml, "A");
    assert_document(&xml,
        "<A xmlns=\"urn:x\"><B>b</B><C k=\"v\"><D>18446744073709551615</D>"
        "<E>false</E></C></A>");
}

static void content_cannot_leave_its_element(void **state)
{
    struct xml_out xml;
    xml_out_init(&xml, *state);
    xml_out_text(&xml, "K", "</K><!DOCTYPE x [\"&amp;]]>\r\n\t");
    assert_document(&xml, "<K>&lt;/K&gt;&lt;!DOCTYPE x [&quot;&amp;amp;]]&gt;&#13;&#10;&#9;</K>");
}

/* What XML cannot hold becomes one U+FFFD a byte; what it can stays. */
static void bytes_that_are_no_characters_are_replaced(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *expected;
    } cases[] = {
        {"a\0b", 3,
            "a\xef\xbf\xbd"
            "b"},
        {"\x1f\x7f", 2, "\xef\xbf\xbd\x7f"},
        {"\xc3\xa9\xf0\x9f\x99\x82", 6, "\xc3\xa9\xf0\x9f\x99\x82"},
        {"\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
        {"\xef\xbf\xbe", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* U+FFFE */
        {"\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd"}, /* cut */
        {"\xff", 1, "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct xml_out xml;
        char expected[64];
        xml_out_init(&xml, *state);
        xml_out_view(&xml, "K", view_of(cases[i].bytes, cases[i].size));
        snprintf(expected, sizeof(expected), "<K>%s</K>", cases[i].expected);
        assert_document(&xml, expected);
    }
}

static void urls_hold_every_byte(void **state)
{
    struct xml_out xml;
    xml_out_init(&xml, *state);
    xml_out_url(&xml, "K", view_of("a/b c+\0\xff%~", 10));
    assert_document(&xml, "<K>a/b%20c%2B%00%FF%25~</K>");
}

static void times_are_as_s3_writes_them(void **state)
{
    struct xml_out xml;
    xml_out_init(&xml, *state);
    xml_out_time(&xml, "T", UINT64_C(1795867200042));
    assert_document(&xml, "<T>2026-11-28T12:00:00.042Z</T>");
}

static void a_document_grows_and_says_when_it_cannot(void **state)
{
    (void)state;
    struct arena small;
    struct xml_out xml;
    arena_init(&small, 200 * 1000);
    xml_out_init(&xml, &small);
    xml_out_open(&xml, "A");
    for (unsigned i = 0; i < 1000; i++) {
        xml_out_text(&xml, "Key", "some words that take room");
    }
    xml_out_close(&xml, "A");
    struct view document = xml_out_finish(&xml);
    assert_non_null(document.bytes);
    assert_int_equal(document.size,
        strlen(HEAD "<A></A>") + 1000 * strlen("<Key></Key>") +
            1000 * strlen("some words that take room"));

    for (unsigned i = 0; i < 10000; i++) {
        xml_out_text(&xml, "Key", "some words that take room");
    }
    assert_null(xml_out_finish(&xml).bytes);
    arena_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(elements_stand_in_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(content_cannot_leave_its_element, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_characters_are_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(urls_hold_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(times_are_as_s3_writes_them, setup, teardown),
        cmocka_unit_test(a_document_grows_and_says_when_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
