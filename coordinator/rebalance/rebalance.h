/*
 * rebalance.h - the duty that works plans out and carries them out.
 *
 *   READING --rebalance_survey--> PLANNED
 *   RUNNING --a page of segments after the cursor--> picks --> a batch of moves --> the cursor
 * moves on
 *           --the end of a pass--> another, or done
 *
 * A page is dealt with again when the process died in it: what had moved is not picked again.
 *
 * A drain is done when a pass that began after the last leave to write to its nodes or to read
 * there had ended finds nothing of theirs.
 *
 * Thread-safety: rounds on the duty's thread; rebalance_interrupt() from any.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_REBALANCE_H
#define HEARTH_COORDINATOR_REBALANCE_REBALANCE_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/duty.h"

struct rebalance;

/* `lanes`: moves at once. NULL: out of memory. */
struct rebalance *rebalance_create(struct coordinator *coordinator, unsigned lanes);
void rebalance_destroy(struct rebalance *rebalance); /* accepts NULL */

/* Nodes are spoken to over `net`, which shows the certificate of `session_id`. Before the first
 * round. */
void rebalance_use_session(
    struct rebalance *rebalance, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE]);

/* Woken by rebalance_interrupt(); NULL, or of NULL: nobody. Before the first round. */
void rebalance_wakes(struct rebalance *rebalance, struct duty *const *duty);

/* A duty_fn; context is the struct rebalance.  As long as there is something to do now. */
void rebalance_round(struct duty *duty, void *context);

/* What plans there are, or the state of one, has changed: moves under way end at once, and those of
 * plans that run begin again. */
void rebalance_interrupt(struct rebalance *rebalance);

#endif /* HEARTH_COORDINATOR_REBALANCE_REBALANCE_H */
