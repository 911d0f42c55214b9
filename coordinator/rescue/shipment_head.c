#include "coordinator/rescue/shipment_head.h"

#include "common/codec.h"

#include <assert.h>

enum { FORMAT = 1 };

uint16_t shipment_parts_of(uint64_t total)
{
    uint64_t parts = total == 0 ? 1 : (total + SHIPMENT_PART_MAX - 1) / SHIPMENT_PART_MAX;
    return parts > SHIPMENT_PARTS_MAX ? 0 : (uint16_t)parts;
}

void shipment_head_encode(const struct shipment_head *head, uint8_t bytes[SHIPMENT_HEAD_SIZE])
{
    memset(bytes, 0, SHIPMENT_HEAD_SIZE);
    struct writer writer = writer_of(bytes, SHIPMENT_HEAD_SIZE);
    writer_u8(&writer, FORMAT);
    writer_u8(&writer, (uint8_t)head->kind);
    writer_u16(&writer, head->part);
    writer_u16(&writer, head->parts);
    writer_u64(&writer, head->number);
    writer_u64(&writer, head->base);
    writer_u64(&writer, head->previous);
    writer_u64(&writer, head->total);
    writer_u64(&writer, head->offset);
    writer_u32(&writer, head->size);
    writer_bytes(&writer, head->cluster, sizeof(head->cluster));
    assert(!writer.failed);
}

/* The part is where it says in bytes that are as many as it says. */
static bool is_in_place(const struct shipment_head *head)
{
    if (head->part == SHIPMENT_SEAL) {
        return head->parts > 0 && head->parts == shipment_parts_of(head->total) &&
            head->offset == head->total && head->size == 0;
    }
    uint64_t left = head->total - head->offset;
    return head->parts == shipment_parts_of(head->total) && head->part < head->parts &&
        head->offset == (uint64_t)head->part * SHIPMENT_PART_MAX && head->offset <= head->total &&
        head->size == (left < SHIPMENT_PART_MAX ? left : SHIPMENT_PART_MAX);
}

static bool follows(const struct shipment_head *head)
{
    return head->kind == SHIPMENT_SNAPSHOT ? head->base == head->number && head->previous == 0
                                           : head->kind == SHIPMENT_CHANGES &&
            head->base <= head->previous && head->previous < head->number;
}

enum hearth_code shipment_head_decode(
    struct view bytes, struct shipment_head *out, struct hearth_err *err)
{
    struct reader reader = reader_of(bytes);
    uint8_t format = reader_u8(&reader);
    if (format != FORMAT) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "part of a shipment: format %u", format);
    }
    struct shipment_head head = {.kind = (enum shipment_kind)reader_u8(&reader)};
    head.part = reader_u16(&reader);
    head.parts = reader_u16(&reader);
    head.number = reader_u64(&reader);
    head.base = reader_u64(&reader);
    head.previous = reader_u64(&reader);
    head.total = reader_u64(&reader);
    head.offset = reader_u64(&reader);
    head.size = reader_u32(&reader);
    reader_bytes(&reader, head.cluster, sizeof(head.cluster));
    if (reader.failed || bytes.size < SHIPMENT_HEAD_SIZE + (size_t)head.size ||
        !is_in_place(&head) || !follows(&head)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "part of a shipment: its head makes no sense");
    }
    *out = head;
    return HEARTH_OK;
}
