#include "coordinator/repair/repair_backoff.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool repair_backoff_init(struct repair_backoff *backoff, struct env *env, size_t max)
{
    assert(max > 0);
    *backoff = (struct repair_backoff){
        .env = env, .waits = calloc(max, sizeof(*backoff->waits)), .max = max};
    return backoff->waits != NULL;
}

void repair_backoff_fini(struct repair_backoff *backoff)
{
    free(backoff->waits);
    *backoff = (struct repair_backoff){0};
}

/* Where it is, or where it belongs. */
static size_t index_of(const struct repair_backoff *backoff, struct meta_id segment)
{
    size_t low = 0;
    size_t high = backoff->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(backoff->waits[middle].segment.bytes, segment.bytes, META_ID_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct repair_backoff *backoff, size_t index, struct meta_id segment)
{
    return index < backoff->count && meta_id_equal(backoff->waits[index].segment, segment);
}

const struct repair_wait *repair_backoff_find(
    const struct repair_backoff *backoff, struct meta_id segment)
{
    size_t index = index_of(backoff, segment);
    return is_at(backoff, index, segment) ? &backoff->waits[index] : NULL;
}

static void remove_at(struct repair_backoff *backoff, size_t index)
{
    struct repair_wait *wait = &backoff->waits[index];
    backoff->count--;
    memmove(wait, wait + 1, (backoff->count - index) * sizeof(*wait));
}

static void remove_first_to_end(struct repair_backoff *backoff)
{
    size_t first = 0;
    for (size_t i = 1; i < backoff->count; i++) {
        if (backoff->waits[i].until_ms < backoff->waits[first].until_ms) {
            first = i;
        }
    }
    remove_at(backoff, first);
}

static struct repair_wait *find_or_insert(struct repair_backoff *backoff, struct meta_id segment)
{
    size_t index = index_of(backoff, segment);
    if (is_at(backoff, index, segment)) {
        return &backoff->waits[index];
    }
    if (backoff->count == backoff->max) {
        remove_first_to_end(backoff);
        index = index_of(backoff, segment);
    }
    struct repair_wait *wait = &backoff->waits[index];
    memmove(wait + 1, wait, (backoff->count - index) * sizeof(*wait));
    backoff->count++;
    *wait = (struct repair_wait){.segment = segment};
    return wait;
}

/* Between half and all of a span that doubles: segments that failed together come back apart. */
static uint64_t draw_wait_ms(struct env *env, unsigned failures)
{
    uint64_t span = REPAIR_BACKOFF_FIRST_MS;
    for (unsigned i = 1; i < failures && span < REPAIR_BACKOFF_MOST_MS; i++) {
        span *= 2;
    }
    span = span < REPAIR_BACKOFF_MOST_MS ? span : REPAIR_BACKOFF_MOST_MS;
    return span / 2 + env_random_below(env, span / 2 + 1);
}

void repair_backoff_failed(struct repair_backoff *backoff, struct meta_id segment, uint64_t now_ms)
{
    struct repair_wait *wait = find_or_insert(backoff, segment);
    wait->failures++;
    wait->until_ms = now_ms + draw_wait_ms(backoff->env, wait->failures);
}

void repair_backoff_forget(struct repair_backoff *backoff, struct meta_id segment)
{
    size_t index = index_of(backoff, segment);
    if (is_at(backoff, index, segment)) {
        remove_at(backoff, index);
    }
}
