/*
 * shipping_retire.h - of shipments, the chains before the last few are deleted.
 *
 * Blocks.  Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_SHIPPING_RETIRE_H
#define HEARTH_COORDINATOR_RESCUE_SHIPPING_RETIRE_H

#include "coordinator/coordinator.h"

enum { SHIPPING_CHAINS_KEPT = 2 };

/* What is in the bucket and older than the oldest snapshot that is kept. */
enum hearth_code shipping_retire_old(
    struct coordinator *coordinator, struct meta_id bucket, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_SHIPPING_RETIRE_H */
