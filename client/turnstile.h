/*
 * turnstile.h - so many at once, the others wait at the door: a bound on what many threads of one
 * program do at the same time (D11).
 *
 *   enter --> inside --> leave          enter, when it is full for too long --> HEARTH_BUSY
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_TURNSTILE_H
#define HEARTH_CLIENT_TURNSTILE_H

#include "common/cleanup.h"
#include "common/env.h"
#include "common/err.h"

#include <stdatomic.h>
#include <stdint.h>

struct turnstile {
    /* Set once. */
    struct env *env;
    unsigned inside_max;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t left;
        unsigned inside;
    } shared;
};

void turnstile_init(struct turnstile *turnstile, struct env *env, unsigned inside_max);
void turnstile_fini(struct turnstile *turnstile); /* nobody is inside */

/* Waits in real time.  HEARTH_BUSY: patience is over; HEARTH_CANCELLED: *cancel (NULL: none) became
 * true, noticed within a tenth of a second. */
enum hearth_code turnstile_enter_blocking(struct turnstile *turnstile, uint32_t patience_ms,
    const atomic_bool *cancel, struct hearth_err *err);

void turnstile_leave(struct turnstile *turnstile);

#endif /* HEARTH_CLIENT_TURNSTILE_H */
