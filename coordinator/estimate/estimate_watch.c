#include "coordinator/estimate/estimate_watch.h"

#include "common/cleanup.h"

#include <stdlib.h>

struct estimate_watch {
    struct estimate *estimate; /* set once, both */
    struct meta_store *store;  /* for its clock */

    struct estimate_sum on_sweep[REPAIR_PROFILES_MAX]; /* of the pass that runs */

    struct {
        pthread_mutex_t mutex;
        struct estimate_sum sums[REPAIR_PROFILES_MAX];
    } shared;
};

struct estimate_watch *estimate_watch_create(struct estimate *estimate, struct meta_store *store)
{
    struct estimate_watch *watch = calloc(1, sizeof(*watch));
    if (watch != NULL) {
        watch->estimate = estimate;
        watch->store = store;
        pthread_mutex_init(&watch->shared.mutex, NULL);
    }
    return watch;
}

void estimate_watch_destroy(struct estimate_watch *watch)
{
    if (watch != NULL) {
        pthread_mutex_destroy(&watch->shared.mutex);
        free(watch);
    }
}

/* ---- the pass ---- */

static enum hearth_code begin(void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    (void)pass;
    (void)err;
    struct estimate_watch *watch = context;
    memset(watch->on_sweep, 0, sizeof(watch->on_sweep));
    return HEARTH_OK;
}

static void add(struct estimate_watch *watch, const struct meta_segment *segment,
    const struct fleet_view *fleet)
{
    struct estimate_chances one;
    const struct profile *profile = profile_by_number(segment->profile);
    struct estimate_sum *sum = &watch->on_sweep[profile - profile_table];
    estimate_chances(watch->estimate, segment, fleet, meta_now_ms(watch->store), &one);
    sum->segments++;
    sum->lost += one.lost;
    sum->unreadable += one.unreadable;
    sum->held += one.held;
    sum->slots += segment->n;
    if (one.unreadable > sum->worst_unreadable) {
        sum->worst_unreadable = one.unreadable;
    }
    if (one.lost > sum->worst_lost) {
        sum->worst_lost = one.lost;
        sum->worst = segment->id;
    }
}

static void page(
    void *context, const struct sweep_pass *pass, const struct meta_segment *segments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!repair_is_left_alone(&segments[i])) {
            add(context, &segments[i], pass->fleet);
        }
    }
}

static void end(void *context, const struct sweep_pass *pass, bool complete)
{
    struct estimate_watch *watch = context;
    if (complete && !pass->is_resumed) {
        UNLOCKS pthread_mutex_t *held = lock(&watch->shared.mutex);
        memcpy(watch->shared.sums, watch->on_sweep, sizeof(watch->shared.sums));
    }
}

struct sweep_watcher estimate_watch_watcher(struct estimate_watch *watch)
{
    return (struct sweep_watcher){.context = watch, .begin = begin, .page = page, .end = end};
}

void estimate_watch_get(struct estimate_watch *watch, struct estimate_sum sums[REPAIR_PROFILES_MAX])
{
    UNLOCKS pthread_mutex_t *held = lock(&watch->shared.mutex);
    memcpy(sums, watch->shared.sums, sizeof(watch->shared.sums));
}
