#include "gateway/tagging.h"

#include "common/codec.h"

/* Characters of UTF-8: bytes that do not go on with one. */
static size_t count_characters(struct view text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += (text.bytes[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool is_there(const struct tagging *tagging, struct view name)
{
    for (unsigned i = 0; i < tagging->count; i++) {
        if (view_equal(view_text(tagging->items[i].name), name)) {
            return true;
        }
    }
    return false;
}

enum s3_error tagging_add(
    struct tagging *tagging, struct view name, struct view value, struct arena *arena)
{
    if (tagging->count == HEARTH_TAGS_MAX || name.size == 0 ||
        count_characters(name) > TAGGING_NAME_MAX || count_characters(value) > TAGGING_VALUE_MAX ||
        memchr(name.bytes, 0, name.size) != NULL || is_there(tagging, name)) {
        return S3_ERROR_INVALID_TAG;
    }
    struct hearth_metadata *tag = &tagging->items[tagging->count++];
    tag->name = arena_text(arena, name);
    tag->value = arena_copy(arena, value);
    return tag->name != NULL && tag->value.size == value.size ? S3_ERROR_NONE : S3_ERROR_SLOW_DOWN;
}

/* Percent-decoded, "+" as a space; false: not well-formed, or no memory. */
static bool decode(struct view text, struct arena *arena, struct view *out)
{
    uint8_t *bytes = arena_take(arena, text.size + 1);
    size_t used = 0;
    for (size_t i = 0; bytes != NULL && i < text.size; i++) {
        uint8_t byte = text.bytes[i] == '+' ? ' ' : text.bytes[i];
        if (byte == '%') {
            if (text.size - i < 3 || !hex_decode(view_of(text.bytes + i + 1, 2), &byte, 1)) {
                return false;
            }
            i += 2;
        }
        bytes[used++] = byte;
    }
    *out = view_of(bytes, used);
    return bytes != NULL;
}

enum s3_error tagging_parse(const char *header, struct arena *arena, struct tagging *out)
{
    out->count = 0;
    for (const char *at = header; *at != '\0';) {
        size_t size = strcspn(at, "&");
        const char *equals = memchr(at, '=', size);
        size_t name_size = equals != NULL ? (size_t)(equals - at) : size;
        size_t value_size = equals != NULL ? size - name_size - 1 : 0;
        struct view name, value;
        if (!decode(view_of(at, name_size), arena, &name) ||
            !decode(view_of(at + size - value_size, value_size), arena, &value)) {
            return S3_ERROR_INVALID_ARGUMENT;
        }
        enum s3_error error = tagging_add(out, name, value, arena);
        if (error != S3_ERROR_NONE) {
            return error;
        }
        at += size + (at[size] == '&' ? 1 : 0);
    }
    return S3_ERROR_NONE;
}

void tagging_write(struct xml_out *xml, const struct hearth_metadata *tags, unsigned count)
{
    xml_out_open_namespace(xml, "Tagging", XML_S3_NAMESPACE);
    xml_out_open(xml, "TagSet");
    for (unsigned i = 0; i < count; i++) {
        xml_out_open(xml, "Tag");
        xml_out_text(xml, "Key", tags[i].name);
        xml_out_view(xml, "Value", tags[i].value);
        xml_out_close(xml, "Tag");
    }
    xml_out_close(xml, "TagSet");
    xml_out_close(xml, "Tagging");
}
