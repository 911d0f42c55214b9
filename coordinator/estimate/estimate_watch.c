#include "coordinator/estimate/estimate_watch.h"

#include "common/cleanup.h"

#include <stdlib.h>

/* What a pass found. */
struct found {
    struct estimate_sum profiles[REPAIR_PROFILES_MAX];
    struct estimate_buckets *buckets;
};

struct estimate_watch {
    struct estimate *estimate; /* set once, both */
    struct meta_store *store;  /* for its clock */

    struct found on_sweep; /* of the pass that runs */

    struct {
        pthread_mutex_t mutex;
        struct found last; /* complete pass */
    } shared;
};

struct estimate_watch *estimate_watch_create(struct estimate *estimate, struct meta_store *store)
{
    struct estimate_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return NULL;
    }
    watch->estimate = estimate;
    watch->store = store;
    pthread_mutex_init(&watch->shared.mutex, NULL);
    watch->on_sweep.buckets = estimate_buckets_create();
    watch->shared.last.buckets = estimate_buckets_create();
    if (watch->on_sweep.buckets == NULL || watch->shared.last.buckets == NULL) {
        estimate_watch_destroy(watch);
        return NULL;
    }
    return watch;
}

void estimate_watch_destroy(struct estimate_watch *watch)
{
    if (watch != NULL) {
        estimate_buckets_destroy(watch->on_sweep.buckets);
        estimate_buckets_destroy(watch->shared.last.buckets);
        pthread_mutex_destroy(&watch->shared.mutex);
        free(watch);
    }
}

/* ---- the pass ---- */

static enum hearth_code begin(void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    (void)pass;
    (void)err;
    struct found *found = &((struct estimate_watch *)context)->on_sweep;
    memset(found->profiles, 0, sizeof(found->profiles));
    estimate_buckets_clear(found->buckets);
    return HEARTH_OK;
}

/* One segment, and the shares of others in it. */
struct subject {
    const struct meta_segment *segment;
    const struct meta_share *shares;
    size_t share_count;
    struct estimate_chances chances;
};

static void add_to_bucket(
    struct estimate_watch *watch, const struct subject *subject, struct meta_id bucket)
{
    struct estimate_sum *sum = estimate_buckets_of(watch->on_sweep.buckets, bucket);
    if (sum != NULL) {
        estimate_sum_add(sum, subject->segment, &subject->chances);
    }
}

/* Its own too, unless copies elsewhere are all that is left of it. */
static void add_to_buckets(struct estimate_watch *watch, const struct subject *subject)
{
    uint64_t elsewhere = 0;
    for (size_t i = 0; i < subject->share_count; i++) {
        elsewhere += subject->shares[i].refs;
        add_to_bucket(watch, subject, subject->shares[i].bucket);
    }
    if (subject->segment->refs > elsewhere) {
        add_to_bucket(watch, subject, subject->segment->bucket);
    }
}

static void add(
    struct estimate_watch *watch, struct subject *subject, const struct fleet_view *fleet)
{
    const struct profile *profile = profile_by_number(subject->segment->profile);
    estimate_chances(
        watch->estimate, subject->segment, fleet, meta_now_ms(watch->store), &subject->chances);
    estimate_sum_add(
        &watch->on_sweep.profiles[profile - profile_table], subject->segment, &subject->chances);
    add_to_buckets(watch, subject);
}

/* Both are in order of ids. Returns how many from `first` on are of the segment. */
static size_t count_shares(
    const struct sweep_pass *pass, size_t first, const struct meta_segment *segment)
{
    size_t end = first;
    while (end < pass->share_count && meta_id_equal(pass->shares[end].segment, segment->id)) {
        end++;
    }
    return end - first;
}

static void page(
    void *context, const struct sweep_pass *pass, const struct meta_segment *segments, size_t count)
{
    size_t share = 0;
    for (size_t i = 0; i < count; i++) {
        struct subject subject = {.segment = &segments[i],
            .shares = &pass->shares[share],
            .share_count = count_shares(pass, share, &segments[i])};
        share += subject.share_count;
        if (!repair_is_left_alone(&segments[i]) && !meta_segment_is_doomed(&segments[i])) {
            add(context, &subject, pass->fleet);
        }
    }
}

static void end(void *context, const struct sweep_pass *pass, bool complete)
{
    struct estimate_watch *watch = context;
    if (complete && !pass->is_resumed) {
        UNLOCKS pthread_mutex_t *held = lock(&watch->shared.mutex);
        const struct found before = watch->shared.last;
        watch->shared.last = watch->on_sweep;
        watch->on_sweep = before;
    }
}

struct sweep_watcher estimate_watch_watcher(struct estimate_watch *watch)
{
    return (struct sweep_watcher){.context = watch, .begin = begin, .page = page, .end = end};
}

/* ---- asking ---- */

void estimate_watch_get(struct estimate_watch *watch, struct estimate_sum sums[REPAIR_PROFILES_MAX])
{
    UNLOCKS pthread_mutex_t *held = lock(&watch->shared.mutex);
    memcpy(sums, watch->shared.last.profiles, sizeof(watch->shared.last.profiles));
}

size_t estimate_watch_buckets(struct estimate_watch *watch, struct estimate_bucket *out, size_t max)
{
    UNLOCKS pthread_mutex_t *held = lock(&watch->shared.mutex);
    return estimate_buckets_worst(watch->shared.last.buckets, out, max);
}
