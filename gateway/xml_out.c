#include "gateway/xml_out.h"

#include "gateway/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { FIRST_CAPACITY = 2048 };

/* ---- bytes ---- */

/* Room for `size` more; what was there moves, the arena keeps the old copy until the call ends. */
static bool reserve(struct xml_out *xml, size_t size)
{
    if (xml->failed) {
        return false;
    }
    if (size <= xml->capacity - xml->size) {
        return true;
    }
    size_t capacity = xml->capacity == 0 ? FIRST_CAPACITY : xml->capacity;
    while (capacity - xml->size < size) {
        capacity *= 2;
    }
    char *bytes = arena_take(xml->arena, capacity);
    if (bytes == NULL) {
        xml->failed = true;
        return false;
    }
    if (xml->size > 0) {
        memcpy(bytes, xml->bytes, xml->size);
    }
    xml->bytes = bytes;
    xml->capacity = capacity;
    return true;
}

static void append(struct xml_out *xml, const void *bytes, size_t size)
{
    if (reserve(xml, size)) {
        memcpy(xml->bytes + xml->size, bytes, size);
        xml->size += size;
    }
}

static void append_text(struct xml_out *xml, const char *text)
{
    append(xml, text, strlen(text));
}

/* ---- escaping ---- */

/* What stands for an ASCII character; NULL: itself. */
static const char *escape_of(uint8_t byte)
{
    switch (byte) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\r': return "&#13;";
    case '\n': return "&#10;";
    case '\t': return "&#9;";
    default: return byte < 0x20 ? "\xef\xbf\xbd" : NULL;
    }
}

static void append_escaped(struct xml_out *xml, struct view content)
{
    size_t at = 0;
    while (at < content.size) {
        size_t length = utf8_length(content.bytes + at, content.size - at);
        const char *escape = length == 0 ? "\xef\xbf\xbd"
            : length == 1                ? escape_of(content.bytes[at])
                                         : NULL;
        if (escape != NULL) {
            append_text(xml, escape);
        } else {
            append(xml, content.bytes + at, length);
        }
        at += length == 0 ? 1 : length;
    }
}

/* ---- elements ---- */

void xml_out_init(struct xml_out *xml, struct arena *arena)
{
    *xml = (struct xml_out){.arena = arena};
    append_text(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void xml_out_open_attributes(struct xml_out *xml, const char *element, const char *attributes)
{
    assert(xml->depth < XML_OUT_DEPTH_MAX);
    xml->open[xml->depth++] = element;
    append_text(xml, "<");
    append_text(xml, element);
    if (attributes[0] != '\0') {
        append_text(xml, " ");
        append_text(xml, attributes);
    }
    append_text(xml, ">");
}

void xml_out_open(struct xml_out *xml, const char *element)
{
    xml_out_open_attributes(xml, element, "");
}

void xml_out_open_namespace(struct xml_out *xml, const char *element, const char *namespace)
{
    char attributes[128];
    int length = snprintf(attributes, sizeof(attributes), "xmlns=\"%s\"", namespace);
    assert((size_t)length < sizeof(attributes));
    xml_out_open_attributes(xml, element, attributes);
}

void xml_out_close(struct xml_out *xml, const char *element)
{
    assert(xml->depth > 0);
    assert(strcmp(xml->open[xml->depth - 1], element) == 0);
    xml->depth--;
    append_text(xml, "</");
    append_text(xml, element);
    append_text(xml, ">");
}

void xml_out_content(struct xml_out *xml, struct view content)
{
    append_escaped(xml, content);
}

void xml_out_view(struct xml_out *xml, const char *element, struct view content)
{
    xml_out_open(xml, element);
    append_escaped(xml, content);
    xml_out_close(xml, element);
}

void xml_out_text(struct xml_out *xml, const char *element, const char *content)
{
    xml_out_view(xml, element, view_text(content));
}

void xml_out_number(struct xml_out *xml, const char *element, uint64_t content)
{
    char text[sizeof("18446744073709551615")];
    snprintf(text, sizeof(text), "%" PRIu64, content);
    xml_out_text(xml, element, text);
}

void xml_out_bool(struct xml_out *xml, const char *element, bool content)
{
    xml_out_text(xml, element, content ? "true" : "false");
}

void xml_out_time(struct xml_out *xml, const char *element, uint64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    char date[32] = "";
    char text[48];
    if (gmtime_r(&seconds, &parts) != NULL) {
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    }
    snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned)(unix_ms % 1000));
    xml_out_text(xml, element, text);
}

static bool is_plain_in_url(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9') || memchr("-_.~/*", byte, 6) != NULL;
}

void xml_out_url(struct xml_out *xml, const char *element, struct view content)
{
    xml_out_open(xml, element);
    for (size_t i = 0; i < content.size; i++) {
        char code[4];
        if (is_plain_in_url(content.bytes[i])) {
            append(xml, &content.bytes[i], 1);
        } else {
            snprintf(code, sizeof(code), "%%%02X", content.bytes[i]);
            append_text(xml, code);
        }
    }
    xml_out_close(xml, element);
}

struct view xml_out_finish(struct xml_out *xml)
{
    assert(xml->depth == 0);
    return xml->failed ? view_of(NULL, 0) : view_of(xml->bytes, xml->size);
}
