/*
 * shipping.h - the duty that keeps a copy of the metadata on the nodes themselves.
 *
 *   once a day:             snapshot --> parts, seal --> n nodes each --> one object names them
 *   between:                what changed since --> likewise, following on the one before
 *   start:                  what changed since the last snapshot, if that is recent and whole
 *
 *   snapshot <-- changes <-- changes <-- ...      a chain; rebuild (rebuild.h) walks it back
 *
 * With the master key alone a new coordinator finds the newest chain in what nodes hold and has all
 * but what changed since it was shipped.  A chain that broke (too much changed at once, or this
 * process was ended) is followed by a new snapshot.  The chains before the last two are deleted.
 *
 * Thread-safety: rounds on one thread; the state may be asked for from any.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_SHIPPING_H
#define HEARTH_COORDINATOR_RESCUE_SHIPPING_H

#include "coordinator/duty.h"
#include "coordinator/repair/repair_session.h"

struct shipping;

/* The session is borrowed: somebody else renews its certificate.  NULL: out of memory. */
struct shipping *shipping_create(struct coordinator *coordinator, struct repair_session *session);
void shipping_destroy(struct shipping *shipping); /* accepts NULL */

/* A duty_fn; context is the struct shipping. */
duty_fn shipping_round;

struct shipping_state {
    uint64_t newest;         /* number of the newest shipment; 0: none since the start */
    uint64_t newest_at_ms;   /* everything before this moment is on the nodes; 0: nothing is */
    uint64_t snapshot_bytes; /* of the newest */
    uint64_t changes_bytes;  /* since then */
    uint64_t failed;         /* rounds, since one worked */
    uint64_t started_ms;     /* of this process */
};

void shipping_state(struct shipping *shipping, struct shipping_state *out);

#endif /* HEARTH_COORDINATOR_RESCUE_SHIPPING_H */
