/*
 * segment_orders.h - slots of segments as the wire knows them: node, address, and leave to go
 * there.
 *
 *   offers (durable) --segment_offers_to_wire--> placements with PUT orders
 *   segment row      --segment_to_wire---------> holders; GET orders for those best asked first
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_SEGMENT_ORDERS_H
#define HEARTH_COORDINATOR_SERVICE_SEGMENT_ORDERS_H

#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_segment.h"
#include "erasure/ec_slots.h"

/* Bytes of cells and tags that a slot of a segment with this much plaintext has.
 * HEARTH_INVALID: larger than a segment. */
enum hearth_code segment_shard_size(
    unsigned k, uint64_t plain_size, uint64_t *out, struct hearth_err *err);

struct segment_putting {
    struct meta_id segment;
    uint64_t size_max;      /* bytes of cells and tags an order allows */
    struct view session_id; /* who will show the orders */
};

/* *out: offers->count placements in the arena, each with its order. */
enum hearth_code segment_offers_to_wire(struct coordinator *coordinator,
    const struct segment_putting *putting, const struct meta_offers *offers, struct arena *arena,
    const struct wire_placement **out, struct hearth_err *err);

struct segment_reading {
    struct view session_id; /* empty: nobody wants orders */
    struct ec_slots failed; /* the caller has tried these */
    unsigned want;          /* orders for so many holders */
};

/* All holders are named; orders go with the `want` best: data slots of nodes that answer, then
 * parity, then nodes that may come back. */
enum hearth_code segment_to_wire(struct coordinator *coordinator,
    const struct meta_segment *segment, const struct segment_reading *reading, struct arena *arena,
    struct wire_segment_info *out, struct hearth_err *err);

/* One placement that is, or may become, a holder. */
struct segment_placement {
    struct meta_id segment;
    uint16_t slot;
    struct meta_holder holder;
};

/* Leave for `session_id` to read it there. */
enum hearth_code segment_placement_to_wire(struct coordinator *coordinator,
    const struct segment_placement *placement, struct view session_id, struct arena *arena,
    struct wire_placement *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_SEGMENT_ORDERS_H */
