#include "coordinator/rebalance/node_copier_rpc.h"

#include "coordinator/fleet/node_walk.h"

#include <stdlib.h>

/* Orders last as long; a home sends a shard of the largest segment in a minute. */
enum { COPY_DEADLINE_MS = 9 * 60 * 1000 };

struct copier_rpc {
    struct node_copier copier; /* first: the seam's function gets a pointer to it */
    struct node_walker walker;
};

struct receipt_taker {
    struct node_taker taker; /* first */
    uint8_t *receipt;
    bool has_come;
};

static enum hearth_code take_receipt(
    struct node_taker *taker, const void *page, bool *goes_on, struct hearth_err *err)
{
    struct receipt_taker *receipt = (struct receipt_taker *)taker;
    const struct wire_shard_put_reply *reply = page;
    if (reply->receipt.size != RECEIPT_SIZE || receipt->has_come) {
        return hearth_fail(err, HEARTH_INVALID, "its answer is no receipt");
    }
    memcpy(receipt->receipt, reply->receipt.bytes, RECEIPT_SIZE);
    receipt->has_come = true;
    *goes_on = true;
    return HEARTH_OK;
}

static enum hearth_code copy(struct node_copier *copier, uint32_t to,
    const struct wire_shard_copy_request *request, const struct halt *halt,
    uint8_t receipt[RECEIPT_SIZE], struct hearth_err *err)
{
    struct copier_rpc *rpc = (struct copier_rpc *)copier;
    struct receipt_taker taker = {
        .taker = {.halt = halt, .take = take_receipt}, .receipt = receipt};
    const struct rpc_request call = {
        .method = RPC_SHARD_COPY, .message = request, .deadline_ms = COPY_DEADLINE_MS};
    enum hearth_code code = node_walk(&rpc->walker, to, &call, &taker.taker, err);
    return code != HEARTH_OK || taker.has_come
        ? code
        : hearth_fail(err, HEARTH_INVALID, "it ended without a receipt");
}

enum hearth_code node_copier_rpc_create(struct coordinator *coordinator,
    struct rpc_runtime *runtime, struct rpc_credentials *credentials, struct node_copier **out,
    struct hearth_err *err)
{
    static const struct node_copier_ops ops = {.copy = copy};
    struct copier_rpc *rpc = calloc(1, sizeof(*rpc));
    if (rpc == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "copies between nodes");
    }
    if (node_walker_init(&rpc->walker, runtime, credentials, node_walk_address_in_table,
            coordinator->nodes, err) != HEARTH_OK) {
        free(rpc);
        return err->code;
    }
    rpc->walker.patience_ms = COPY_DEADLINE_MS; /* its one page comes when all is stored */
    node_copier_init(&rpc->copier, &ops, coordinator->env);
    pki_key_id(coordinator->cluster->key, rpc->copier.session_id);
    *out = &rpc->copier;
    return HEARTH_OK;
}

void node_copier_rpc_destroy(struct node_copier *copier)
{
    struct copier_rpc *rpc = (struct copier_rpc *)copier;
    if (rpc != NULL) {
        node_copier_fini(&rpc->copier);
        node_walker_fini(&rpc->walker);
        free(rpc);
    }
}
