/*
 * fuzz_wire_shard: the short way for cells understands exactly what the general one does, to the
 * same effect.  The first byte chooses the message.
 */
#include "proto/wire_messages.h"
#include "proto/wire_shard.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_put(struct view bytes, struct arena *arena)
{
    struct hearth_err err;
    struct wire_shard_put_message quick;
    struct wire_shard_put_message general;
    enum hearth_code code = wire_decode_shard_put(bytes, arena, &quick, &err);
    enum hearth_code expected =
        wire_decode(&wire_shard_put_message_message, bytes, arena, &general, &err);
    assert(code == expected);
    if (code == HEARTH_OK) {
        assert(quick.step == general.step);
        assert(view_equal(quick.cell, general.cell));
    }
}

static void fuzz_get(struct view bytes, struct arena *arena)
{
    struct hearth_err err;
    struct wire_shard_get_message quick;
    struct wire_shard_get_message general;
    enum hearth_code code = wire_decode_shard_get(bytes, arena, &quick, &err);
    enum hearth_code expected =
        wire_decode(&wire_shard_get_message_message, bytes, arena, &general, &err);
    assert(code == expected);
    if (code == HEARTH_OK) {
        assert(view_equal(quick.cell, general.cell));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = view_of(data, size);
    struct arena arena;
    arena_init(&arena, 0);
    if ((fuzz_byte(&rest) & 1) == 0) {
        fuzz_put(rest, &arena);
    } else {
        fuzz_get(rest, &arena);
    }
    arena_fini(&arena);
    return 0;
}
