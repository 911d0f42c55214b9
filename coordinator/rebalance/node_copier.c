#include "coordinator/rebalance/node_copier.h"

#include "common/cleanup.h"

void node_copier_init(
    struct node_copier *copier, const struct node_copier_ops *ops, struct env *env)
{
    *copier = (struct node_copier){.ops = ops, .env = env};
    pthread_mutex_init(&copier->shared.mutex, NULL);
}

void node_copier_fini(struct node_copier *copier)
{
    pthread_mutex_destroy(&copier->shared.mutex);
}

static struct node_copier_pair *place_of(struct node_copier *copier, uint32_t from, uint32_t to)
{
    return &copier->shared.pairs[(from * 31 + to) % NODE_COPIER_PAIRS_MAX];
}

bool node_copier_may(struct node_copier *copier, uint32_t from, uint32_t to)
{
    UNLOCKS pthread_mutex_t *held = lock(&copier->shared.mutex);
    const struct node_copier_pair *pair = place_of(copier, from, to);
    return pair->from != from || pair->to != to || env_now_ns(copier->env) >= pair->until_ns;
}

static void avoid(struct node_copier *copier, uint32_t from, uint32_t to)
{
    UNLOCKS pthread_mutex_t *held = lock(&copier->shared.mutex);
    *place_of(copier, from, to) = (struct node_copier_pair){.from = from,
        .to = to,
        .until_ns = env_now_ns(copier->env) + UINT64_C(1000000) * NODE_COPIER_AVOID_MS};
}

enum hearth_code node_copier_copy(struct node_copier *copier, uint32_t from, uint32_t to,
    const struct wire_shard_copy_request *request, const struct halt *halt,
    uint8_t receipt[RECEIPT_SIZE], struct hearth_err *err)
{
    enum hearth_code code = copier->ops->copy(copier, to, request, halt, receipt, err);
    if (code != HEARTH_OK && halt_check(halt, err) != HEARTH_OK) {
        return err->code;
    }
    if (code != HEARTH_OK) {
        avoid(copier, from, to);
        return hearth_err_prefix(err, "node %u fetches from node %u", to, from);
    }
    return HEARTH_OK;
}
