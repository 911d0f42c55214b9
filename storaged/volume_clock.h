/*
 * volume_clock.h - the coordinator's time, as a volume knows it, and whether trash may be purged by
 * it.
 *
 *   heartbeat reply --volume_learn_time()--> the time, continued by the clock that nobody can set
 *
 * Purging cannot be undone, so it waits until the time is known, has not jumped for an hour, and is
 * not behind anything this volume ever saw: what it was told, what its records and checkpoints say.
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_VOLUME_CLOCK_H
#define HEARTH_STORAGED_VOLUME_CLOCK_H

#include "common/env.h"

#include <stdbool.h>

/* Zeroed before its first use. */
struct volume_clock {
    bool is_known;
    uint64_t learnt_unix_ms; /* the coordinator's time ... */
    uint64_t learnt_at_ns;   /* ... at this moment of ours */
    uint64_t steady_since_ns;
    uint64_t newest_unix_ms; /* ever seen, also before a restart */
};

void volume_clock_learn(struct volume_clock *clock, struct env *env, uint64_t unix_ms);

/* A time that was true once: now it is not earlier. */
void volume_clock_saw(struct volume_clock *clock, uint64_t unix_ms);

/* 0: not known yet. */
uint64_t volume_clock_now(const struct volume_clock *clock, struct env *env);

bool volume_clock_may_purge(const struct volume_clock *clock, struct env *env);

#endif /* HEARTH_STORAGED_VOLUME_CLOCK_H */
