/*
 * duty.h - something done again and again in the background, on a thread of its own.
 */
#ifndef HEARTH_COORDINATOR_DUTY_H
#define HEARTH_COORDINATOR_DUTY_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

struct duty;

/* One round. It may take long; it should look at duty_is_stopping() now and then. */
typedef void duty_fn(struct duty *duty, void *context);

/* Runs fn at once, and again interval_ms after each round ended. */
enum hearth_code duty_start(
    duty_fn *fn, void *context, uint64_t interval_ms, struct duty **out, struct hearth_err *err);

/* Inside a round: somebody waits for the end. NULL: a round by hand, nobody does. */
bool duty_is_stopping(struct duty *duty);

/* Inside a round: nothing to do for so long. False: somebody waits for the end. NULL: a round by
 * hand, which does not rest. */
bool duty_rest(struct duty *duty, uint64_t ms);

/* Inside a round: the pause after it is so long, instead of the interval. NULL: a round by hand. */
void duty_pause(struct duty *duty, uint64_t ms);

/* The next round begins at once instead of at its time. Any thread. */
void duty_wake(struct duty *duty);

/* Waits for the round that runs. Accepts NULL. */
void duty_stop(struct duty *duty);

#endif /* HEARTH_COORDINATOR_DUTY_H */
