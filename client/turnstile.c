#include "client/turnstile.h"

#include "common/moment.h"

#include <assert.h>

enum { SLICE_MS = 100 };

void turnstile_init(struct turnstile *turnstile, struct env *env, unsigned inside_max)
{
    assert(inside_max > 0);
    *turnstile = (struct turnstile){.env = env, .inside_max = inside_max};
    pthread_mutex_init(&turnstile->shared.mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&turnstile->shared.left, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void turnstile_fini(struct turnstile *turnstile)
{
    assert(turnstile->shared.inside == 0);
    pthread_cond_destroy(&turnstile->shared.left);
    pthread_mutex_destroy(&turnstile->shared.mutex);
}

/* With the lock held, given up while waiting; by the system's clock, for that is what sleeps. */
static void wait_a_slice(struct turnstile *turnstile)
{
    const struct timespec until = moment_after_ms(SLICE_MS);
    pthread_cond_timedwait(&turnstile->shared.left, &turnstile->shared.mutex, &until);
}

enum hearth_code turnstile_enter_blocking(struct turnstile *turnstile, uint32_t patience_ms,
    const atomic_bool *cancel, struct hearth_err *err)
{
    uint64_t end_ns = env_now_ns(turnstile->env) + patience_ms * UINT64_C(1000000);
    UNLOCKS pthread_mutex_t *held = lock(&turnstile->shared.mutex);
    while (turnstile->shared.inside == turnstile->inside_max) {
        if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed)) {
            return hearth_fail(err, HEARTH_CANCELLED, "cancelled");
        }
        if (env_now_ns(turnstile->env) >= end_ns) {
            return hearth_fail(err, HEARTH_BUSY, "%u run already, and no place was free in %u ms",
                turnstile->inside_max, patience_ms);
        }
        wait_a_slice(turnstile);
    }
    turnstile->shared.inside++;
    return HEARTH_OK;
}

void turnstile_leave(struct turnstile *turnstile)
{
    UNLOCKS pthread_mutex_t *held = lock(&turnstile->shared.mutex);
    assert(turnstile->shared.inside > 0);
    turnstile->shared.inside--;
    pthread_cond_signal(&turnstile->shared.left);
}
