/*
 * fsck_wire.h - what a check found, as it is told to whoever asked for it.
 *
 * Pure computation.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_WIRE_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_WIRE_H

#include "coordinator/rescue/fsck.h"
#include "proto/wire_fsck.h"

/* Borrows from the finding. */
struct wire_fsck_finding fsck_wire_finding(const struct fsck_finding *finding);
struct wire_fsck_space fsck_wire_space(const struct fsck_space *space);

/* How many rows there are. */
size_t fsck_wire_counts(
    const struct fsck_counts *counts, struct wire_fsck_count rows[WIRE_FSCK_COUNTS_MAX]);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_WIRE_H */
