/*
 * wire: every message survives the journey, and no field outside its limits does.
 *
 * The tables that wire.c works from also drive these tests: each message is filled at random within
 * its limits, and each limit of each field is broken once, in both directions.
 */
#include "proto/wire.h"
#include "proto/wire_table.h"
#include "tests/lib/test.h"
#include "tests/lib/test_wire_fill.h"

#include <stdio.h>
#include <stdlib.h>

static const struct wire_message *const all_messages[] = {
#define X(name) &wire_##name##_message,
    WIRE_MESSAGE_TABLE(X)
#undef X
};
enum { ALL_MESSAGES = sizeof(all_messages) / sizeof(all_messages[0]) };

/* ---- the journey ---- */

static void tables_agree_with_the_protocol(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_MESSAGES; i++) {
        wire_message_check(all_messages[i]);
    }
}

static void comes_back(struct test_wire_filler *filler, const struct wire_message *message)
{
    struct hearth_err err;
    struct buf *sent;
    struct buf *again;
    assert_ok(wire_encode(message, test_wire_fill(filler, message), &sent, &err), &err);
    void *received = arena_take(&filler->arena, message->size);
    assert_ok(wire_decode(message, buf_view(sent), &filler->arena, received, &err), &err);
    assert_ok(wire_encode(message, received, &again, &err), &err);
    assert_true(view_equal(buf_view(sent), buf_view(again)));
    buf_unref(again);
    buf_unref(sent);
}

static void every_message_comes_back_as_it_was_sent(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct test_wire_filler filler;
        test_wire_filler_init(&filler, seed);
        for (size_t i = 0; i < ALL_MESSAGES; i++) {
            comes_back(&filler, all_messages[i]);
        }
        test_wire_filler_fini(&filler);
    }
}

static void fields_arrive_where_they_belong(void **state)
{
    (void)state;
    const uint8_t ids[2][16] = {{1}, {2}};
    const struct wire_slot_receipt receipts[] = {{.slot = 3, .receipt = view_text("receipt")}};
    const struct wire_seal_segment_request seal = {.intent_id = view_of(ids[0], 16),
        .segment_id = view_of(ids[1], 16),
        .length = UINT64_C(1) << 40,
        .receipts = receipts,
        .receipts_count = 1};
    const struct wire_commit_request sent = {.intent_id = view_of(ids[0], 16),
        .body_id = view_of(ids[1], 16),
        .manifest = view_text("sealed"),
        .size = 77,
        .etag = view_of(ids[1], 16),
        .seal = &seal};
    struct hearth_err err;
    struct buf *bytes;
    assert_ok(wire_encode(&wire_commit_request_message, &sent, &bytes, &err), &err);

    struct arena arena;
    arena_init(&arena, 0);
    struct wire_commit_request got;
    assert_ok(wire_decode(&wire_commit_request_message, buf_view(bytes), &arena, &got, &err), &err);
    buf_unref(bytes);
    assert_int_equal(got.size, 77);
    assert_int_equal(got.extents_count, 0);
    assert_true(view_equal(got.manifest, view_text("sealed")));
    assert_true(got.seal->length == UINT64_C(1) << 40);
    assert_int_equal(got.seal->receipts_count, 1);
    assert_int_equal(got.seal->receipts[0].slot, 3);
    assert_true(view_equal(got.seal->receipts[0].receipt, view_text("receipt")));
    arena_fini(&arena);
}

static void an_unselected_step_is_not_sent(void **state)
{
    (void)state;
    const struct wire_shard_put_message sent = {
        .step = WIRE_SHARD_PUT_NOTHING, .cell = view_text("not looked at")};
    struct hearth_err err;
    struct buf *bytes;
    assert_ok(wire_encode(&wire_shard_put_message_message, &sent, &bytes, &err), &err);
    assert_int_equal(bytes->size, 0);
    buf_unref(bytes);
}

/* ---- limits ---- */

/* A field as protobuf writes it; fields of hearth.proto are numbered 1, 2, 3 ... in order. */
static void write_varint(struct buf *buf, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        buf->bytes[buf->size++] = (uint8_t)(value | 0x80);
    }
    buf->bytes[buf->size++] = (uint8_t)value;
}

static void write_bytes(struct buf *buf, unsigned number, size_t size)
{
    write_varint(buf, number << 3 | 2);
    write_varint(buf, size);
    memset(buf->bytes + buf->size, 0, size);
    buf->size += size;
}

static void is_refused(
    const struct wire_message *message, const struct wire_field *field, struct buf *bytes TAKES)
{
    struct arena arena;
    struct hearth_err err;
    arena_init(&arena, 0);
    void *out = arena_take(&arena, message->size);
    assert_int_equal(wire_decode(message, buf_view(bytes), &arena, out, &err), HEARTH_INVALID);
    char name[80];
    snprintf(name, sizeof(name), "%s.%s", wire_message_name(message), field->name);
    if (strstr(err.message, name) == NULL) {
        fail_msg("\"%s\" does not name %s", err.message, name);
    }
    arena_fini(&arena);
    buf_unref(bytes);
}

/* A message within its limits, with room for more. */
static struct buf *valid_message(const struct wire_message *message, size_t room)
{
    struct test_wire_filler filler;
    struct hearth_err err;
    struct buf *bytes;
    test_wire_filler_init(&filler, 1);
    assert_ok(wire_encode(message, test_wire_fill(&filler, message), &bytes, &err), &err);
    struct buf *roomy = buf_create(bytes->size + room);
    memcpy(roomy->bytes, bytes->bytes, bytes->size);
    roomy->size = bytes->size;
    buf_unref(bytes);
    test_wire_filler_fini(&filler);
    return roomy;
}

static void refuses_a_size(
    const struct wire_message *message, const struct wire_field *field, size_t size)
{
    struct buf *bytes = valid_message(message, size + 16);
    write_bytes(bytes, (unsigned)(field - message->fields) + 1, size);
    is_refused(message, field, bytes);
}

static void refuses_a_number(
    const struct wire_message *message, const struct wire_field *field, uint64_t value)
{
    struct buf *bytes = valid_message(message, 16);
    write_varint(bytes, ((uint64_t)(field - message->fields) + 1) << 3);
    write_varint(bytes, value);
    is_refused(message, field, bytes);
}

/* One more of the same than may be; of messages a valid one, of bytes of a valid size. */
static void refuses_a_count(const struct wire_message *message, const struct wire_field *field)
{
    struct buf *one =
        field->kind == WIRE_MESSAGE ? valid_message(field->message, 0) : buf_create(32);
    one->size = field->kind == WIRE_BYTES ? (field->most < 32 ? field->most : 32) : one->size;
    memset(one->bytes, 0, field->kind == WIRE_BYTES ? one->size : 0);
    unsigned number = (unsigned)(field - message->fields) + 1;
    struct buf *bytes = valid_message(message, (field->count_max + 1) * (one->size + 8));
    for (uint64_t i = 0; i <= field->count_max; i++) {
        write_varint(bytes, number << 3 | (field->kind == WIRE_U32 ? 0 : 2));
        write_varint(bytes, field->kind == WIRE_U32 ? 0 : one->size);
        memcpy(bytes->bytes + bytes->size, one->bytes, one->size);
        bytes->size += one->size;
    }
    buf_unref(one);
    is_refused(message, field, bytes);
}

static void refuses_what_the_row_forbids(
    const struct wire_message *message, const struct wire_field *field)
{
    if (field->count_max > 0) {
        refuses_a_count(message, field);
    }
    if (field->kind == WIRE_BYTES && message != &wire_shard_put_message_message) {
        refuses_a_size(message, field, (size_t)field->most + 1);
        if (field->least > 0) {
            refuses_a_size(message, field, (size_t)field->least - 1);
        }
    }
    if (field->kind == WIRE_U32 && field->most < UINT32_MAX) {
        refuses_a_number(message, field, field->most + 1);
    }
}

static void every_limit_is_checked_and_its_field_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_MESSAGES; i++) {
        const struct wire_message *message = all_messages[i];
        for (unsigned j = 0; j < message->field_count; j++) {
            refuses_what_the_row_forbids(message, &message->fields[j]);
        }
    }
}

static void a_limit_holds_for_the_sender_too(void **state)
{
    (void)state;
    uint8_t token[16] = {0};
    char key[WIRE_KEY_MAX + 1];
    memset(key, 'k', sizeof(key));
    struct wire_begin_request request = {.bucket = view_text("photos"),
        .key = view_of(key, sizeof(key)),
        .token = view_of(token, sizeof(token))};
    struct hearth_err err;
    struct buf *bytes = NULL;
    assert_int_equal(
        wire_encode(&wire_begin_request_message, &request, &bytes, &err), HEARTH_INVALID);
    assert_null(bytes);
    assert_string_equal(
        err.message, "encode BeginRequest: BeginRequest.key: 1025 bytes, allowed are 0 to 1024");
    request.key.size--;
    assert_ok(wire_encode(&wire_begin_request_message, &request, &bytes, &err), &err);
    buf_unref(bytes);
}

static void a_message_that_must_be_there_is_missed(void **state)
{
    (void)state;
    struct hearth_err err;
    struct arena arena;
    struct wire_list_entry entry;
    arena_init(&arena, 0);
    assert_int_equal(
        wire_decode(&wire_list_entry_message, view_text(""), &arena, &entry, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "decode ListEntry: ListEntry.info is missing");
    struct buf *bytes = NULL;
    memset(&entry, 0, sizeof(entry));
    assert_int_equal(wire_encode(&wire_list_entry_message, &entry, &bytes, &err), HEARTH_INVALID);
    assert_null(bytes);
    arena_fini(&arena);
}

/* ---- hostile bytes ---- */

static void every_cut_of_a_message_is_refused_or_understood(void **state)
{
    (void)state;
    struct buf *whole = valid_message(&wire_lookup_reply_message, 0);
    for (size_t size = 0; size < whole->size; size++) {
        FREES uint8_t *exact = malloc(size + 1); /* so that reading past the end is seen */
        memcpy(exact, whole->bytes, size);
        struct arena arena;
        struct hearth_err err;
        struct wire_lookup_reply out;
        arena_init(&arena, 0);
        wire_decode(&wire_lookup_reply_message, view_of(exact, size), &arena, &out, &err);
        arena_fini(&arena);
    }
    buf_unref(whole);
}

static void a_crafted_message_cannot_take_much_memory(void **state)
{
    (void)state;
    enum { EMPTY_EXTENTS = 100 * 1000 };
    struct buf *bytes = buf_create(2 * EMPTY_EXTENTS);
    for (unsigned i = 0; i < EMPTY_EXTENTS; i++) {
        write_bytes(bytes, 8, 0); /* CommitRequest.extents */
    }
    struct arena arena;
    struct hearth_err err;
    struct wire_commit_request out;
    arena_init(&arena, 0);
    assert_int_equal(wire_decode(&wire_commit_request_message, buf_view(bytes), &arena, &out, &err),
        HEARTH_INVALID);
    assert_true(arena.bytes_total <= 20 * bytes->size);
    arena_fini(&arena);
    buf_unref(bytes);
}

static void an_arena_that_is_full_is_said_to_be(void **state)
{
    (void)state;
    struct buf *bytes = valid_message(&wire_lookup_reply_message, 0);
    struct arena arena;
    struct hearth_err err;
    struct wire_lookup_reply out;
    arena_init(&arena, 1);
    assert_int_equal(wire_decode(&wire_lookup_reply_message, buf_view(bytes), &arena, &out, &err),
        HEARTH_NO_MEMORY);
    arena_fini(&arena);
    buf_unref(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_agree_with_the_protocol),
        cmocka_unit_test(every_message_comes_back_as_it_was_sent),
        cmocka_unit_test(fields_arrive_where_they_belong),
        cmocka_unit_test(an_unselected_step_is_not_sent),
        cmocka_unit_test(every_limit_is_checked_and_its_field_named),
        cmocka_unit_test(a_limit_holds_for_the_sender_too),
        cmocka_unit_test(a_message_that_must_be_there_is_missed),
        cmocka_unit_test(every_cut_of_a_message_is_refused_or_understood),
        cmocka_unit_test(a_crafted_message_cannot_take_much_memory),
        cmocka_unit_test(an_arena_that_is_full_is_said_to_be),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
