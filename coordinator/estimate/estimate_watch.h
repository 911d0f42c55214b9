/*
 * estimate_watch.h - the durability of all segments, by profile and by bucket, as the sweep passes
 * by.
 *
 * A segment counts in each bucket that has an object on it.
 *
 * Thread-safety: the watcher runs on the sweep's thread; the rest from any.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_WATCH_H
#define HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_WATCH_H

#include "coordinator/estimate/estimate_buckets.h"
#include "coordinator/fleet/sweep_watcher.h"
#include "coordinator/meta/meta_store.h"

struct estimate_watch;

/* Both are borrowed. NULL: out of memory. */
struct estimate_watch *estimate_watch_create(struct estimate *estimate, struct meta_store *store);
void estimate_watch_destroy(struct estimate_watch *watch); /* accepts NULL */

struct sweep_watcher estimate_watch_watcher(struct estimate_watch *watch);

/* Of the last complete pass; sums[i] is of profile_table[i]. Without segments: none is of that
 * profile, or no pass is over. */
void estimate_watch_get(
    struct estimate_watch *watch, struct estimate_sum sums[REPAIR_PROFILES_MAX]);

/* Likewise, of the buckets in most danger, worst first. Returns how many: <= max. */
size_t estimate_watch_buckets(
    struct estimate_watch *watch, struct estimate_bucket *out, size_t max);

#endif /* HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_WATCH_H */
