#include "proto/link_frame.h"

#include "common/codec.h"

enum { BY_CLIENT = 1 << LINK_CLIENT, BY_SERVER = 1 << LINK_SERVER, BY_BOTH = 3 };

static const struct rule {
    const char *name;
    unsigned by;
    bool of_stream;
    uint32_t size_least;
    uint32_t size_most;
    uint32_t value_least;
    uint32_t value_most;
} rules[LINK_TYPES] = {
    [LINK_HELLO] = {"HELLO", BY_SERVER, false, 0, 0, 1, RPC_STREAMS_MAX},
    [LINK_OPEN] = {"OPEN", BY_CLIENT, true, RPC_REQUEST_ID_SIZE + 1, LINK_OPEN_MAX, 1, UINT32_MAX},
    [LINK_MESSAGE] = {"MESSAGE", BY_BOTH, true, 0, LINK_PART_MAX, 0, UINT32_MAX},
    [LINK_MORE] = {"MORE", BY_BOTH, true, 1, LINK_PART_MAX, 0, 0},
    [LINK_CREDIT] = {"CREDIT", BY_BOTH, true, 0, 0, 1, LINK_WINDOW},
    [LINK_CLOSE] = {"CLOSE", BY_CLIENT, true, 0, 0, 0, 0},
    [LINK_FINISH] = {"FINISH", BY_SERVER, true, 0, RPC_MESSAGE_TEXT_MAX, 0, UINT16_MAX},
    [LINK_RESET] = {"RESET", BY_BOTH, true, 0, 0, 0, 0},
    [LINK_PING] = {"PING", BY_BOTH, false, 0, 0, 0, UINT32_MAX},
    [LINK_PONG] = {"PONG", BY_BOTH, false, 0, 0, 0, UINT32_MAX},
    [LINK_GOAWAY] = {"GOAWAY", BY_SERVER, false, 0, 0, 0, 0},
};

void link_head_encode(const struct link_head *head, uint8_t bytes[LINK_HEAD_SIZE])
{
    struct writer writer = writer_of(bytes, LINK_HEAD_SIZE);
    writer_u8(&writer, (uint8_t)head->type);
    writer_u8(&writer, 0);
    writer_u16(&writer, 0);
    writer_u32(&writer, head->stream);
    writer_u32(&writer, head->size);
    writer_u32(&writer, head->value);
    assert(!writer.failed);
}

/* A part of a message brings at least a byte of it, and none beyond its end. */
static bool is_first_part(const struct link_head *head)
{
    return head->size <= head->value && (head->size > 0 || head->value == 0);
}

enum hearth_code link_head_decode(const uint8_t bytes[LINK_HEAD_SIZE], enum link_side from,
    struct link_head *out, struct hearth_err *err)
{
    struct reader reader = reader_of(view_of(bytes, LINK_HEAD_SIZE));
    const unsigned type = reader_u8(&reader);
    const unsigned zero = reader_u8(&reader) | reader_u16(&reader);
    struct link_head head = {.type = (enum link_type)type};
    head.stream = reader_u32(&reader);
    head.size = reader_u32(&reader);
    head.value = reader_u32(&reader);
    if (type == 0 || type >= LINK_TYPES || zero != 0) {
        return hearth_fail(err, HEARTH_INVALID, "a frame of unknown type %u", type);
    }
    const struct rule *rule = &rules[type];
    if ((rule->by & (1u << from)) == 0 || (head.stream != 0) != rule->of_stream ||
        head.size < rule->size_least || head.size > rule->size_most ||
        head.value < rule->value_least || head.value > rule->value_most ||
        (type == LINK_MESSAGE && !is_first_part(&head))) {
        return hearth_fail(err, HEARTH_INVALID, "a wrong %s: stream %u, size %u, value %u",
            rule->name, (unsigned)head.stream, (unsigned)head.size, (unsigned)head.value);
    }
    *out = head;
    return HEARTH_OK;
}
