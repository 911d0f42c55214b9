/*
 * order_check.h - is this order the coordinator's, for this node, this action and now?
 *
 *   heartbeat reply --order_check_learn()--> keys, coordinator's time
 *   order bytes --order_check_verify()--> struct order, or the reason why not
 *
 * The coordinator's clock alone decides what has expired; between heartbeats it is continued by
 * CLOCK_BOOTTIME, which nobody can set.  Before the first heartbeat nothing can be judged:
 * NOT_READY.  The volume's index is the replay guard: an order may be shown again, and then finds
 * its shard there, or in the trash.
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_ORDER_CHECK_H
#define HEARTH_STORAGED_ORDER_CHECK_H

#include "common/env.h"
#include "common/err.h"
#include "proto/order_format.h"

enum {
    ORDER_PERIODS_MAX = 3, /* previous, current, next */
    /*
     * An order may be this much younger than our idea of the coordinator's time, which is late by
     * the travel of a heartbeat reply.
     */
    ORDER_FUTURE_MS_MAX = 30000,
};

/* This node's keys of one order master. */
struct order_period {
    uint32_t key_id;
    struct order_keys keys;
};

struct order_check {
    struct env *env;
    uint8_t node_id[PKI_ID_SIZE];
    bool is_ready;           /* a heartbeat was answered */
    uint64_t learnt_unix_ms; /* the coordinator's time ... */
    uint64_t learnt_at_ns;   /* ... at this moment of ours */
    unsigned period_count;
    struct order_period periods[ORDER_PERIODS_MAX];
};

void order_check_init(
    struct order_check *check, struct env *env, const uint8_t node_id[PKI_ID_SIZE]);

/* Wipes the keys. */
void order_check_fini(struct order_check *check);

/* Replaces time and keys; count <= ORDER_PERIODS_MAX. */
void order_check_learn(struct order_check *check, uint64_t coordinator_unix_ms,
    const struct order_period *periods, unsigned count);

/*
 * HEARTH_NOT_READY: no heartbeat was answered yet.
 * HEARTH_UNKNOWN_FORMAT, HEARTH_INVALID: not an order we can read.
 * HEARTH_DENIED: another node, action or session, an unknown key, or the MAC does not fit.
 * HEARTH_EXPIRED: too late, or from the future.
 */
enum hearth_code order_check_verify(const struct order_check *check, struct view bytes,
    enum order_action action, const uint8_t session[PKI_ID_SIZE], struct order *out,
    struct hearth_err *err);

/* Once more, for an order that was verified before. HEARTH_EXPIRED: not any more. */
enum hearth_code order_check_time(
    const struct order_check *check, const struct order *order, struct hearth_err *err);

/* The coordinator's time. Not before the first order_check_learn(). */
uint64_t order_check_now_unix_ms(const struct order_check *check);

/* What a finished put says of its shard. */
struct order_stored {
    uint32_t cells;
    uint64_t size;
    uint64_t stored_unix_ms; /* of the first put of this content: its receipt never changes */
    uint8_t tag_digest[ORDER_DIGEST_SIZE];
};

/*
 * The receipt for a verified order.
 * HEARTH_EXPIRED: the keys of the order are gone meanwhile.
 */
enum hearth_code order_check_receipt(const struct order_check *check, const struct order *order,
    const struct order_stored *stored, uint8_t bytes[RECEIPT_SIZE], struct hearth_err *err);

#endif /* HEARTH_STORAGED_ORDER_CHECK_H */
