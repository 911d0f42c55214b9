#include "client/turnstile.h"

#include "common/moment.h"

#include <assert.h>

enum { SLICE_MS = 100 };

/* On the stack of its thread. */
struct turnstile_waiter {
    struct turnstile_waiter *next;
};

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
    assert(turnstile->shared.waiting == 0);
    pthread_cond_destroy(&turnstile->shared.left);
    pthread_mutex_destroy(&turnstile->shared.mutex);
}

/* With the lock held, given up while waiting; by the system's clock, for that is what sleeps. */
static void wait_a_slice(struct turnstile *turnstile)
{
    const struct timespec until = moment_after_ms(SLICE_MS);
    pthread_cond_timedwait(&turnstile->shared.left, &turnstile->shared.mutex, &until);
}

/* With the lock held. */
static void enter(struct turnstile *turnstile, struct turn *turn)
{
    assert(!turn->is_inside);
    *turn = (struct turn){.is_inside = true};
    turnstile->shared.inside++;
    assert(turnstile->shared.inside <= turnstile->inside_max);
}

static bool try_enter(struct turnstile *turnstile, struct turn *turn)
{
    bool is_free = turnstile->shared.inside + turnstile->shared.waiting < turnstile->inside_max;
    if (is_free) {
        enter(turnstile, turn);
    }
    return is_free;
}

bool turnstile_try_enter(struct turnstile *turnstile, struct turn *turn)
{
    UNLOCKS pthread_mutex_t *held = lock(&turnstile->shared.mutex);
    return try_enter(turnstile, turn);
}

/* With the lock held, standing in the line. */
static enum hearth_code wait_at_door(struct turnstile *turnstile,
    const struct turnstile_waiter *waiter, uint32_t patience_ms, const atomic_bool *cancel,
    struct hearth_err *err)
{
    uint64_t end_ns = env_now_ns(turnstile->env) + patience_ms * UINT64_C(1000000);
    while (turnstile->shared.inside == turnstile->inside_max || turnstile->shared.first != waiter) {
        if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed)) {
            return hearth_fail(err, HEARTH_CANCELLED, "cancelled");
        }
        if (env_now_ns(turnstile->env) >= end_ns) {
            return hearth_fail(err, HEARTH_BUSY, "%u run already, and no place was free in %u ms",
                turnstile->inside_max, patience_ms);
        }
        wait_a_slice(turnstile);
    }
    return HEARTH_OK;
}

static void line_up(struct turnstile *turnstile, struct turnstile_waiter *waiter)
{
    struct turnstile_waiter **at = &turnstile->shared.first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = waiter;
    turnstile->shared.waiting++;
}

/* The next one may be let in as well. */
static void step_out_of_line(struct turnstile *turnstile, struct turnstile_waiter *waiter)
{
    struct turnstile_waiter **at = &turnstile->shared.first;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    turnstile->shared.waiting--;
    pthread_cond_broadcast(&turnstile->shared.left);
}

enum hearth_code turnstile_enter_blocking(struct turnstile *turnstile, struct turn *turn,
    uint32_t patience_ms, const atomic_bool *cancel, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&turnstile->shared.mutex);
    if (try_enter(turnstile, turn)) {
        return HEARTH_OK;
    }
    struct turnstile_waiter waiter = {0};
    line_up(turnstile, &waiter);
    enum hearth_code code = wait_at_door(turnstile, &waiter, patience_ms, cancel, err);
    step_out_of_line(turnstile, &waiter);
    if (code == HEARTH_OK) {
        enter(turnstile, turn);
    }
    return code;
}

bool turnstile_is_wanted(struct turnstile *turnstile, struct turn *turn)
{
    assert(turn->is_inside);
    UNLOCKS pthread_mutex_t *held = lock(&turnstile->shared.mutex);
    if (!turn->is_wanted && turnstile->shared.waiting > turnstile->shared.wanted) {
        turn->is_wanted = true;
        turnstile->shared.wanted++;
    }
    return turn->is_wanted;
}

void turnstile_leave(struct turnstile *turnstile, struct turn *turn)
{
    if (!turn->is_inside) {
        return;
    }
    UNLOCKS pthread_mutex_t *held = lock(&turnstile->shared.mutex);
    assert(turnstile->shared.inside > 0);
    turnstile->shared.inside--;
    turnstile->shared.wanted -= turn->is_wanted;
    *turn = (struct turn){0};
    pthread_cond_broadcast(&turnstile->shared.left);
}
