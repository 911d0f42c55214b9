/*
 * sweep.h - the pass over all segments that feeds every background duty.
 *
 *   segments in id order, a page at a time --> watcher, watcher, ...   (sweep_watcher.h)
 *                       \--now and then--> how far it is, durable      (meta_sweep.h)
 *
 * A pass goes through the ids in ranges which this process has leased.  Where it is in each of them
 * is kept: who starts anew goes on with the pass of before.
 *
 * A pass by its time takes no more than the stated share of one core: after each page it rests as
 * long as that demands.  A pass that somebody asked for takes what it needs.
 *
 * A page is one short read transaction: meta_read() interrupts what lasts longer than 250 ms.  It
 * is asked for again, half as large.
 *
 * Thread-safety: watch before the duty starts; rounds on the duty's thread; the rest from any.
 */
#ifndef HEARTH_COORDINATOR_FLEET_SWEEP_H
#define HEARTH_COORDINATOR_FLEET_SWEEP_H

#include "coordinator/fleet/sweep_watcher.h"

enum {
    SWEEP_WATCHERS_MAX = 16,
    SWEEP_SAVE_MS = 5 * 1000, /* so much of a pass may be read again after a crash */
    SWEEP_LEASE_MS = 60 * 1000,
    SWEEP_REST_MS = 20,  /* shorter rests are put together */
    SWEEP_TRIES_MAX = 8, /* of a page that could not be read in time; each asks for half as much */
};

struct sweep_options {
    struct meta_store *store; /* both borrowed */
    struct node_table *nodes;
    struct env *env;
    struct meta_id holder;  /* of leases: the same after a restart, so that they are still ours */
    uint64_t share_percent; /* of one core's time, for passes that nobody asked for */

    /* As duty_rest(); NULL: that. */
    bool (*rest)(void *context, struct duty *duty, uint64_t ms);
    void *rest_context;
};

struct sweep_status {
    uint64_t pass;       /* the last one that was completed; 0: none was yet */
    uint64_t started_ms; /* of that one, also when it was before our start */
    uint64_t finished_ms;
    uint64_t segments; /* of that one, as far as this process read it */
    uint64_t busy_ms;  /* and the time they took, rests not counted */
    uint64_t running;  /* number of the pass that is under way; 0: none */
    uint64_t running_segments;
    unsigned running_permille; /* of all ids */
};

struct sweep;

enum hearth_code sweep_create(
    const struct sweep_options *options, struct sweep **out, struct hearth_err *err);
void sweep_destroy(struct sweep *sweep); /* accepts NULL */

void sweep_watch(struct sweep *sweep, const struct sweep_watcher *watcher);

/* A duty_fn; context is the struct sweep.  One pass, or what was left of one. */
void sweep_round(struct duty *duty, void *context);

/* Number of a pass that begins from now on: after the one that runs, and without rests. */
uint64_t sweep_ask(struct sweep *sweep);

void sweep_status_get(struct sweep *sweep, struct sweep_status *out);

/* How long to rest after having been busy, so that the share is kept. */
uint64_t sweep_rest_ns(uint64_t busy_ns, uint64_t share_percent);

#endif /* HEARTH_COORDINATOR_FLEET_SWEEP_H */
