#include "proto/order_format.h"

#include "common/codec.h"
#include "proto/wire_messages.h"

#include <assert.h>

enum {
    MAC_SIZE = CRYPTO_SHA256_SIZE,
    KEY_ID_OFFSET = 2,  /* in both */
    NODE_ID_OFFSET = 6, /* in both */
    ORDER_RESERVED_SIZE = 12,
    RECEIPT_RESERVED_SIZE = 14,
};

static_assert((int)ORDER_SIZE <= WIRE_SIGNED_MAX, "messages have room for an order");
static_assert((int)RECEIPT_SIZE <= WIRE_SIGNED_MAX, "and for a receipt");

static const uint8_t reserved[RECEIPT_RESERVED_SIZE];

static void derive(const char *purpose, const uint8_t master[CRYPTO_KEY_SIZE],
    const uint8_t node_id[PKI_ID_SIZE], uint8_t key[CRYPTO_KEY_SIZE])
{
    uint8_t info[64];
    struct writer writer = writer_of(info, sizeof(info));
    writer_bytes(&writer, purpose, strlen(purpose));
    writer_bytes(&writer, node_id, PKI_ID_SIZE);
    assert(!writer.failed);
    crypto_hkdf(view_of(master, CRYPTO_KEY_SIZE), view_of(info, writer.size), key, CRYPTO_KEY_SIZE);
}

void order_keys_derive(const uint8_t master[CRYPTO_KEY_SIZE], const uint8_t node_id[PKI_ID_SIZE],
    struct order_keys *out)
{
    derive("hearth/1/order", master, node_id, out->order_key);
    derive("hearth/1/receipt", master, node_id, out->receipt_key);
}

/* Everything but the MAC is written; adds it, and with that the blob has its exact size. */
static void add_mac(struct writer *writer, const uint8_t key[CRYPTO_KEY_SIZE])
{
    uint8_t mac[MAC_SIZE];
    crypto_hmac_sha256(view_of(key, CRYPTO_KEY_SIZE), view_of(writer->start, writer->size), mac);
    writer_bytes(writer, mac, sizeof(mac));
    assert(!writer->failed && writer->size == writer->capacity);
}

static enum hearth_code check_head(
    struct view bytes, size_t size, const char *what, struct hearth_err *err)
{
    if (bytes.size != size) {
        return hearth_fail(err, HEARTH_INVALID, "%s of %zu bytes, not %zu", what, bytes.size, size);
    }
    if (bytes.bytes[0] != ORDER_FORMAT_VERSION) {
        return hearth_fail(
            err, HEARTH_UNKNOWN_FORMAT, "%s of format version %u", what, bytes.bytes[0]);
    }
    return HEARTH_OK;
}

static enum hearth_code check_mac(
    struct view bytes, const uint8_t key[CRYPTO_KEY_SIZE], const char *what, struct hearth_err *err)
{
    uint8_t mac[MAC_SIZE];
    size_t signed_size = bytes.size - MAC_SIZE;
    crypto_hmac_sha256(view_of(key, CRYPTO_KEY_SIZE), view_of(bytes.bytes, signed_size), mac);
    if (!crypto_equal(mac, bytes.bytes + signed_size, MAC_SIZE)) {
        return hearth_fail(err, HEARTH_DENIED, "%s was altered, or made with another key", what);
    }
    return HEARTH_OK;
}

static enum hearth_code read_key_id(
    struct view bytes, size_t size, const char *what, uint32_t *out, struct hearth_err *err)
{
    enum hearth_code code = check_head(bytes, size, what, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct reader reader = reader_of(view_of(bytes.bytes + KEY_ID_OFFSET, sizeof(uint32_t)));
    *out = reader_u32(&reader);
    return HEARTH_OK;
}

/* ---- orders ---- */

void order_encode(
    const struct order *order, const uint8_t order_key[CRYPTO_KEY_SIZE], uint8_t bytes[ORDER_SIZE])
{
    struct writer writer = writer_of(bytes, ORDER_SIZE);
    writer_u8(&writer, ORDER_FORMAT_VERSION);
    writer_u8(&writer, (uint8_t)order->action);
    writer_u32(&writer, order->key_id);
    writer_bytes(&writer, order->node_id, sizeof(order->node_id));
    writer_bytes(&writer, order->shard_id, sizeof(order->shard_id));
    writer_bytes(&writer, order->locator, sizeof(order->locator));
    writer_u16(&writer, order->slot);
    writer_u16(&writer, order->p);
    writer_u64(&writer, order->size_max);
    writer_bytes(&writer, order->session, sizeof(order->session));
    writer_bytes(&writer, order->serial, sizeof(order->serial));
    writer_u64(&writer, order->created_unix_ms);
    writer_u64(&writer, order->expires_unix_ms);
    writer_bytes(&writer, reserved, ORDER_RESERVED_SIZE);
    add_mac(&writer, order_key);
}

enum hearth_code order_key_id(struct view bytes, uint32_t *out, struct hearth_err *err)
{
    return read_key_id(bytes, ORDER_SIZE, "order", out, err);
}

enum hearth_code order_read(struct view bytes, struct order *out, struct hearth_err *err)
{
    if (check_head(bytes, ORDER_SIZE, "order", err) != HEARTH_OK) {
        return err->code;
    }
    struct reader reader = reader_of(view_of(bytes.bytes + 1, bytes.size - 1 - MAC_SIZE));
    out->action = (enum order_action)reader_u8(&reader);
    out->key_id = reader_u32(&reader);
    reader_bytes(&reader, out->node_id, sizeof(out->node_id));
    reader_bytes(&reader, out->shard_id, sizeof(out->shard_id));
    reader_bytes(&reader, out->locator, sizeof(out->locator));
    out->slot = reader_u16(&reader);
    out->p = reader_u16(&reader);
    out->size_max = reader_u64(&reader);
    reader_bytes(&reader, out->session, sizeof(out->session));
    reader_bytes(&reader, out->serial, sizeof(out->serial));
    out->created_unix_ms = reader_u64(&reader);
    out->expires_unix_ms = reader_u64(&reader);
    reader_view(&reader, ORDER_RESERVED_SIZE);
    assert(reader_at_end(&reader));
    return HEARTH_OK;
}

enum hearth_code order_verify(struct view bytes, const uint8_t order_key[CRYPTO_KEY_SIZE],
    struct order *out, struct hearth_err *err)
{
    enum hearth_code code = check_head(bytes, ORDER_SIZE, "order", err);
    if (code == HEARTH_OK) {
        code = check_mac(bytes, order_key, "order", err);
    }
    return code == HEARTH_OK ? order_read(bytes, out, err) : code;
}

/* ---- receipts ---- */

void receipt_encode(const struct receipt *receipt, const uint8_t receipt_key[CRYPTO_KEY_SIZE],
    uint8_t bytes[RECEIPT_SIZE])
{
    struct writer writer = writer_of(bytes, RECEIPT_SIZE);
    writer_u8(&writer, ORDER_FORMAT_VERSION);
    writer_u8(&writer, 0);
    writer_u32(&writer, receipt->key_id);
    writer_bytes(&writer, receipt->node_id, sizeof(receipt->node_id));
    writer_bytes(&writer, receipt->shard_id, sizeof(receipt->shard_id));
    writer_u16(&writer, receipt->slot);
    writer_u16(&writer, receipt->p);
    writer_u32(&writer, receipt->cells);
    writer_u64(&writer, receipt->size);
    writer_bytes(&writer, receipt->tag_digest, sizeof(receipt->tag_digest));
    writer_u64(&writer, receipt->stored_unix_ms);
    writer_bytes(&writer, receipt->serial, sizeof(receipt->serial));
    writer_bytes(&writer, reserved, RECEIPT_RESERVED_SIZE);
    add_mac(&writer, receipt_key);
}

enum hearth_code receipt_key_id(struct view bytes, uint32_t *out, struct hearth_err *err)
{
    return read_key_id(bytes, RECEIPT_SIZE, "receipt", out, err);
}

enum hearth_code receipt_node_id(
    struct view bytes, uint8_t out[PKI_ID_SIZE], struct hearth_err *err)
{
    enum hearth_code code = check_head(bytes, RECEIPT_SIZE, "receipt", err);
    if (code == HEARTH_OK) {
        memcpy(out, bytes.bytes + NODE_ID_OFFSET, PKI_ID_SIZE);
    }
    return code;
}

enum hearth_code receipt_verify(struct view bytes, const uint8_t receipt_key[CRYPTO_KEY_SIZE],
    struct receipt *out, struct hearth_err *err)
{
    enum hearth_code code = check_head(bytes, RECEIPT_SIZE, "receipt", err);
    if (code == HEARTH_OK) {
        code = check_mac(bytes, receipt_key, "receipt", err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct reader reader = reader_of(view_of(bytes.bytes + 2, bytes.size - 2 - MAC_SIZE));
    out->key_id = reader_u32(&reader);
    reader_bytes(&reader, out->node_id, sizeof(out->node_id));
    reader_bytes(&reader, out->shard_id, sizeof(out->shard_id));
    out->slot = reader_u16(&reader);
    out->p = reader_u16(&reader);
    out->cells = reader_u32(&reader);
    out->size = reader_u64(&reader);
    reader_bytes(&reader, out->tag_digest, sizeof(out->tag_digest));
    out->stored_unix_ms = reader_u64(&reader);
    reader_bytes(&reader, out->serial, sizeof(out->serial));
    reader_view(&reader, RECEIPT_RESERVED_SIZE);
    assert(reader_at_end(&reader));
    return HEARTH_OK;
}
