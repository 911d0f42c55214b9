/*
 * fuzz_s3_xml: a document of a stranger.  What is read keeps its limits, and written again it reads
 * the same.
 */
#include "gateway/xml_in.h"
#include "gateway/xml_out.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 16 << 10, ELEMENTS_MAX = 64 };

static void write_element(struct xml_out *xml, const struct xml_element *element, unsigned *count)
{
    ++*count;
    if (element->first == NULL) {
        xml_out_view(xml, element->name, element->text);
        return;
    }
    xml_out_open(xml, element->name);
    for (const struct xml_element *child = element->first; child != NULL; child = child->next) {
        write_element(xml, child, count);
    }
    xml_out_close(xml, element->name);
}

static void check_same(const struct xml_element *a, const struct xml_element *b)
{
    assert(strcmp(a->name, b->name) == 0);
    assert(a->first != NULL || view_equal(a->text, b->text));
    const struct xml_element *other = b->first;
    for (const struct xml_element *child = a->first; child != NULL; child = child->next) {
        assert(other != NULL);
        check_same(child, other);
        other = other->next;
    }
    assert(other == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    const struct xml_element *root;
    const struct xml_element *again;
    struct xml_out xml;
    unsigned count = 0;
    if (size > INPUT_MAX) {
        return 0;
    }
    arena_init(&arena, 0);
    if (xml_in_parse(view_of(data, size), ELEMENTS_MAX, &arena, &root) == S3_ERROR_NONE) {
        xml_out_init(&xml, &arena);
        write_element(&xml, root, &count);
        assert(count <= ELEMENTS_MAX);
        enum s3_error error = xml_in_parse(xml_out_finish(&xml), ELEMENTS_MAX, &arena, &again);
        assert(error == S3_ERROR_NONE);
        check_same(root, again);
    }
    arena_fini(&arena);
    return 0;
}
