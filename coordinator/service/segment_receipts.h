/*
 * segment_receipts.h - which of the receipts a writer shows are good, and what it is told of the
 * rest.  One bad receipt never sinks the others.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_SEGMENT_RECEIPTS_H
#define HEARTH_COORDINATOR_SERVICE_SEGMENT_RECEIPTS_H

#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_segment.h"

/* What a writer shows. */
struct segment_shown {
    struct meta_id segment;
    uint64_t length; /* plaintext */
    unsigned k;
    const struct wire_slot_receipt *receipts;
    size_t count;
};

/* Lives in the arena it was checked with. */
struct segment_receipts {
    uint64_t shard_length; /* what each must hold */
    struct meta_receipt *good;
    size_t good_count;
    struct wire_bad_slot *bad;
    size_t bad_count;
};

/* Checks MAC, name and node of each.  HEARTH_INVALID: no segment is that long. */
enum hearth_code segment_receipts_check(struct coordinator *coordinator,
    const struct segment_shown *shown, struct arena *arena, struct segment_receipts *out,
    struct hearth_err *err);

/* What the metadata made of the good ones, together with the bad ones. */
void segment_receipts_reply(struct segment_receipts *receipts,
    const struct meta_seal_result *result, struct wire_seal_segment_reply *out);

#endif /* HEARTH_COORDINATOR_SERVICE_SEGMENT_RECEIPTS_H */
