/*
 * reconcile_inquiry.h - what a node is asked in its turn of reconciliation (reconcile_duty.h).
 *
 *   sums of ranges --differ--> list of these --> judged, strays named;  one shard by its name
 *
 * Blocks on the network.  Thread-safety: the duty's thread.
 */
#ifndef HEARTH_COORDINATOR_GARBAGE_RECONCILE_INQUIRY_H
#define HEARTH_COORDINATOR_GARBAGE_RECONCILE_INQUIRY_H

#include "coordinator/coordinator.h"
#include "coordinator/garbage/reconcile.h"
#include "coordinator/meta/meta_damage.h"
#include "coordinator/meta/meta_reconcile.h"
#include "coordinator/rescue/shipment_name.h"

struct reconcile_inquiry {
    struct coordinator *coordinator;
    struct shipment_keys shipments;
    struct duty *round; /* that runs: an inquiry ends with it */
};

void reconcile_inquiry_init(struct reconcile_inquiry *inquiry, struct coordinator *coordinator);
void reconcile_inquiry_fini(struct reconcile_inquiry *inquiry);

/* One node's turn. */
struct reconcile_turn {
    struct reconcile shards;
    struct meta_reconciled done;
};

/* What a node should have and did not list. */
struct reconcile_candidate {
    uint32_t node;
    struct meta_damaged_shard shard;
};

/* What differs is listed, judged and, where nobody wants it, named dead. */
enum hearth_code reconcile_list_blocking(
    const struct reconcile_inquiry *inquiry, struct reconcile_turn *turn, struct hearth_err *err);

/* Asks for it by name, once more; what is not there is handed to repair. */
enum hearth_code reconcile_check_blocking(const struct reconcile_inquiry *inquiry,
    struct reconcile_turn *turn, struct reconcile_candidate *candidate, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_GARBAGE_RECONCILE_INQUIRY_H */
