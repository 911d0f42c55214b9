#include "coordinator/order.h"

#include "common/cleanup.h"
#include "common/codec.h"

/* One node's keys of one period. */
struct kept_keys {
    bool is_used;
    uint32_t key_id;
    uint8_t node_id[PKI_ID_SIZE];
    struct order_keys keys;
};

struct order_kept_keys {
    pthread_mutex_t mutex;
    struct kept_keys slots[ORDER_KEYS_KEPT];
};

void order_issuer_init(struct order_issuer *issuer, struct env *env,
    const struct shard_name_keys *names, const uint8_t master[CRYPTO_KEY_SIZE])
{
    *issuer = (struct order_issuer){.env = env, .names = names};
    memcpy(issuer->master, master, CRYPTO_KEY_SIZE);
    issuer->kept = calloc(1, sizeof(*issuer->kept));
    assert(issuer->kept != NULL);
    pthread_mutex_init(&issuer->kept->mutex, NULL);
}

void order_issuer_fini(struct order_issuer *issuer)
{
    if (issuer->kept != NULL) {
        pthread_mutex_destroy(&issuer->kept->mutex);
        crypto_wipe(issuer->kept, sizeof(*issuer->kept));
        free(issuer->kept);
    }
    crypto_wipe(issuer, sizeof(*issuer));
}

uint32_t order_period(uint64_t unix_ms)
{
    return (uint32_t)(unix_ms / ORDER_PERIOD_MS);
}

/* ---- keys ---- */

static void derive_node_keys(const struct order_issuer *issuer, uint32_t key_id,
    const uint8_t node_id[PKI_ID_SIZE], struct order_keys *out)
{
    static const char purpose[] = "hearth/1/order-master";
    uint8_t info[sizeof(purpose) - 1 + sizeof(key_id)];
    struct writer writer = writer_of(info, sizeof(info));
    writer_bytes(&writer, purpose, sizeof(purpose) - 1);
    writer_u32(&writer, key_id);

    uint8_t master[CRYPTO_KEY_SIZE];
    crypto_hkdf(view_of(issuer->master, sizeof(issuer->master)), view_of(info, writer.size), master,
        sizeof(master));
    order_keys_derive(master, node_id, out);
    crypto_wipe(master, sizeof(master));
}

/* A node's id is a hash itself. */
static struct kept_keys *slot_of(struct order_kept_keys *kept, const uint8_t node_id[PKI_ID_SIZE])
{
    return &kept->slots[((unsigned)node_id[0] << 8 | node_id[1]) % ORDER_KEYS_KEPT];
}

void order_node_keys(const struct order_issuer *issuer, uint32_t key_id,
    const uint8_t node_id[PKI_ID_SIZE], struct order_keys *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&issuer->kept->mutex);
    struct kept_keys *slot = slot_of(issuer->kept, node_id);
    if (!slot->is_used || slot->key_id != key_id ||
        memcmp(slot->node_id, node_id, PKI_ID_SIZE) != 0) {
        slot->is_used = true;
        slot->key_id = key_id;
        memcpy(slot->node_id, node_id, PKI_ID_SIZE);
        derive_node_keys(issuer, key_id, node_id, &slot->keys);
    }
    *out = slot->keys;
}

/* ---- orders and receipts ---- */

void order_issue(const struct order_issuer *issuer, const struct order_request *request,
    uint8_t bytes[ORDER_SIZE])
{
    struct shard_place place = {.slot = request->slot, .p = request->p};
    memcpy(place.segment, request->segment.bytes, sizeof(place.segment));
    struct shard_name name;
    shard_name_make(issuer->names, &place, &name);

    struct order order = {
        .action = request->action,
        .key_id = order_period(request->created_unix_ms),
        .slot = request->slot,
        .p = request->p,
        .size_max = request->size_max,
        .created_unix_ms = request->created_unix_ms,
        .expires_unix_ms = request->expires_unix_ms,
    };
    memcpy(order.node_id, request->node_id, sizeof(order.node_id));
    memcpy(order.shard_id, name.id, sizeof(order.shard_id));
    memcpy(order.locator, name.locator, sizeof(order.locator));
    assert(request->session_id.size == sizeof(order.session));
    memcpy(order.session, request->session_id.bytes, sizeof(order.session));
    env_random(issuer->env, order.serial, sizeof(order.serial));

    struct order_keys keys;
    order_node_keys(issuer, order.key_id, request->node_id, &keys);
    order_encode(&order, keys.order_key, bytes);
    crypto_wipe(&keys, sizeof(keys));
}

static enum hearth_code check_period(uint32_t key_id, uint64_t now_unix_ms, struct hearth_err *err)
{
    uint32_t now = order_period(now_unix_ms);
    if (key_id + 1 < now || key_id > now + 1) {
        return hearth_fail(
            err, HEARTH_DENIED, "receipt made with key %u, now it is %u", key_id, now);
    }
    return HEARTH_OK;
}

enum hearth_code order_receipt_check(const struct order_issuer *issuer, struct view bytes,
    const struct shard_place *place, uint64_t now_unix_ms, struct receipt *out,
    struct hearth_err *err)
{
    uint32_t key_id;
    uint8_t node_id[PKI_ID_SIZE];
    enum hearth_code code = receipt_key_id(bytes, &key_id, err);
    if (code == HEARTH_OK) {
        code = check_period(key_id, now_unix_ms, err);
    }
    if (code == HEARTH_OK) {
        code = receipt_node_id(bytes, node_id, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }

    struct order_keys keys;
    order_node_keys(issuer, key_id, node_id, &keys);
    code = receipt_verify(bytes, keys.receipt_key, out, err);
    crypto_wipe(&keys, sizeof(keys));
    if (code != HEARTH_OK) {
        return code;
    }
    struct shard_name name;
    shard_name_make(issuer->names, place, &name);
    if (memcmp(name.id, out->shard_id, sizeof(name.id)) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "receipt is for another shard");
    }
    return HEARTH_OK;
}
