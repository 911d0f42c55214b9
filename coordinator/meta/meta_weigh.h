/*
 * meta_weigh.h - which of the receipts for a segment's slots are good, and who holds the slots
 * then.
 *
 * Inside a transaction, for meta_seal.c: sealing, filling up, repair and another code weigh alike.
 */
#ifndef HEARTH_COORDINATOR_META_META_WEIGH_H
#define HEARTH_COORDINATOR_META_META_WEIGH_H

#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_segment.h"

/* A segment's slots while receipts are weighed one by one.  The caller sets all but the domains. */
struct meta_weighing {
    struct meta_tx *tx;
    struct meta_id segment;
    uint16_t n;
    uint64_t shard_length;
    bool orders_must_live; /* a receipt for an expired order comes too late */
    bool replaces;         /* a filled slot may be taken over, once */
    struct meta_holder holders[META_SLOTS_MAX];
    struct ec_slots damaged;
    struct ec_slots passed;
    bool taken[META_SLOTS_MAX]; /* by a receipt of this call */
    struct meta_domain domains[META_SLOTS_MAX];
    size_t domain_count;
    struct meta_seal_result *result;
};

/* What is good is put in its slot, the rest is in the result, with why.  Returns how many are good.
 */
unsigned meta_weigh_all(
    struct meta_weighing *weighing, const struct meta_receipt *receipts, size_t count);

uint16_t meta_count_holders(const struct meta_holder *holders, uint16_t n);

#endif /* HEARTH_COORDINATOR_META_META_WEIGH_H */
