#include "gateway/xml_in.h"

#include "gateway/utf8.h"

#include <libxml/xmlreader.h>

struct building {
    struct arena *arena;
    unsigned elements_left;
    size_t text_left; /* that may be copied: pieces are joined by copying */
    enum s3_error error;
    unsigned depth;
    struct xml_element *open[XML_IN_DEPTH_MAX];
    struct xml_element *last[XML_IN_DEPTH_MAX]; /* child of that depth; of the root's: the root */
    struct xml_element *root;
};

/*
 * Declarations are where bombs are built, so the parser never sees one.  Text cannot hide it: the
 * document is read as UTF-8 whatever it claims to be.
 */
static bool declares_something(struct view document)
{
    for (size_t i = 0; i + 2 < document.size; i++) {
        if (document.bytes[i] == '<' && document.bytes[i + 1] == '!' &&
            document.bytes[i + 2] != '-' && document.bytes[i + 2] != '[') {
            return true;
        }
    }
    return false;
}

static bool fail_building(struct building *building, enum s3_error error)
{
    building->error = error;
    return false;
}

static bool take_element(struct building *building, const char *name)
{
    if (building->depth == XML_IN_DEPTH_MAX || building->elements_left == 0) {
        return fail_building(building, S3_ERROR_MALFORMED_XML);
    }
    building->elements_left--;
    struct xml_element *element = arena_take(building->arena, sizeof(*element));
    char *copy = arena_text(building->arena, view_text(name));
    if (element == NULL || copy == NULL) {
        return fail_building(building, S3_ERROR_SLOW_DOWN);
    }
    *element = (struct xml_element){.name = copy, .text = view_of("", 0)};
    struct xml_element *brother = building->last[building->depth];
    if (building->depth == 0) {
        building->root = element;
    } else if (brother == NULL) {
        building->open[building->depth - 1]->first = element;
    } else {
        brother->next = element;
    }
    building->last[building->depth] = element;
    building->open[building->depth++] = element;
    if (building->depth < XML_IN_DEPTH_MAX) {
        building->last[building->depth] = NULL;
    }
    return true;
}

/* Text may come in pieces, between comments. */
static bool take_text(struct building *building, const char *text)
{
    if (building->depth == 0) {
        return true;
    }
    struct xml_element *element = building->open[building->depth - 1];
    size_t size = element->text.size + strlen(text);
    if (size > building->text_left) {
        return fail_building(building, S3_ERROR_MALFORMED_XML);
    }
    building->text_left -= size;
    char *bytes = arena_take(building->arena, size + 1);
    if (bytes == NULL) {
        return fail_building(building, S3_ERROR_SLOW_DOWN);
    }
    memcpy(bytes, element->text.bytes, element->text.size);
    memcpy(bytes + element->text.size, text, strlen(text));
    element->text = view_of(bytes, size);
    return true;
}

/* Between elements it is how somebody likes his documents; alone in one it is a text: a key of one
 * blank is a key. */
static bool take_blank(struct building *building, const char *text)
{
    bool is_between = building->depth == 0 || building->open[building->depth - 1]->first != NULL;
    return is_between || take_text(building, text);
}

static bool take_node(struct building *building, xmlTextReaderPtr reader)
{
    switch (xmlTextReaderNodeType(reader)) {
    case XML_READER_TYPE_ELEMENT:
        if (!take_element(building, (const char *)xmlTextReaderConstLocalName(reader))) {
            return false;
        }
        building->depth -= xmlTextReaderIsEmptyElement(reader) == 1;
        return true;
    case XML_READER_TYPE_END_ELEMENT: building->depth--; return true;
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
        return take_text(building, (const char *)xmlTextReaderConstValue(reader));
    case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
    case XML_READER_TYPE_WHITESPACE:
        return take_blank(building, (const char *)xmlTextReaderConstValue(reader));
    case XML_READER_TYPE_COMMENT:
    case XML_READER_TYPE_XML_DECLARATION:
    case XML_READER_TYPE_PROCESSING_INSTRUCTION: return true;
    default: return fail_building(building, S3_ERROR_MALFORMED_XML);
    }
}

static void say_nothing(void *context, const xmlError *error)
{
    (void)context;
    (void)error;
}

enum s3_error xml_in_parse(struct view document, unsigned elements_max, struct arena *arena,
    const struct xml_element **out)
{
    struct building building = {
        .arena = arena, .elements_left = elements_max, .text_left = 8 * document.size};
    if (document.size == 0 || document.size > INT32_MAX || declares_something(document) ||
        !utf8_is_valid(document)) { /* of CDATA libxml2 does not say it */
        return S3_ERROR_MALFORMED_XML;
    }
    xmlTextReaderPtr reader = xmlReaderForMemory((const char *)document.bytes, (int)document.size,
        NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (reader == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    xmlTextReaderSetStructuredErrorHandler(reader, (xmlStructuredErrorFunc)say_nothing, NULL);
    int more;
    while ((more = xmlTextReaderRead(reader)) == 1 && take_node(&building, reader)) {
    }
    xmlFreeTextReader(reader);
    if (building.error != S3_ERROR_NONE || more != 0 || building.root == NULL) {
        return building.error != S3_ERROR_NONE ? building.error : S3_ERROR_MALFORMED_XML;
    }
    *out = building.root;
    return S3_ERROR_NONE;
}

/* ---- reading the tree ---- */

static const struct xml_element *find(const struct xml_element *element, const char *name)
{
    while (element != NULL && strcmp(element->name, name) != 0) {
        element = element->next;
    }
    return element;
}

const struct xml_element *xml_in_child(const struct xml_element *parent, const char *name)
{
    return find(parent->first, name);
}

const struct xml_element *xml_in_next(const struct xml_element *element)
{
    return find(element->next, element->name);
}

const char *xml_in_text(const struct xml_element *parent, const char *name)
{
    const struct xml_element *child = xml_in_child(parent, name);
    return child == NULL ? NULL : (const char *)child->text.bytes;
}
