/*
 * status.h - how the cluster is: everything that hearth-admin status and the page of metrics say.
 *
 *   metadata, node table, sweep, repair, ... --status_collect--> struct wire_status_reply
 *                                                                  |            |
 *                                                    Status, by RPC        /metrics
 */
#ifndef HEARTH_COORDINATOR_SERVICE_STATUS_H
#define HEARTH_COORDINATOR_SERVICE_STATUS_H

#include "coordinator/coordinator.h"
#include "proto/wire_fleet.h"

/* What it points at lives in the arena. */
enum hearth_code status_collect(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_STATUS_H */
