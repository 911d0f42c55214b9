/*
 * estimate_watch.h - the durability of all segments, profile by profile, as the sweep passes by.
 *
 * Thread-safety: the watcher runs on the sweep's thread; the rest from any.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_WATCH_H
#define HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_WATCH_H

#include "coordinator/estimate/estimate.h"
#include "coordinator/fleet/sweep_watcher.h"
#include "coordinator/meta/meta_store.h"

/* Of the last complete pass. */
struct estimate_sum {
    uint64_t segments;
    double lost; /* sums; divided by segments they are means */
    double unreadable;
    uint64_t held;
    uint64_t slots;
    double worst_lost;
    double worst_unreadable;
    struct meta_id worst; /* most likely to be lost */
};

struct estimate_watch;

/* Both are borrowed. NULL: out of memory. */
struct estimate_watch *estimate_watch_create(struct estimate *estimate, struct meta_store *store);
void estimate_watch_destroy(struct estimate_watch *watch); /* accepts NULL */

struct sweep_watcher estimate_watch_watcher(struct estimate_watch *watch);

/* sums[i] is of profile_table[i]; without segments: none is of that profile, or no pass is over. */
void estimate_watch_get(
    struct estimate_watch *watch, struct estimate_sum sums[REPAIR_PROFILES_MAX]);

#endif /* HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_WATCH_H */
