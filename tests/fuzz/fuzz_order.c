/*
 * fuzz_order: orders and receipts.  What verifies says the same when it is encoded again, and no
 * bit of it can change without its MAC noticing.
 *
 * The first byte chooses order or receipt and the bit that is turned.  The rest gets a MAC that
 * fits, or nothing behind the MAC would ever be reached; without one it must be refused.
 */
#include "proto/order_format.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t key[CRYPTO_KEY_SIZE] = {1};

static void set_mac(uint8_t *bytes, size_t size)
{
    if (size >= CRYPTO_SHA256_SIZE) {
        size_t covered = size - CRYPTO_SHA256_SIZE;
        crypto_hmac_sha256(view_of(key, sizeof(key)), view_of(bytes, covered), bytes + covered);
    }
}

static void fuzz_order(struct view bytes)
{
    struct hearth_err err;
    struct order order;
    uint32_t key_id;
    uint8_t once[ORDER_SIZE];
    uint8_t twice[ORDER_SIZE];
    if (order_verify(bytes, key, &order, &err) != HEARTH_OK) {
        return;
    }
    order_encode(&order, key, once);
    enum hearth_code code = order_verify(view_of(once, sizeof(once)), key, &order, &err);
    assert(code == HEARTH_OK);
    order_encode(&order, key, twice);
    assert(memcmp(once, twice, sizeof(once)) == 0);
    code = order_key_id(bytes, &key_id, &err);
    assert(code == HEARTH_OK && key_id == order.key_id);
}

static void fuzz_receipt(struct view bytes)
{
    struct hearth_err err;
    struct receipt receipt;
    uint8_t node[PKI_ID_SIZE];
    uint8_t once[RECEIPT_SIZE];
    uint8_t twice[RECEIPT_SIZE];
    if (receipt_verify(bytes, key, &receipt, &err) != HEARTH_OK) {
        return;
    }
    receipt_encode(&receipt, key, once);
    enum hearth_code code = receipt_verify(view_of(once, sizeof(once)), key, &receipt, &err);
    assert(code == HEARTH_OK);
    receipt_encode(&receipt, key, twice);
    assert(memcmp(once, twice, sizeof(once)) == 0);
    code = receipt_node_id(bytes, node, &err);
    assert(code == HEARTH_OK && memcmp(node, receipt.node_id, sizeof(node)) == 0);
}

static bool verifies(bool is_receipt, struct view bytes)
{
    struct hearth_err err;
    struct order order;
    struct receipt receipt;
    return is_receipt ? receipt_verify(bytes, key, &receipt, &err) == HEARTH_OK
                      : order_verify(bytes, key, &order, &err) == HEARTH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = view_of(data, size);
    uint8_t choice = fuzz_byte(&rest);
    bool is_receipt = (choice & 1) != 0;
    if (rest.size == 0) {
        return 0;
    }
    assert(!verifies(is_receipt, rest)); /* nobody guesses a MAC */
    uint8_t *bytes = fuzz_copy(rest);
    struct view view = view_of(bytes, rest.size);
    set_mac(bytes, rest.size);
    if (is_receipt) {
        fuzz_receipt(view);
    } else {
        fuzz_order(view);
    }
    bytes[choice % rest.size] ^= (uint8_t)(1u << (choice >> 5));
    assert(!verifies(is_receipt, view));
    free(bytes);
    return 0;
}
