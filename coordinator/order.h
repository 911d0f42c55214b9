/*
 * order.h - the coordinator's leave and the nodes' word: orders issued, receipts checked.
 *
 *   master key --HKDF(key id)--> order master --HKDF(node)--> that node's keys (proto/order_format)
 *
 * Key ids count periods of a week since 1970; a node is given the previous, the current and the
 * next one, so neither a late heartbeat nor the turn of a period refuses an honest order.
 *
 * The keys of the nodes met lately are kept: deriving them is six HMACs, using them one.
 *
 * Thread-safety: any thread; what is kept has a lock of its own, a leaf.
 */
#ifndef HEARTH_COORDINATOR_ORDER_H
#define HEARTH_COORDINATOR_ORDER_H

#include "coordinator/meta/meta_store.h"
#include "coordinator/shard_name.h"
#include "proto/order_format.h"

#define ORDER_PERIOD_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)

enum { ORDER_KEYS_KEPT = 1024 }; /* by a hash of the node; a newcomer takes another's place */

struct order_kept_keys;

struct order_issuer {
    struct env *env;
    const struct shard_name_keys *names;
    uint8_t master[CRYPTO_KEY_SIZE];
    struct order_kept_keys *kept;
};

void order_issuer_init(struct order_issuer *issuer, struct env *env,
    const struct shard_name_keys *names, const uint8_t master[CRYPTO_KEY_SIZE]);
void order_issuer_fini(struct order_issuer *issuer); /* wipes */

/* The period a moment lies in. */
uint32_t order_period(uint64_t unix_ms);

/* What a node is given of one period. */
void order_node_keys(const struct order_issuer *issuer, uint32_t key_id,
    const uint8_t node_id[PKI_ID_SIZE], struct order_keys *out);

struct order_request {
    enum order_action action;
    uint8_t node_id[PKI_ID_SIZE];
    struct meta_id segment;
    uint16_t slot;
    uint16_t p;
    uint64_t size_max;        /* PUT: bytes of cells and tags */
    struct view session_id;   /* PKI_ID_SIZE bytes: who will show it */
    uint64_t created_unix_ms; /* the coordinator's now */
    uint64_t expires_unix_ms;
};

void order_issue(const struct order_issuer *issuer, const struct order_request *request,
    uint8_t bytes[ORDER_SIZE]);

/*
 * A receipt for (segment, slot, p): made by the node it names, with a key not older than one
 * period, for the shard of that name.  HEARTH_DENIED, HEARTH_INVALID, HEARTH_UNKNOWN_FORMAT.
 */
enum hearth_code order_receipt_check(const struct order_issuer *issuer, struct view bytes,
    const struct shard_place *place, uint64_t now_unix_ms, struct receipt *out,
    struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_ORDER_H */
