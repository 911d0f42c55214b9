/*
 * repair.h - a watcher of the sweep, and the duty that brings segments up again.
 *
 *   sweep (sweep.h) --judge--> counts for `status`
 *                       \----> queue, most endangered first, of those that
 *                              do not wait (repair_backoff.h) and have a place
 *   queue --> place new holders --> offers durable --> repair_segment --> compare-and-swap (D6)
 *
 * What is rebuilt is only ever added, or put in the place of what is not held (D7).
 *
 * Repairs that failed before get half of the time while there is something else to do, and a minute
 * of a round after that.
 *
 * Thread-safety: status from any thread; the rounds run on the duty's, the watcher on the sweep's.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_H
#define HEARTH_COORDINATOR_REPAIR_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/sweep_watcher.h"

enum {
    REPAIR_QUEUE_MAX = 1024, /* the most endangered ones; the next pass finds the rest */
    REPAIR_RETRY_MS = 60 * 1000,
};

struct repair_status {
    uint64_t segments;
    uint64_t below_n;
    uint64_t below_r;
    uint64_t unreadable;    /* fewer than k reachable now */
    uint64_t queue;         /* due, and not repaired yet */
    uint64_t waiting;       /* of those: failed, and not tried again yet */
    uint64_t without_place; /* of those: no node may take a shard of it now */
    uint64_t repaired;      /* shards, since the start */
};

struct repair;

/* NULL: out of memory. */
struct repair *repair_create(struct coordinator *coordinator);
void repair_destroy(struct repair *repair); /* accepts NULL */

/* From now on nodes are spoken to over `net`, which shows the certificate of `session_id` and is
 * borrowed until the next call.  Before the first one rounds only count.  Between rounds, on their
 * thread. */
void repair_use_session(
    struct repair *repair, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE]);

/* What finds its work.  `duty`: where its rounds run, or will; NULL: in the caller's hands. */
struct sweep_watcher repair_watcher(struct repair *repair, struct duty *const *duty);

/* What the last pass found; looks at duty_is_stopping() now and then. */
void repair_round(struct repair *repair, struct duty *duty);

void repair_status_get(struct repair *repair, struct repair_status *out);

#endif /* HEARTH_COORDINATOR_REPAIR_H */
