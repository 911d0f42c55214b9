/*
 * fuzz_wire: whatever bytes arrive, they are refused or understood; and what was understood means
 * the same after it was said again.  The first byte chooses the message of hearth.proto.
 */
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static const struct wire_message *const messages[] = {
#define X(name) &wire_##name##_message,
    WIRE_MESSAGE_TABLE(X)
#undef X
};
enum { MESSAGES = sizeof(messages) / sizeof(messages[0]) };

static struct buf *encode(const struct wire_message *message, const void *in)
{
    struct hearth_err err;
    struct buf *bytes;
    enum hearth_code code = wire_encode(message, in, &bytes, &err);
    assert(code == HEARTH_OK);
    return bytes;
}

/* Fields nobody knows are not said again, but had paid for memory: it may be refused then. */
static void say_again(
    const struct wire_message *message, struct view once, size_t size_before, void *second)
{
    struct hearth_err err;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = wire_decode(message, once, &arena, second, &err);
    if (code == HEARTH_OK) {
        struct buf *twice = encode(message, second);
        assert(view_equal(once, buf_view(twice)));
        buf_unref(twice);
    } else {
        assert(code == HEARTH_INVALID && once.size < size_before &&
            strstr(err.message, "wants more memory") != NULL);
    }
    arena_fini(&arena);
}

static void fuzz_message(const struct wire_message *message, struct view bytes)
{
    struct hearth_err err;
    struct arena arena;
    arena_init(&arena, 0);
    void *first = arena_take(&arena, wire_message_size(message));
    void *second = arena_take(&arena, wire_message_size(message));
    if (wire_decode(message, bytes, &arena, first, &err) == HEARTH_OK) {
        struct buf *once = encode(message, first);
        say_again(message, buf_view(once), bytes.size, second);
        buf_unref(once);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        fuzz_message(messages[data[0] % MESSAGES], view_of(data + 1, size - 1));
    }
    return 0;
}
