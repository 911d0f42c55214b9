#include "client/object_tags.h"

#include "common/codec.h"
#include "proto/wire_messages.h"

#include <assert.h>

enum { FORMAT_VERSION = 1, FIXED_SIZE = 1 + 2, TAG_SIZE_MIN = 4 + 4 };

enum hearth_code object_tags_encode(const struct hearth_metadata *tags, unsigned count,
    struct arena *arena, struct view *out, struct hearth_err *err)
{
    *out = (struct view){0};
    if (count == 0) {
        return HEARTH_OK;
    }
    size_t size = FIXED_SIZE;
    for (unsigned i = 0; i < count; i++) {
        if (tags[i].name[0] == '\0') {
            return hearth_fail(err, HEARTH_INVALID, "a tag without a name");
        }
        size += TAG_SIZE_MIN + strlen(tags[i].name) + tags[i].value.size;
    }
    if (count > HEARTH_TAGS_MAX || size > WIRE_TAGS_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "%u tags of %zu bytes, at most %d of %d", count,
            size, HEARTH_TAGS_MAX, WIRE_TAGS_MAX);
    }
    uint8_t *bytes = arena_take(arena, size);
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "tags");
    }
    struct writer writer = writer_of(bytes, size);
    writer_u8(&writer, FORMAT_VERSION);
    writer_u16(&writer, (uint16_t)count);
    for (unsigned i = 0; i < count; i++) {
        writer_sized(&writer, view_text(tags[i].name));
        writer_sized(&writer, tags[i].value);
    }
    assert(!writer.failed && writer.size == size);
    *out = view_of(bytes, size);
    return HEARTH_OK;
}

enum hearth_code object_tags_decode(struct view bytes, struct arena *arena,
    const struct hearth_metadata **out, unsigned *out_count, struct hearth_err *err)
{
    *out = NULL;
    *out_count = 0;
    if (bytes.size == 0) {
        return HEARTH_OK;
    }
    struct reader reader = reader_of(bytes);
    uint8_t version = reader_u8(&reader);
    unsigned count = reader_u16(&reader);
    if (version != FORMAT_VERSION || count > HEARTH_TAGS_MAX) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's tags are none of ours");
    }
    struct hearth_metadata *tags = arena_take_array(arena, count + 1u, sizeof(*tags));
    for (unsigned i = 0; tags != NULL && i < count; i++) {
        tags[i].name = arena_text(arena, reader_sized(&reader));
        tags[i].value = reader_sized(&reader);
        tags = tags[i].name != NULL ? tags : NULL;
    }
    if (tags == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "tags");
    }
    if (!reader_at_end(&reader)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's tags are none of ours");
    }
    *out = tags;
    *out_count = count;
    return HEARTH_OK;
}
