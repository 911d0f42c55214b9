#include "proto/wire_shard.h"

#include <assert.h>

/* Protobuf: field number << 3 | 2 ("length follows"), the length as a varint, the bytes. */
enum {
    PUT_CELL_TAG = 2 << 3 | 2,
    GET_CELL_TAG = 1 << 3 | 2,
    VARINT_MORE = 0x80,
};
static_assert(WIRE_CELL_MAX < 1 << 21, "three bytes of varint, as wire_cell_head has room for");

static struct wire_cell_head cell_head(uint8_t tag, size_t cell_size)
{
    assert(cell_size > 0 && cell_size <= WIRE_CELL_MAX);
    struct wire_cell_head head = {.bytes = {tag}, .size = 1};
    size_t left = cell_size;
    for (; left >= VARINT_MORE; left >>= 7) {
        head.bytes[head.size++] = (uint8_t)(left | VARINT_MORE);
    }
    head.bytes[head.size++] = (uint8_t)left;
    return head;
}

struct wire_cell_head wire_put_cell_head(size_t cell_size)
{
    return cell_head(PUT_CELL_TAG, cell_size);
}

struct wire_cell_head wire_get_cell_head(size_t cell_size)
{
    return cell_head(GET_CELL_TAG, cell_size);
}

/* The message is this cell, the whole cell and nothing but the cell. */
static bool is_cell(uint8_t tag, struct view message, struct view *cell)
{
    size_t size = 0;
    size_t at = 1;
    if (message.size < 2 || message.bytes[0] != tag) {
        return false;
    }
    for (unsigned shift = 0; shift < 21; shift += 7) {
        const uint8_t byte = message.bytes[at++];
        size |= (size_t)(byte & ~VARINT_MORE) << shift;
        if ((byte & VARINT_MORE) == 0) {
            *cell = view_of(message.bytes + at, message.size - at);
            return size == cell->size && size > 0 && size <= WIRE_CELL_MAX;
        }
        if (at == message.size) {
            return false;
        }
    }
    return false;
}

enum hearth_code wire_decode_shard_put(struct view message, struct arena *arena,
    struct wire_shard_put_message *out, struct hearth_err *err)
{
    struct view cell;
    if (is_cell(PUT_CELL_TAG, message, &cell)) {
        *out = (struct wire_shard_put_message){.step = WIRE_SHARD_PUT_CELL, .cell = cell};
        return HEARTH_OK;
    }
    return wire_decode(&wire_shard_put_message_message, message, arena, out, err);
}

enum hearth_code wire_decode_shard_get(struct view message, struct arena *arena,
    struct wire_shard_get_message *out, struct hearth_err *err)
{
    struct view cell;
    if (is_cell(GET_CELL_TAG, message, &cell)) {
        *out = (struct wire_shard_get_message){.cell = cell};
        return HEARTH_OK;
    }
    return wire_decode(&wire_shard_get_message_message, message, arena, out, err);
}

bool wire_get_cell_to_put(struct buf *message)
{
    struct view cell;
    if (!is_cell(GET_CELL_TAG, buf_view(message), &cell)) {
        return false;
    }
    message->bytes[0] = PUT_CELL_TAG;
    return true;
}
