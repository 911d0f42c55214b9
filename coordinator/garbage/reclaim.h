/*
 * reclaim.h - the duty that collects what nobody names any more (meta_garbage.h has the rules),
 * and writes down what heartbeats brought.
 */
#ifndef HEARTH_COORDINATOR_GARBAGE_RECLAIM_H
#define HEARTH_COORDINATOR_GARBAGE_RECLAIM_H

#include "coordinator/coordinator.h"
#include "coordinator/duty.h"

/* A duty_fn; context is the struct coordinator. Rounds of meta_garbage_step until nothing is due.
 */
void reclaim_round(struct duty *duty, void *context);

#endif /* HEARTH_COORDINATOR_GARBAGE_RECLAIM_H */
