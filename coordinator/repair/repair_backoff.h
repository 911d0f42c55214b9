/*
 * repair_backoff.h - segments whose repair failed wait before it is tried again, longer each time.
 *
 *   failed --> waits 1 to 2 s --failed--> 2 to 4 s ... --failed--> at most 10 min
 *   repaired, whole again or gone --> forgotten
 *
 * Each try of a repair uses one placement number for good.  At a try every ten minutes the 65,535
 * of a segment (META_PLACEMENT_MAX) last for more than a year.
 *
 * In memory only: after a start each segment has a first try again.
 *
 * Thread-safety: none; one thread.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_BACKOFF_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_BACKOFF_H

#include "common/env.h"
#include "coordinator/meta/meta_types.h"

enum {
    REPAIR_BACKOFF_FIRST_MS = 2000,          /* the longest wait after the first failure */
    REPAIR_BACKOFF_MOST_MS = 10 * 60 * 1000, /* no wait is longer */
    REPAIR_BACKOFF_MAX = 4096,               /* segments remembered */
};

/* One segment that failed. */
struct repair_wait {
    struct meta_id segment;
    uint64_t until_ms; /* by the coordinator's clock */
    unsigned failures; /* in a row */
};

struct repair_backoff {
    struct env *env;
    struct repair_wait *waits; /* by segment */
    size_t count;
    size_t max;
};

/* false: out of memory. */
bool repair_backoff_init(struct repair_backoff *backoff, struct env *env, size_t max);
void repair_backoff_fini(struct repair_backoff *backoff);

/* NULL: it has not failed lately.  Borrowed until the next change. */
const struct repair_wait *repair_backoff_find(
    const struct repair_backoff *backoff, struct meta_id segment);

/* When full, the segment whose wait ends first is forgotten for it. */
void repair_backoff_failed(struct repair_backoff *backoff, struct meta_id segment, uint64_t now_ms);

void repair_backoff_forget(struct repair_backoff *backoff, struct meta_id segment);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_BACKOFF_H */
