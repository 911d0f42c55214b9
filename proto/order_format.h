/*
 * order_format.h - the exact bytes of orders and receipts, and the keys they are sealed with.
 *
 *   coordinator                        client                    node
 *   order_encode  --------- order ------------------------------> order_verify
 *   receipt_verify <------- receipt ----------------------------- receipt_encode
 *
 * An order is the coordinator's leave for one action on one shard at one node; a receipt is the
 * node's word that it holds one.  Both are MACed over exactly the bytes that travel, under a key
 * only the coordinator and that node have:
 *
 *   order key   = HKDF(order master[key id], "hearth/1/order"   + node id)
 *   receipt key = HKDF(order master[key id], "hearth/1/receipt" + node id)
 *   MAC         = HMAC-SHA256(key, all bytes before the MAC)
 *
 * Order, 170 bytes, integers little-endian:
 *
 *   version 1 | action 1 | key id 4 | node id 20 | shard id 16 | locator 20 | slot 2 | p 2 |
 *   size max 8 | session 20 | serial 16 | created 8 | expires 8 | reserved 12 (zero) | MAC 32
 *
 * Receipt, 160 bytes:
 *
 *   version 1 | reserved 1 (zero) | key id 4 | node id 20 | shard id 16 | slot 2 | p 2 | cells 4 |
 *   size 8 | tag digest 32 | stored 8 | serial 16 | reserved 14 (zero) | MAC 32
 *
 * Pure computation. Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_ORDER_FORMAT_H
#define HEARTH_PROTO_ORDER_FORMAT_H

#include "common/crypto.h"
#include "common/err.h"
#include "common/pki.h"

enum {
    ORDER_SIZE = 170,
    RECEIPT_SIZE = 160,
    ORDER_FORMAT_VERSION = 1,
    ORDER_SHARD_ID_SIZE = 16,
    ORDER_LOCATOR_SIZE = 20,
    ORDER_SERIAL_SIZE = 16,
    ORDER_DIGEST_SIZE = 32,
};

enum order_action { ORDER_PUT = 1, ORDER_GET = 2 };

struct order {
    enum order_action action;
    uint32_t key_id;
    uint8_t node_id[PKI_ID_SIZE];
    uint8_t shard_id[ORDER_SHARD_ID_SIZE];
    uint8_t locator[ORDER_LOCATOR_SIZE];
    uint16_t slot;
    uint16_t p;
    uint64_t size_max; /* bytes of cells and tags that may be put; 0 in a GET */
    uint8_t session[PKI_ID_SIZE];
    uint8_t serial[ORDER_SERIAL_SIZE];
    uint64_t created_unix_ms;
    uint64_t expires_unix_ms; /* by the coordinator's clock */
};

struct receipt {
    uint32_t key_id;
    uint8_t node_id[PKI_ID_SIZE];
    uint8_t shard_id[ORDER_SHARD_ID_SIZE];
    uint16_t slot;
    uint16_t p;
    uint32_t cells;
    uint64_t size; /* bytes of cells and tags */
    uint8_t tag_digest[ORDER_DIGEST_SIZE];
    uint64_t stored_unix_ms;
    uint8_t serial[ORDER_SERIAL_SIZE]; /* of the order it answers */
};

/* What a node is given of one order master, and the coordinator derives when it needs it. */
struct order_keys {
    uint8_t order_key[CRYPTO_KEY_SIZE];
    uint8_t receipt_key[CRYPTO_KEY_SIZE];
};

void order_keys_derive(const uint8_t master[CRYPTO_KEY_SIZE], const uint8_t node_id[PKI_ID_SIZE],
    struct order_keys *out);

void order_encode(
    const struct order *order, const uint8_t order_key[CRYPTO_KEY_SIZE], uint8_t bytes[ORDER_SIZE]);

/* The key id of something that may be an order or receipt: which key to verify it with.
 * HEARTH_INVALID: not of that size. HEARTH_UNKNOWN_FORMAT: a newer version. */
enum hearth_code order_key_id(struct view bytes, uint32_t *out, struct hearth_err *err);
enum hearth_code receipt_key_id(struct view bytes, uint32_t *out, struct hearth_err *err);

/* Whose receipt it claims to be, and by that which key verifies it. Codes as receipt_key_id. */
enum hearth_code receipt_node_id(
    struct view bytes, uint8_t out[PKI_ID_SIZE], struct hearth_err *err);

/* Codes as order_key_id; HEARTH_DENIED: the MAC does not fit. Times and names are not judged. */
enum hearth_code order_verify(struct view bytes, const uint8_t order_key[CRYPTO_KEY_SIZE],
    struct order *out, struct hearth_err *err);

/* What an order says, for who has no key to verify it with. Codes as order_key_id. */
enum hearth_code order_read(struct view bytes, struct order *out, struct hearth_err *err);

void receipt_encode(const struct receipt *receipt, const uint8_t receipt_key[CRYPTO_KEY_SIZE],
    uint8_t bytes[RECEIPT_SIZE]);

enum hearth_code receipt_verify(struct view bytes, const uint8_t receipt_key[CRYPTO_KEY_SIZE],
    struct receipt *out, struct hearth_err *err);

#endif /* HEARTH_PROTO_ORDER_FORMAT_H */
