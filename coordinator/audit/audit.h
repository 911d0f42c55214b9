/*
 * audit.h - do the nodes still have what they took?  A watcher of the sweep, and the duty that
 * asks.
 *
 *   sweep --> samples of each node that is owed some, and shards that never passed
 *   duty: contained cells that are due, what was asked for by hand, what is owed, first audits
 *         --> audit_batch.h
 *
 * When a node is asked next is a matter of chance alone (exponential gaps, cut at three times the
 * mean), so that nobody can wait for it.  Only nodes that answer are asked: silence is health's.
 *
 * Thread-safety: the watcher on the sweep's thread, rounds on the duty's, the rest from any.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_H

#include "client/shard_net.h"
#include "coordinator/audit/audit_batch.h"
#include "coordinator/fleet/sweep_watcher.h"

enum {
    AUDIT_RUN_MAX = 10000,  /* cells of one node that may be asked for by hand at once */
    AUDIT_FRESH_LEAST = 16, /* first audits in a round, when there are so many to be made */
    AUDIT_TIPS_MAX = 256,   /* shards that readers named; more are forgotten */
    AUDIT_BATCHES_MAX = 16, /* of visits, in one round of the duty */
};

struct audit;

struct audit *audit_create(struct coordinator *coordinator); /* NULL: out of memory */
void audit_destroy(struct audit *audit);                     /* accepts NULL */

/* Nodes are asked over `net`, which shows the certificate of `session_id`; borrowed until the next
 * call.  Before the first one nobody is asked.  On the duty's thread, between rounds. */
void audit_use_session(
    struct audit *audit, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE]);

/* When a sweep ends while cells asked for by hand are waiting, it wakes this duty. */
struct sweep_watcher audit_watcher(struct audit *audit, struct duty *const *wakes);

/* Asks who is due; looks at duty_is_stopping() now and then.  The next round is at a moment that
 * nobody can foresee. */
void audit_round(struct audit *audit, struct duty *duty);

/* A customer may read this run of a shard with so many stripes. Accepts NULL. */
void audit_note_reader(struct audit *audit, struct audit_run run, uint32_t stripe_count);

/* A reader found this shard wrong or missing.  It is asked for next, all of it, and its node more
 * often for a day; nothing else follows, for readers can make things up. Accepts NULL. */
void audit_note_report(struct audit *audit, uint32_t node, struct view segment, uint32_t slot);

/* So many cells of this node (0: of each) are asked for as soon as there is a sample.
 * Forgotten when it is away, or holds nothing.  HEARTH_INVALID: more than AUDIT_RUN_MAX.
 * HEARTH_NOT_FOUND: no sweep has seen that node.  HEARTH_BUSY: as many are waiting. */
enum hearth_code audit_ask_for(
    struct audit *audit, uint32_t node, unsigned cells, struct hearth_err *err);

/* What is going on with a node. */
struct audit_node_status {
    double per_week;    /* 0: it is not asked now */
    unsigned requested; /* by hand, and not asked for yet */
};

bool audit_node_status_get(struct audit *audit, uint32_t node, struct audit_node_status *out);

struct audit_status {
    uint64_t outcomes_day[AUDIT_OUTCOMES]; /* of the last 24 hours, since the start */
    uint64_t fresh_waiting;                /* shards that never passed, as the last pass saw them */
    uint64_t fresh_overdue;                /* of these: stored more than 72 h ago */
    uint64_t requested;                    /* by hand, of all nodes */
};

void audit_status_get(struct audit *audit, struct audit_status *out);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_H */
