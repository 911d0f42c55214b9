#include "client/byte_budget.h"

#include <inttypes.h>

void byte_budget_init(struct byte_budget *budget, uint64_t bytes_max, struct byte_budget *whole)
{
    budget->bytes_max = bytes_max;
    budget->whole = whole;
    budget->shared.bytes_free = bytes_max;
    pthread_mutex_init(&budget->shared.mutex, NULL);
}

void byte_budget_fini(struct byte_budget *budget)
{
    assert(budget->shared.bytes_free == budget->bytes_max);
    pthread_mutex_destroy(&budget->shared.mutex);
}

static enum hearth_code take(struct byte_budget *budget, uint64_t least, uint64_t wanted,
    uint64_t *out_share, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&budget->shared.mutex);
    uint64_t bytes_free = budget->shared.bytes_free;
    if (bytes_free < least) {
        return hearth_fail(err, HEARTH_BUSY,
            "%" PRIu64 " of %" PRIu64 " bytes of transfer memory are free, %" PRIu64 " needed",
            bytes_free, budget->bytes_max, least);
    }
    uint64_t share = wanted < bytes_free ? wanted : bytes_free;
    budget->shared.bytes_free -= share;
    *out_share = share;
    return HEARTH_OK;
}

static void give_back(struct byte_budget *budget, uint64_t share)
{
    UNLOCKS pthread_mutex_t *held = lock(&budget->shared.mutex);
    budget->shared.bytes_free += share;
    assert(budget->shared.bytes_free <= budget->bytes_max);
}

enum hearth_code byte_budget_reserve(struct byte_budget *budget, uint64_t least, uint64_t wanted,
    uint64_t *out_share, struct hearth_err *err)
{
    assert(0 < least && least <= wanted);
    uint64_t share = 0;
    enum hearth_code code = take(budget, least, wanted, &share, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (budget->whole == NULL) {
        *out_share = share;
        return HEARTH_OK;
    }
    code = take(budget->whole, least, share, out_share, err);
    give_back(budget, code == HEARTH_OK ? share - *out_share : share);
    return code;
}

void byte_budget_release(struct byte_budget *budget, uint64_t share)
{
    give_back(budget, share);
    if (budget->whole != NULL) {
        give_back(budget->whole, share);
    }
}
