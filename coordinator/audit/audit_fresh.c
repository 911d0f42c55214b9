#include "coordinator/audit/audit_fresh.h"

#include "erasure/ec_stripe.h"

#include <stdlib.h>

bool audit_fresh_init(struct audit_fresh *fresh, struct env *env)
{
    *fresh =
        (struct audit_fresh){.env = env, .shards = calloc(AUDIT_FRESH_MAX, sizeof(*fresh->shards))};
    return fresh->shards != NULL;
}

void audit_fresh_fini(struct audit_fresh *fresh)
{
    free(fresh->shards);
    *fresh = (struct audit_fresh){.count = 0};
}

void audit_fresh_begin(struct audit_fresh *fresh)
{
    fresh->count = 0;
    fresh->waiting = 0;
    fresh->overdue = 0;
}

/* ---- the heap ---- */

static void swap(struct audit_fresh_shard *a, struct audit_fresh_shard *b)
{
    struct audit_fresh_shard kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct audit_fresh *fresh, size_t at)
{
    while (at > 0 && fresh->shards[(at - 1) / 2].sealed_ms < fresh->shards[at].sealed_ms) {
        swap(&fresh->shards[at], &fresh->shards[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct audit_fresh *fresh)
{
    size_t at = 0;
    while (2 * at + 1 < fresh->count) {
        size_t child = 2 * at + 1;
        if (child + 1 < fresh->count &&
            fresh->shards[child + 1].sealed_ms > fresh->shards[child].sealed_ms) {
            child++;
        }
        if (fresh->shards[child].sealed_ms <= fresh->shards[at].sealed_ms) {
            return;
        }
        swap(&fresh->shards[at], &fresh->shards[child]);
        at = child;
    }
}

static void add(struct audit_fresh *fresh, const struct audit_fresh_shard *shard)
{
    if (fresh->count < AUDIT_FRESH_MAX) {
        fresh->shards[fresh->count++] = *shard;
        sift_up(fresh, fresh->count - 1);
    } else if (shard->sealed_ms < fresh->shards[0].sealed_ms) {
        fresh->shards[0] = *shard;
        sift_down(fresh);
    }
}

/* ---- segments ---- */

static bool is_wanted(const struct meta_segment *segment, uint64_t now_ms)
{
    return segment->dying_ms == 0 && !meta_segment_is_doomed(segment) && segment->length > 0 &&
        now_ms >= segment->sealed_ms + AUDIT_FRESH_AFTER_MS;
}

static void consider(struct audit_fresh *fresh, const struct meta_segment *segment, uint64_t now_ms)
{
    struct hearth_err err;
    struct ec_stripes stripes;
    struct ec_slots passed = segment->passed;
    if (ec_stripes_init(&stripes, segment->k, segment->length, &err) != HEARTH_OK) {
        return;
    }
    for (uint16_t slot = 0; slot < segment->n; slot++) {
        const struct meta_holder holder = segment->holders[slot];
        if (holder.node == 0 || ec_slots_has(passed, slot) ||
            ec_slots_has(segment->damaged, slot)) {
            continue;
        }
        fresh->waiting++;
        fresh->overdue += now_ms > segment->sealed_ms + AUDIT_FRESH_WITHIN_MS;
        struct audit_fresh_shard shard = {.sealed_ms = segment->sealed_ms,
            .pick = {.segment = segment->id, .node = holder.node, .slot = slot, .p = holder.p}};
        shard.pick.stripe = (uint32_t)env_random_below(fresh->env, stripes.stripe_count);
        add(fresh, &shard);
    }
}

void audit_fresh_page(
    struct audit_fresh *fresh, const struct meta_segment *segments, size_t count, uint64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(&segments[i], now_ms)) {
            consider(fresh, &segments[i], now_ms);
        }
    }
}

static int by_age(const void *a, const void *b)
{
    uint64_t left = ((const struct audit_fresh_shard *)a)->sealed_ms;
    uint64_t right = ((const struct audit_fresh_shard *)b)->sealed_ms;
    return left < right ? -1 : left > right;
}

void audit_fresh_sort(struct audit_fresh *fresh)
{
    qsort(fresh->shards, fresh->count, sizeof(fresh->shards[0]), by_age);
}
