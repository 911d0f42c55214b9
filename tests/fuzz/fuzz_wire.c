/*
 * fuzz_wire: whatever bytes arrive, they are refused or understood; and what was understood means
 * the same after it was said again.
 *
 * The first byte chooses what the rest is taken for: a message of hearth.proto, an order, a
 * receipt, an invitation, or a shard message on its short way.  Orders and receipts get a MAC that
 * fits, or nothing behind the MAC would ever be reached.
 */
#include "proto/invite.h"
#include "proto/order_format.h"
#include "proto/wire_shard.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void fuzz_message(const struct wire_message *message, struct view bytes)
{
    struct hearth_err err;
    struct arena arena;
    arena_init(&arena, 0);
    void *first = arena_take(&arena, wire_message_size(message));
    void *second = arena_take(&arena, wire_message_size(message));
    if (wire_decode(message, bytes, &arena, first, &err) == HEARTH_OK) {
        struct buf *once = encode(message, first);
        enum hearth_code code = wire_decode(message, buf_view(once), &arena, second, &err);
        assert(code == HEARTH_OK);
        struct buf *twice = encode(message, second);
        assert(view_equal(buf_view(once), buf_view(twice)));
        buf_unref(twice);
        buf_unref(once);
    }
    arena_fini(&arena);
}

static void fuzz_shard_message(struct view bytes)
{
    struct hearth_err err;
    struct arena arena;
    struct wire_shard_put_message quick;
    struct wire_shard_put_message general;
    struct wire_shard_get_message got;
    arena_init(&arena, 0);
    enum hearth_code code = wire_decode_shard_put(bytes, &arena, &quick, &err);
    enum hearth_code expected =
        wire_decode(&wire_shard_put_message_message, bytes, &arena, &general, &err);
    assert(code == expected);
    if (code == HEARTH_OK) {
        assert(quick.step == general.step);
        assert(view_equal(quick.cell, general.cell));
    }
    wire_decode_shard_get(bytes, &arena, &got, &err);
    arena_fini(&arena);
}

static const uint8_t key[CRYPTO_KEY_SIZE] = {1};

/* The bytes with a MAC that fits in place of their last 32, as far as they are long enough. */
static uint8_t *with_mac(struct view bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    assert(copy != NULL);
    if (bytes.size > 0) {
        memcpy(copy, bytes.bytes, bytes.size);
    }
    if (bytes.size >= CRYPTO_SHA256_SIZE) {
        size_t covered = bytes.size - CRYPTO_SHA256_SIZE;
        crypto_hmac_sha256(view_of(key, sizeof(key)), view_of(copy, covered), copy + covered);
    }
    return copy;
}

static void fuzz_order(struct view bytes)
{
    struct hearth_err err;
    struct order order;
    struct order again;
    uint32_t key_id;
    uint8_t *copy = with_mac(bytes);
    struct view maced = view_of(copy, bytes.size);
    if (order_verify(maced, key, &order, &err) == HEARTH_OK) {
        uint8_t encoded[ORDER_SIZE];
        order_encode(&order, key, encoded);
        enum hearth_code code = order_verify(view_of(encoded, sizeof(encoded)), key, &again, &err);
        assert(code == HEARTH_OK && again.action == order.action);
        assert(again.expires_unix_ms == order.expires_unix_ms);
        code = order_key_id(maced, &key_id, &err);
        assert(code == HEARTH_OK && key_id == order.key_id);
    }
    free(copy);
}

static void fuzz_receipt(struct view bytes)
{
    struct hearth_err err;
    struct receipt receipt;
    struct receipt again;
    uint8_t *copy = with_mac(bytes);
    if (receipt_verify(view_of(copy, bytes.size), key, &receipt, &err) == HEARTH_OK) {
        uint8_t encoded[RECEIPT_SIZE];
        receipt_encode(&receipt, key, encoded);
        enum hearth_code code =
            receipt_verify(view_of(encoded, sizeof(encoded)), key, &again, &err);
        assert(code == HEARTH_OK && again.size == receipt.size && again.p == receipt.p);
    }
    free(copy);
}

static void fuzz_invite(struct view text)
{
    struct hearth_err err;
    struct arena arena;
    struct invite invite;
    struct invite again;
    char word[INVITE_TEXT_MAX + 1];
    arena_init(&arena, 0);
    if (invite_parse(text, &arena, &invite, &err) == HEARTH_OK) {
        invite_encode(&invite, word);
        enum hearth_code code = invite_parse(view_text(word), &arena, &again, &err);
        assert(code == HEARTH_OK && view_equal(invite.place, again.place));
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct view rest = view_of(data + 1, size - 1);
    switch (data[0]) {
    case 0xff: fuzz_order(rest); break;
    case 0xfe: fuzz_receipt(rest); break;
    case 0xfd: fuzz_invite(rest); break;
    case 0xfc: fuzz_shard_message(rest); break;
    default: fuzz_message(messages[data[0] % MESSAGES], rest); break;
    }
    return 0;
}
