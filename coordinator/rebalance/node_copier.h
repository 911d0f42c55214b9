/*
 * node_copier.h - one node fetches a shard from another, at the coordinator's word.
 *
 *   node_copier_rpc.c               real nodes
 *   tests/unit/test_shard_move.c    invented ones
 *
 * Not every two nodes reach one another: a pair that did not is left alone for a while, and its
 * shards go another way.
 *
 * Thread-safety: any thread; a copy blocks its own.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_NODE_COPIER_H
#define HEARTH_COORDINATOR_REBALANCE_NODE_COPIER_H

#include "common/env.h"
#include "common/err.h"
#include "common/pki.h"
#include "coordinator/halt.h"
#include "proto/order_format.h"
#include "proto/wire_rebalance.h"

#include <pthread.h>

enum { NODE_COPIER_PAIRS_MAX = 256, NODE_COPIER_AVOID_MS = 10 * 60 * 1000 };

struct node_copier;

struct node_copier_ops {
    enum hearth_code (*copy)(struct node_copier *copier, uint32_t to,
        const struct wire_shard_copy_request *request, const struct halt *halt,
        uint8_t receipt[RECEIPT_SIZE], struct hearth_err *err);
};

/* Two that did not reach one another; of those that share a place the last is remembered. */
struct node_copier_pair {
    uint32_t from;
    uint32_t to;
    uint64_t until_ns;
};

struct node_copier {
    const struct node_copier_ops *ops;
    struct env *env;
    uint8_t session_id[PKI_ID_SIZE]; /* whom the order for the fetching node names: us */

    struct {
        pthread_mutex_t mutex;
        struct node_copier_pair pairs[NODE_COPIER_PAIRS_MAX];
    } shared;
};

void node_copier_init(
    struct node_copier *copier, const struct node_copier_ops *ops, struct env *env);
void node_copier_fini(struct node_copier *copier);

/* Worth a try: they have not failed to reach one another lately. */
bool node_copier_may(struct node_copier *copier, uint32_t from, uint32_t to);

/*
 * `to` fetches the shard from `from`, stores it and answers with its receipt, which is the caller's
 * to check.  HEARTH_CANCELLED after a halt: `to` is told to leave it.  Whatever else goes wrong,
 * the pair is left alone for a while.
 */
enum hearth_code node_copier_copy(struct node_copier *copier, uint32_t from, uint32_t to,
    const struct wire_shard_copy_request *request, const struct halt *halt,
    uint8_t receipt[RECEIPT_SIZE], struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_NODE_COPIER_H */
