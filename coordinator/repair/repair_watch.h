/*
 * repair_watch.h - repair's eyes in the sweep: judges every segment, counts, and finds what is due.
 *
 *   page --judge--> counts for `status`
 *           \-----> due, and has a place, and does not wait (repair_backoff.h) --> queue
 *           \-----> fewer than k can be read --> named for `repair status --lost`
 *   end  --> repair_board.h
 *
 * Thread-safety: the sweep's thread.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_WATCH_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_WATCH_H

#include "coordinator/coordinator.h"
#include "coordinator/fleet/sweep_watcher.h"
#include "coordinator/repair/repair_board.h"
#include "coordinator/repair/repair_judge.h"

struct repair_watch;

/* Both are borrowed. NULL: out of memory. */
struct repair_watch *repair_watch_create(
    struct coordinator *coordinator, struct repair_board *board);
void repair_watch_destroy(struct repair_watch *watch); /* accepts NULL */

/* `duty`: what is woken after a pass; NULL: nothing. */
struct sweep_watcher repair_watch_watcher(struct repair_watch *watch, struct duty *const *duty);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_WATCH_H */
