#include "storaged/order_check.h"

#include <assert.h>
#include <inttypes.h>

void order_check_init(
    struct order_check *check, struct env *env, const uint8_t node_id[PKI_ID_SIZE])
{
    *check = (struct order_check){.env = env};
    memcpy(check->node_id, node_id, PKI_ID_SIZE);
}

void order_check_fini(struct order_check *check)
{
    crypto_wipe(check->periods, sizeof(check->periods));
}

void order_check_learn(struct order_check *check, uint64_t coordinator_unix_ms,
    const struct order_period *periods, unsigned count)
{
    assert(count <= ORDER_PERIODS_MAX);
    crypto_wipe(check->periods, sizeof(check->periods));
    memcpy(check->periods, periods, count * sizeof(*periods));
    check->period_count = count;
    check->learnt_unix_ms = coordinator_unix_ms;
    check->learnt_at_ns = env_now_ns(check->env);
    check->is_ready = true;
}

uint64_t order_check_now_unix_ms(const struct order_check *check)
{
    assert(check->is_ready);
    return check->learnt_unix_ms + (env_now_ns(check->env) - check->learnt_at_ns) / 1000000;
}

static const struct order_keys *find_keys(const struct order_check *check, uint32_t key_id)
{
    for (unsigned i = 0; i < check->period_count; i++) {
        if (check->periods[i].key_id == key_id) {
            return &check->periods[i].keys;
        }
    }
    return NULL;
}

/* The bytes are the coordinator's, said to us. What they say is judged afterwards. */
static enum hearth_code check_mac(
    const struct order_check *check, struct view bytes, struct order *out, struct hearth_err *err)
{
    uint32_t key_id;
    if (order_key_id(bytes, &key_id, err) != HEARTH_OK) {
        return err->code;
    }
    const struct order_keys *keys = find_keys(check, key_id);
    if (keys == NULL) {
        return hearth_fail(err, HEARTH_DENIED, "order key %" PRIu32 " is not known here", key_id);
    }
    return order_verify(bytes, keys->order_key, out, err);
}

static enum hearth_code check_names(const struct order_check *check, const struct order *order,
    enum order_action action, const uint8_t session[PKI_ID_SIZE], struct hearth_err *err)
{
    if (memcmp(order->node_id, check->node_id, PKI_ID_SIZE) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "the order is for another node");
    }
    if (order->action != action) {
        return hearth_fail(err, HEARTH_DENIED, "the order is for another action");
    }
    if (memcmp(order->session, session, PKI_ID_SIZE) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "the order is for another session");
    }
    return HEARTH_OK;
}

enum hearth_code order_check_time(
    const struct order_check *check, const struct order *order, struct hearth_err *err)
{
    uint64_t now_ms = order_check_now_unix_ms(check);
    if (now_ms >= order->expires_unix_ms) {
        return hearth_fail(err, HEARTH_EXPIRED, "the order expired %" PRIu64 " ms ago",
            now_ms - order->expires_unix_ms);
    }
    if (order->created_unix_ms > now_ms + ORDER_FUTURE_MS_MAX) {
        return hearth_fail(err, HEARTH_EXPIRED, "the order is from %" PRIu64 " ms in the future",
            order->created_unix_ms - now_ms);
    }
    return HEARTH_OK;
}

enum hearth_code order_check_verify(const struct order_check *check, struct view bytes,
    enum order_action action, const uint8_t session[PKI_ID_SIZE], struct order *out,
    struct hearth_err *err)
{
    struct order order;
    if (!check->is_ready) {
        return hearth_fail(
            err, HEARTH_NOT_READY, "this node has not heard from its coordinator yet");
    }
    if (check_mac(check, bytes, &order, err) != HEARTH_OK ||
        check_names(check, &order, action, session, err) != HEARTH_OK ||
        order_check_time(check, &order, err) != HEARTH_OK) {
        return err->code;
    }
    *out = order;
    return HEARTH_OK;
}

enum hearth_code order_check_receipt(const struct order_check *check, const struct order *order,
    const struct order_stored *stored, uint8_t bytes[RECEIPT_SIZE], struct hearth_err *err)
{
    const struct order_keys *keys = find_keys(check, order->key_id);
    if (keys == NULL) {
        return hearth_fail(
            err, HEARTH_EXPIRED, "order key %" PRIu32 " is not in use any more", order->key_id);
    }
    struct receipt receipt = {
        .key_id = order->key_id,
        .slot = order->slot,
        .p = order->p,
        .cells = stored->cells,
        .size = stored->size,
        .stored_unix_ms = stored->stored_unix_ms,
    };
    memcpy(receipt.node_id, check->node_id, PKI_ID_SIZE);
    memcpy(receipt.shard_id, order->shard_id, ORDER_SHARD_ID_SIZE);
    memcpy(receipt.tag_digest, stored->tag_digest, ORDER_DIGEST_SIZE);
    memcpy(receipt.serial, order->serial, ORDER_SERIAL_SIZE);
    receipt_encode(&receipt, keys->receipt_key, bytes);
    return HEARTH_OK;
}
