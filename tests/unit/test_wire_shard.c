/*
 * wire_shard: the short way for cells and the general way are the same protocol.
 *
 * Each cell goes out both ways and the bytes are compared; each message comes in both ways and what
 * was understood is compared, cut messages and trailing bytes included.
 */
#include "proto/wire_shard.h"
#include "tests/lib/test.h"

#include <stdlib.h>

static const size_t cell_sizes[] = {1, 16, 127, 128, 16383, 16384, WIRE_CELL_MAX};
enum { CELL_SIZES = sizeof(cell_sizes) / sizeof(cell_sizes[0]) };

static uint8_t cell_bytes[WIRE_CELL_MAX];

static struct view cell_of(size_t size)
{
    for (size_t i = 0; i < size; i++) {
        cell_bytes[i] = (uint8_t)(i * 31);
    }
    return view_of(cell_bytes, size);
}

static struct buf *put_message(struct view cell)
{
    struct hearth_err err;
    struct buf *buf;
    const struct wire_shard_put_message message = {.step = WIRE_SHARD_PUT_CELL, .cell = cell};
    assert_ok(wire_encode(&wire_shard_put_message_message, &message, &buf, &err), &err);
    return buf;
}

static struct buf *get_message(struct view cell)
{
    struct hearth_err err;
    struct buf *buf;
    const struct wire_shard_get_message message = {.cell = cell};
    assert_ok(wire_encode(&wire_shard_get_message_message, &message, &buf, &err), &err);
    return buf;
}

static void assert_is_head_and_cell(
    struct buf *message TAKES, const struct wire_cell_head *head, struct view cell)
{
    assert_int_equal(message->size, head->size + cell.size);
    assert_memory_equal(message->bytes, head->bytes, head->size);
    assert_memory_equal(message->bytes + head->size, cell.bytes, cell.size);
    buf_unref(message);
}

static void a_head_and_a_cell_are_what_the_general_way_sends(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELL_SIZES; i++) {
        struct view cell = cell_of(cell_sizes[i]);
        const struct wire_cell_head put = wire_put_cell_head(cell.size);
        const struct wire_cell_head get = wire_get_cell_head(cell.size);
        assert_is_head_and_cell(put_message(cell), &put, cell);
        assert_is_head_and_cell(get_message(cell), &get, cell);
    }
}

static bool lies_in(struct view part, const struct buf *whole)
{
    return part.bytes >= whole->bytes && part.bytes + part.size <= whole->bytes + whole->size;
}

static void a_received_cell_stays_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELL_SIZES; i++) {
        struct hearth_err err;
        struct wire_shard_put_message put;
        struct wire_shard_get_message get;
        struct view cell = cell_of(cell_sizes[i]);
        struct buf *put_bytes = put_message(cell);
        struct buf *get_bytes = get_message(cell);
        assert_ok(wire_decode_shard_put(buf_view(put_bytes), NULL, &put, &err), &err);
        assert_ok(wire_decode_shard_get(buf_view(get_bytes), NULL, &get, &err), &err);
        assert_int_equal(put.step, WIRE_SHARD_PUT_CELL);
        assert_true(lies_in(put.cell, put_bytes) && view_equal(put.cell, cell));
        assert_true(lies_in(get.cell, get_bytes) && view_equal(get.cell, cell));
        buf_unref(put_bytes);
        buf_unref(get_bytes);
    }
}

static void open_and_footer_go_the_general_way(void **state)
{
    (void)state;
    uint8_t digest[32] = {7};
    const struct wire_shard_put_footer footer = {
        .cells = 3, .size = 99, .tag_digest = view_of(digest, sizeof(digest))};
    const struct wire_shard_put_message sent = {.step = WIRE_SHARD_PUT_FOOTER, .footer = &footer};
    struct hearth_err err;
    struct buf *bytes;
    struct arena arena;
    struct wire_shard_put_message got;
    arena_init(&arena, 0);
    assert_ok(wire_encode(&wire_shard_put_message_message, &sent, &bytes, &err), &err);
    assert_ok(wire_decode_shard_put(buf_view(bytes), &arena, &got, &err), &err);
    assert_int_equal(got.step, WIRE_SHARD_PUT_FOOTER);
    assert_int_equal(got.footer->cells, 3);
    arena_fini(&arena);
    buf_unref(bytes);
}

/* What both ways make of the same bytes, in memory that ends where they do. */
static void assert_both_ways_agree(struct view bytes)
{
    struct hearth_err err;
    struct arena arena;
    struct wire_shard_put_message quick;
    struct wire_shard_put_message general;
    FREES uint8_t *exact = malloc(bytes.size + 1);
    memcpy(exact, bytes.bytes, bytes.size);
    struct view message = view_of(exact, bytes.size);
    arena_init(&arena, 0);
    enum hearth_code quick_code = wire_decode_shard_put(message, &arena, &quick, &err);
    enum hearth_code general_code =
        wire_decode(&wire_shard_put_message_message, message, &arena, &general, &err);
    assert_int_equal(quick_code, general_code);
    if (quick_code == HEARTH_OK) {
        assert_int_equal(quick.step, general.step);
        assert_true(view_equal(quick.cell, general.cell));
    }
    arena_fini(&arena);
}

static void cut_or_lengthened_messages_mean_the_same_both_ways(void **state)
{
    (void)state;
    struct buf *whole = put_message(cell_of(300));
    for (size_t size = 0; size <= whole->size; size++) {
        assert_both_ways_agree(view_of(whole->bytes, size));
    }
    uint8_t longer[64];
    for (unsigned last = 0; last < 256; last++) {
        const uint8_t start[] = {0x12, 3, 'a', 'b', 'c', (uint8_t)last, 0};
        memcpy(longer, start, sizeof(start));
        assert_both_ways_agree(view_of(longer, sizeof(start)));
    }
    buf_unref(whole);
}

static void any_length_bytes_mean_the_same_both_ways(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            const uint8_t bytes[] = {0x12, (uint8_t)first, (uint8_t)second, 1, 2, 3};
            assert_both_ways_agree(view_of(bytes, sizeof(bytes)));
        }
    }
}

static void a_cell_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct hearth_err err;
    struct arena arena;
    struct wire_shard_get_message out;
    FREES uint8_t *bytes = calloc(1, WIRE_CELL_MAX + 5);
    const struct wire_cell_head head = wire_get_cell_head(WIRE_CELL_MAX);
    memcpy(bytes, head.bytes, head.size);
    bytes[1]++; /* one more than may be */
    arena_init(&arena, 0);
    struct view message = view_of(bytes, head.size + WIRE_CELL_MAX + 1);
    assert_int_equal(wire_decode_shard_get(message, &arena, &out, &err), HEARTH_INVALID);
    assert_string_equal(err.message,
        "decode ShardGetMessage: ShardGetMessage.cell: 65569 bytes, "
        "allowed are 0 to 65568");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_and_a_cell_are_what_the_general_way_sends),
        cmocka_unit_test(a_received_cell_stays_where_it_is),
        cmocka_unit_test(open_and_footer_go_the_general_way),
        cmocka_unit_test(cut_or_lengthened_messages_mean_the_same_both_ways),
        cmocka_unit_test(any_length_bytes_mean_the_same_both_ways),
        cmocka_unit_test(a_cell_over_the_limit_is_refused),
    };
    return cmocka_run_group_tests_name("wire_shard", tests, NULL, NULL);
}
