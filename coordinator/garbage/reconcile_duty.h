/*
 * reconcile_duty.h - the duty that holds what nodes say they have against what the metadata has
 * (reconcile.h, meta_reconcile.h).
 *
 *   duty: a few nodes are due      IDLE --> CHOSEN
 *   sweep: a pass begins, and is over      --> SUMMING --> SUMMED    what they should have, in sums
 *   duty: sums asked, what differs listed  --> LISTED                strays judged and named
 *   sweep: the next pass                   --> SEEKING --> SOUGHT    what they should have, by name
 *   duty: what is missing asked for again  --> IDLE                  and handed to repair, written
 * down
 *
 * A node is due a day after the last time, after a restore, and when an operator asks; those that
 * answer, longest ago first, up to RECONCILE_NODES at a time.  A list that breaks off ends the
 * node's turn: what was judged stays judged, nothing is concluded from the rest, and it is not
 * written down.
 *
 * Never takes a slot from a node: a missing shard becomes a damaged one of its segment, which
 * repair replaces, and which is read from until then should it be there after all.
 *
 * Thread-safety: the watcher on the sweep's thread, rounds on the duty's, asking from any.
 */
#ifndef HEARTH_COORDINATOR_GARBAGE_RECONCILE_DUTY_H
#define HEARTH_COORDINATOR_GARBAGE_RECONCILE_DUTY_H

#include "coordinator/coordinator.h"
#include "coordinator/fleet/sweep_watcher.h"

enum {
    RECONCILE_NODES = 8,
    RECONCILE_MISSING_MAX = 4096, /* candidates of one pass; the rest is found the next time */
    RECONCILE_EVERY_MS = 24 * 60 * 60 * 1000,
};

struct reconcile_duty;

/* NULL: out of memory. */
struct reconcile_duty *reconcile_duty_create(struct coordinator *coordinator);
void reconcile_duty_destroy(struct reconcile_duty *duty); /* accepts NULL; no round may run */

/* `wakes`: as sweep_watcher.h says. */
struct sweep_watcher reconcile_watcher(struct reconcile_duty *duty, struct duty *const *wakes);

/* A duty_fn; context is the struct reconcile_duty. */
void reconcile_round(struct duty *duty, void *context);

/* Every node that answers is due now. The time from which on a reconciliation answers this. */
uint64_t reconcile_ask(struct reconcile_duty *duty);

#endif /* HEARTH_COORDINATOR_GARBAGE_RECONCILE_DUTY_H */
