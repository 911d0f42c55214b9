/*
 * xml_in: the documents that clients send are read; bombs, depth, other encodings and nonsense are
 * refused before anything is expanded.
 */
#include "gateway/xml_in.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

static int setup(void **state)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    arena_init(arena, 4 << 20);
    *state = arena;
    return 0;
}

static int teardown(void **state)
{
    arena_fini(*state);
    free(*state);
    return 0;
}

static enum s3_error parse(void **state, const char *text, const struct xml_element **root)
{
    return xml_in_parse(view_text(text), 100, *state, root);
}

static void a_document_becomes_a_tree(void **state)
{
    const struct xml_element *root;
    assert_int_equal(parse(state,
                         "<?xml version='1.0'?>\n<!-- c -->"
                         "<s:Delete xmlns:s='http://s3.amazonaws.com/doc/2006-03-01/'>\n"
                         "<Quiet>true</Quiet>"
                         "<Object><Key>a&amp;&#x62;<!-- x --><![CDATA[<c>]]></Key></Object>"
                         "<Other/><Object a='b'><Key> d </Key></Object>\n</s:Delete>\n",
                         &root),
        S3_ERROR_NONE);
    assert_string_equal(root->name, "Delete");
    assert_string_equal(xml_in_text(root, "Quiet"), "true");
    const struct xml_element *object = xml_in_child(root, "Object");
    assert_string_equal(xml_in_text(object, "Key"), "a&b<c>");
    object = xml_in_next(object);
    assert_string_equal(xml_in_text(object, "Key"), " d ");
    assert_null(xml_in_next(object));
    assert_string_equal(xml_in_text(root, "Other"), "");
    assert_null(xml_in_child(root, "Key"));
}

static void a_blank_alone_is_a_text(void **state)
{
    const struct xml_element *root;
    assert_int_equal(
        parse(state, "<a>\n  <Key> </Key>\n  <Key>&#10;</Key>\n</a>", &root), S3_ERROR_NONE);
    const struct xml_element *key = xml_in_child(root, "Key");
    assert_int_equal(key->text.size, 1);
    assert_int_equal(key->text.bytes[0], ' ');
    key = xml_in_next(key);
    assert_int_equal(key->text.size, 1);
    assert_int_equal(key->text.bytes[0], '\n');
}

/* As pretty-printers make them: the blanks between elements cost nothing. */
static void a_document_of_many_lines_is_read(void **state)
{
    const struct xml_element *root;
    char text[8192] = "<a>";
    for (unsigned i = 0; i < 90; i++) {
        strcpy(text + strlen(text), "\n                                        <b>x</b>");
    }
    strcpy(text + strlen(text), "\n</a>\n");
    assert_int_equal(parse(state, text, &root), S3_ERROR_NONE);
}

static void what_is_no_plain_document_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a>&unknown;</a>",
        "<a>\x01</a>",
        "<a>\xff</a>",
        "<a>\xc0\xaf</a>",
        "<a><![CDATA[\xc1\x9a]]></a>",
        "<a><!-- \xff --></a>",
        "<a",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'http://127.0.0.1/'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY x 'xxxxxxxx'><!ENTITY y '&x;&x;&x;&x;'>]><a>&y;&y;</a>",
        "<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE a><a/>",
    };
    const struct xml_element *root;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse(state, cases[i], &root) != S3_ERROR_MALFORMED_XML) {
            fail_msg("was taken: %s", cases[i]);
        }
    }
}

static void depth_has_a_limit(void **state)
{
    const struct xml_element *root;
    for (unsigned depth = XML_IN_DEPTH_MAX; depth <= XML_IN_DEPTH_MAX + 1; depth++) {
        char text[512] = "";
        for (unsigned i = 0; i < depth; i++) {
            strcpy(text + strlen(text), "<a>");
        }
        for (unsigned i = 0; i < depth; i++) {
            strcpy(text + strlen(text), "</a>");
        }
        assert_int_equal(parse(state, text, &root),
            depth == XML_IN_DEPTH_MAX ? S3_ERROR_NONE : S3_ERROR_MALFORMED_XML);
    }
}

static void the_number_of_elements_has_a_limit(void **state)
{
    const struct xml_element *root;
    char text[1024] = "<a>";
    for (unsigned i = 0; i < 99; i++) {
        strcpy(text + strlen(text), "<b/>");
    }
    size_t used = strlen(text);
    strcpy(text + used, "</a>");
    assert_int_equal(parse(state, text, &root), S3_ERROR_NONE);
    strcpy(text + used, "<b/></a>");
    assert_int_equal(parse(state, text, &root), S3_ERROR_MALFORMED_XML);
}

/* Joining a text of many pieces costs their number times its length. */
static void a_text_in_very_many_pieces_is_refused(void **state)
{
    const struct xml_element *root;
    enum { PIECES = 20000 };
    char *text = malloc(16 + PIECES * 8);
    memcpy(text, "<a>", 3);
    size_t used = 3;
    for (unsigned i = 0; i < PIECES; i++) {
        memcpy(text + used, "x<!---->", 8);
        used += 8;
    }
    memcpy(text + used, "</a>", 5);
    assert_int_equal(parse(state, text, &root), S3_ERROR_MALFORMED_XML);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_becomes_a_tree),
        TEST(a_blank_alone_is_a_text),
        TEST(a_document_of_many_lines_is_read),
        TEST(what_is_no_plain_document_is_refused),
        TEST(depth_has_a_limit),
        TEST(the_number_of_elements_has_a_limit),
        TEST(a_text_in_very_many_pieces_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
