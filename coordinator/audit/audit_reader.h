/*
 * audit_reader.h - what a lookup tells about how readers read: one run of stripes of one segment.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_READER_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_READER_H

#include "coordinator/audit/audit.h"
#include "coordinator/meta/meta_object.h"

/* The run that `extent` of `segment`, or `plain` of it, makes a reader ask of a data slot.  False:
 * none. */
bool audit_reader_run(const struct meta_segment *segment, struct ec_range plain,
    struct audit_run *run, uint32_t *stripe_count);

/* A customer was told where these are, and will read them now. Accepts NULL. */
void audit_reader_note(
    struct audit *audit, const struct meta_lookup *lookup, const struct meta_object *object);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_READER_H */
