#include "tests/lib/test_wire_fill.h"

#include "proto/wire_table.h"

/* The second ones are "to the limit", as far as a test has the memory. */
enum { REPEATED_MAX = 3, REPEATED_LIMIT = 4096, SIZE_MAX_FILLED = 40, SIZE_LIMIT = 8192 };

static uint64_t draw(struct test_wire_filler *filler, uint64_t least, uint64_t most)
{
    uint64_t span = most - least;
    return least + env_random_below(&filler->env.env, span == UINT64_MAX ? span : span + 1);
}

static void fill_message(
    struct test_wire_filler *filler, const struct wire_message *message, uint8_t *out);

/* Of sizes and counts; `usual` and `limit`: where a test stops even when more is allowed. */
static uint64_t draw_extent(
    struct test_wire_filler *filler, uint64_t least, uint64_t most, uint64_t usual, uint64_t limit)
{
    const uint64_t wished = filler->to_the_limit ? limit : usual;
    const uint64_t stop = wished < least ? least : wished;
    const uint64_t end = most < stop ? most : stop;
    if (filler->to_the_limit) {
        return draw(filler, 0, 2) == 0 ? least : end;
    }
    return draw(filler, least, end);
}

static struct view fill_bytes(struct test_wire_filler *filler, const struct wire_field *field)
{
    size_t size =
        (size_t)draw_extent(filler, field->least, field->most, SIZE_MAX_FILLED, SIZE_LIMIT);
    if (field->or_none && draw(filler, 0, 1) == 0) {
        size = 0;
    }
    uint8_t *bytes = arena_take(&filler->arena, size + 1);
    env_random(&filler->env.env, bytes, size);
    return view_of(bytes, size);
}

static void fill_value(struct test_wire_filler *filler, const struct wire_field *field, uint8_t *at)
{
    switch (field->kind) {
    case WIRE_BOOL: *(bool *)at = draw(filler, 0, 1) == 1; break;
    case WIRE_U32:
        *(uint32_t *)at = (uint32_t)draw(
            filler, field->least, field->most < UINT32_MAX ? field->most : UINT32_MAX);
        break;
    case WIRE_U64: *(uint64_t *)at = draw(filler, field->least, field->most); break;
    case WIRE_BYTES: *(struct view *)at = fill_bytes(filler, field); break;
    case WIRE_MESSAGE: fill_message(filler, field->message, at); break;
    }
}

static size_t stride(const struct wire_field *field)
{
    static const size_t sizes[] = {
        [WIRE_BOOL] = sizeof(bool),
        [WIRE_U32] = sizeof(uint32_t),
        [WIRE_U64] = sizeof(uint64_t),
        [WIRE_BYTES] = sizeof(struct view),
    };
    return field->kind == WIRE_MESSAGE ? field->message->size : sizes[field->kind];
}

static void fill_field(
    struct test_wire_filler *filler, const struct wire_field *field, uint8_t *out)
{
    if (field->count_max == 0 && field->kind != WIRE_MESSAGE) {
        fill_value(filler, field, out + field->offset);
        return;
    }
    size_t count = 1;
    if (field->count_max > 0) {
        count = (size_t)draw_extent(filler, 0, field->count_max, REPEATED_MAX, REPEATED_LIMIT);
        memcpy(out + field->count_offset, &count, sizeof(count));
    } else if (field->or_none) {
        count = (size_t)draw(filler, 0, 1);
    }
    if (count > 0) {
        uint8_t *array = arena_take_array(&filler->arena, count, stride(field));
        memcpy(out + field->offset, &array, sizeof(array));
        for (size_t i = 0; i < count; i++) {
            fill_value(filler, field, array + i * stride(field));
        }
    }
}

static void fill_message(
    struct test_wire_filler *filler, const struct wire_message *message, uint8_t *out)
{
    memset(out, 0, message->size);
    for (unsigned i = 0; i < message->field_count; i++) {
        fill_field(filler, &message->fields[i], out);
    }
    if (message == &wire_shard_put_message_message) {
        ((struct wire_shard_put_message *)out)->step =
            (enum wire_shard_put_step)draw(filler, WIRE_SHARD_PUT_NOTHING, WIRE_SHARD_PUT_FOOTER);
    }
}

void test_wire_filler_init(struct test_wire_filler *filler, uint64_t seed)
{
    *filler = (struct test_wire_filler){.to_the_limit = false};
    test_env_init(&filler->env, seed);
    arena_init(&filler->arena, 0);
}

void *test_wire_fill(struct test_wire_filler *filler, const struct wire_message *message)
{
    uint8_t *out = arena_take(&filler->arena, message->size);
    fill_message(filler, message, out);
    return out;
}

void test_wire_filler_fini(struct test_wire_filler *filler)
{
    arena_fini(&filler->arena);
}
