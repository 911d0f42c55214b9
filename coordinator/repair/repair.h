/*
 * repair.h - brings segments up again that have lost shards.
 *
 *   sweep --repair_watch--> repair_board (queue, most endangered first; rows) --> workers
 *   a worker: place new holders --> offers durable --> repair_segment --> compare-and-swap (D6)
 *
 * What is rebuilt is only ever added, or put in the place of what is not held (D7).
 *
 * Thread-safety: status and ask from any thread; the rounds run on the duty's.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/duty.h"
#include "coordinator/fleet/sweep_watcher.h"
#include "coordinator/repair/repair_board.h"

struct repair;

/* NULL: out of memory. */
struct repair *repair_create(struct coordinator *coordinator);
void repair_destroy(struct repair *repair); /* accepts NULL */

/* From now on nodes are spoken to over `net`, which shows the certificate of `session_id` and is
 * borrowed until the next call.  Before the first one nothing is repaired.  Between rounds, on
 * their thread. */
void repair_use_session(
    struct repair *repair, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE]);

/* What finds its work.  `duty`: where its rounds run, or will; NULL: in the caller's hands. */
struct sweep_watcher repair_watcher(struct repair *repair, struct duty *const *duty);

/* What the last pass found, until it is done; looks at duty_is_stopping() now and then. */
void repair_round(struct repair *repair, struct duty *duty);

/* Everything is brought to n from the next pass on, until nothing that has a place is below it.
 * Durable when it returns. */
enum hearth_code repair_ask(struct repair *repair, struct hearth_err *err);

void repair_status_get(struct repair *repair, struct repair_status *out);

/* repair_board_is_unreadable(). */
bool repair_is_unreadable(struct repair *repair, struct meta_id segment, struct repair_lost *out);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_H */
