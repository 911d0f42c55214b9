/*
 * turnstile.h - so many at once, the others wait at the door: a bound on what many threads of one
 * program do at the same time (D11).
 *
 *   enter --> inside --> leave          enter, when it is full for too long --> HEARTH_BUSY
 *                ^ is_wanted: somebody waits at the door, and this one shall make way
 *
 * Who came to the door first goes in first, and before who passes by.  For each who waits one
 * inside is told that its place is wanted; whether and when it leaves is its own affair.
 *
 * Thread-safety: any thread; a struct turn belongs to one at a time.
 */
#ifndef HEARTH_CLIENT_TURNSTILE_H
#define HEARTH_CLIENT_TURNSTILE_H

#include "common/cleanup.h"
#include "common/env.h"
#include "common/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct turnstile_waiter;

struct turnstile {
    /* Set once. */
    struct env *env;
    unsigned inside_max;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t left;
        unsigned inside;
        struct turnstile_waiter *first; /* at the door, in the order they came */
        unsigned waiting;               /* how many */
        unsigned wanted;                /* of those inside: who were told so */
    } shared;
};

void turnstile_init(struct turnstile *turnstile, struct env *env, unsigned inside_max);
void turnstile_fini(struct turnstile *turnstile); /* nobody is inside, nobody waits */

/* Of one visitor; zeroed: outside. */
struct turn {
    bool is_inside;
    bool is_wanted;
};

/* False: no place that nobody waits for. */
bool turnstile_try_enter(struct turnstile *turnstile, struct turn *turn);

/* Waits in real time.  HEARTH_BUSY: patience is over; HEARTH_CANCELLED: *cancel (NULL: none) became
 * true, noticed within a tenth of a second. */
enum hearth_code turnstile_enter_blocking(struct turnstile *turnstile, struct turn *turn,
    uint32_t patience_ms, const atomic_bool *cancel, struct hearth_err *err);

/* Whether this one should leave; once true it stays so. */
bool turnstile_is_wanted(struct turnstile *turnstile, struct turn *turn);

/* Accepts one that is outside. */
void turnstile_leave(struct turnstile *turnstile, struct turn *turn);

#endif /* HEARTH_CLIENT_TURNSTILE_H */
