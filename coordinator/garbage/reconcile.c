#include "coordinator/garbage/reconcile.h"

#include "common/id_sum.h"

#include <assert.h>
#include <stdlib.h>

void reconcile_begin(struct reconcile *reconcile, uint32_t node, bool is_full)
{
    *reconcile = (struct reconcile){.node = node, .is_full = is_full};
}

void reconcile_end(struct reconcile *reconcile)
{
    free(reconcile->seen);
    *reconcile = (struct reconcile){.node = 0};
}

uint32_t reconcile_range(const uint8_t id[RECONCILE_ID_SIZE])
{
    return id_sum_range(id_sum_key(id), RECONCILE_BITS);
}

void reconcile_expect(struct reconcile *reconcile, const uint8_t id[RECONCILE_ID_SIZE])
{
    struct reconcile_sum *expected = &reconcile->expected[reconcile_range(id)];
    expected->count++;
    expected->sum += id_sum_of(id);
}

unsigned reconcile_compare(struct reconcile *reconcile, const struct wire_shard_digest *sums)
{
    unsigned count = 0;
    for (uint32_t range = 0; range < RECONCILE_RANGES; range++) {
        const struct reconcile_sum *expected = &reconcile->expected[range];
        reconcile->differs[range] = reconcile->is_full || expected->count != sums[range].live ||
            expected->sum != sums[range].live_sum;
        count += reconcile->differs[range];
    }
    return count;
}

bool reconcile_next_run(const struct reconcile *reconcile, uint32_t *first, uint32_t *end)
{
    while (*first < RECONCILE_RANGES && !reconcile->differs[*first]) {
        (*first)++;
    }
    *end = *first;
    while (*end < RECONCILE_RANGES && reconcile->differs[*end]) {
        (*end)++;
    }
    return *first < *end;
}

bool reconcile_before(uint32_t range, uint8_t id[RECONCILE_ID_SIZE])
{
    if (range == 0) {
        return false;
    }
    uint32_t before = range << (32 - RECONCILE_BITS);
    before--;
    for (unsigned i = 0; i < 4; i++) {
        id[i] = (uint8_t)(before >> (24 - 8 * i));
    }
    memset(id + 4, 0xff, RECONCILE_ID_SIZE - 4);
    return true;
}

bool reconcile_saw(struct reconcile *reconcile, const uint8_t id[RECONCILE_ID_SIZE])
{
    if (reconcile->seen_count == reconcile->seen_capacity) {
        size_t capacity = reconcile->seen_capacity == 0 ? 1024 : 2 * reconcile->seen_capacity;
        uint64_t *grown = capacity > RECONCILE_SEEN_MAX
            ? NULL
            : realloc(reconcile->seen, capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        reconcile->seen = grown;
        reconcile->seen_capacity = capacity;
    }
    uint64_t key = id_sum_key(id);
    assert(reconcile->seen_count == 0 || reconcile->seen[reconcile->seen_count - 1] <= key);
    reconcile->seen[reconcile->seen_count++] = key;
    return true;
}

void reconcile_give_up_from(struct reconcile *reconcile, uint32_t range)
{
    memset(&reconcile->differs[range], 0, (RECONCILE_RANGES - range) * sizeof(bool));
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return *left < *right ? -1 : *left > *right;
}

bool reconcile_lacks(const struct reconcile *reconcile, const uint8_t id[RECONCILE_ID_SIZE])
{
    uint64_t key = id_sum_key(id);
    return reconcile->differs[id_sum_range(key, RECONCILE_BITS)] &&
        (reconcile->seen_count == 0 ||
            bsearch(&key, reconcile->seen, reconcile->seen_count, sizeof(key), compare_keys) ==
                NULL);
}
