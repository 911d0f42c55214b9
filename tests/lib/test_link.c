#include "tests/lib/test_link.h"

#include "common/codec.h"

#include <assert.h>

enum { DEADLINE_MS = 10000 };

/* Not link_head_encode(), which takes no head that is wrong by its type. */
void test_link_head(
    struct test_script *script, unsigned type, uint32_t stream, uint32_t size, uint32_t value)
{
    uint8_t bytes[LINK_HEAD_SIZE];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    writer_u32(&writer, type);
    writer_u32(&writer, stream);
    writer_u32(&writer, size);
    writer_u32(&writer, value);
    assert(!writer.failed);
    test_script_add(script, view_of(bytes, sizeof(bytes)));
}

void test_link_frame(
    struct test_script *script, unsigned type, uint32_t stream, uint32_t value, struct view payload)
{
    test_link_head(script, type, stream, (uint32_t)payload.size, value);
    test_script_add(script, payload);
}

void test_link_open(struct test_script *script, uint32_t stream, const char *path)
{
    const struct view name = view_text(path);
    test_link_head(
        script, LINK_OPEN, stream, (uint32_t)(RPC_REQUEST_ID_SIZE + name.size), DEADLINE_MS);
    test_script_add_byte(script, 7, RPC_REQUEST_ID_SIZE);
    test_script_add(script, name);
}

void test_link_message(struct test_script *script, uint32_t stream, struct view bytes)
{
    test_link_frame(script, LINK_MESSAGE, stream, (uint32_t)bytes.size, bytes);
}

void test_link_parts(struct test_script *script, uint32_t stream, unsigned times)
{
    test_link_head(script, LINK_MESSAGE, stream, LINK_PART_MAX, times * LINK_PART_MAX);
    test_script_add_byte(script, 'm', LINK_PART_MAX);
    for (unsigned i = 1; i < times; i++) {
        test_link_head(script, LINK_MORE, stream, LINK_PART_MAX, 0);
        test_script_add_byte(script, 'm', LINK_PART_MAX);
    }
}
