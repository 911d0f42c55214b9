#include "coordinator/meta/meta_blob.h"

#include "common/codec.h"

#include <assert.h>

enum { HOLDERS_FORMAT = 1, EXTENTS_FORMAT = 1 };

size_t meta_holders_encode(const struct meta_holder *holders, size_t count, uint8_t *bytes)
{
    struct writer writer = writer_of(bytes, META_HOLDERS_SIZE_MAX);
    writer_u8(&writer, HOLDERS_FORMAT);
    for (size_t i = 0; i < count; i++) {
        writer_u32(&writer, holders[i].node);
        writer_u16(&writer, holders[i].p);
    }
    assert(!writer.failed);
    return writer.size;
}

bool meta_holders_decode(struct view bytes, struct meta_holder *holders, size_t count)
{
    struct reader reader = reader_of(bytes);
    uint8_t format = reader_u8(&reader);
    for (size_t i = 0; i < count; i++) {
        holders[i].node = reader_u32(&reader);
        holders[i].p = reader_u16(&reader);
    }
    return format == HOLDERS_FORMAT && reader_at_end(&reader);
}

size_t meta_slots_encode(struct ec_slots slots, size_t count, uint8_t *bytes)
{
    if (ec_slots_empty(slots)) {
        return 0;
    }
    memset(bytes, 0, (count + 7) / 8);
    for (unsigned slot = 0; slot < count; slot++) {
        if (ec_slots_has(slots, slot)) {
            bytes[slot / 8] |= (uint8_t)(1u << slot % 8);
        }
    }
    return (count + 7) / 8;
}

bool meta_slots_decode(struct view bytes, size_t count, struct ec_slots *out)
{
    *out = (struct ec_slots){{0}};
    if (bytes.size != 0 && bytes.size != (count + 7) / 8) {
        return false;
    }
    for (unsigned slot = 0; slot < bytes.size * 8; slot++) {
        bool is_set = (bytes.bytes[slot / 8] >> slot % 8) & 1;
        if (is_set && slot >= count) {
            return false;
        }
        if (is_set) {
            ec_slots_add(out, slot);
        }
    }
    return true;
}

void meta_extents_encode(const struct meta_extent *extents, size_t count, uint8_t *bytes)
{
    struct writer writer = writer_of(bytes, meta_extents_size(count));
    writer_u8(&writer, EXTENTS_FORMAT);
    for (size_t i = 0; i < count; i++) {
        writer_bytes(&writer, extents[i].segment.bytes, sizeof(extents[i].segment.bytes));
        writer_u32(&writer, extents[i].offset);
        writer_u32(&writer, extents[i].length);
    }
    assert(!writer.failed && writer.size == meta_extents_size(count));
}

bool meta_extents_count(struct view bytes, size_t *out)
{
    if (bytes.size == 0 || bytes.bytes[0] != EXTENTS_FORMAT ||
        (bytes.size - 1) % META_EXTENT_SIZE != 0) {
        return false;
    }
    *out = (bytes.size - 1) / META_EXTENT_SIZE;
    return true;
}

struct meta_extent meta_extents_at(struct view bytes, size_t index)
{
    struct meta_extent extent;
    size_t offset = meta_extents_size(index);
    assert(offset + META_EXTENT_SIZE <= bytes.size);
    struct reader reader = reader_of(view_of(bytes.bytes + offset, META_EXTENT_SIZE));
    reader_bytes(&reader, extent.segment.bytes, sizeof(extent.segment.bytes));
    extent.offset = reader_u32(&reader);
    extent.length = reader_u32(&reader);
    return extent;
}
