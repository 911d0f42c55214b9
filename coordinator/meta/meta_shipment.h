/*
 * meta_shipment.h - where the coordinator keeps what it ships of itself: a bucket of its own, by a
 * name that no customer can give one, of a tenant for whom nobody acts.
 *
 * Shipments are objects like others there: swept, repaired, audited, deleted and collected alike.
 */
#ifndef HEARTH_COORDINATOR_META_META_SHIPMENT_H
#define HEARTH_COORDINATOR_META_META_SHIPMENT_H

#include "coordinator/meta/meta_store.h"

#define META_SHIPMENT_BUCKET ".hearth"

/* The bucket, made when it is not there; what is written to it from now on has this profile. */
enum hearth_code meta_shipment_bucket(
    struct meta_store *store, uint32_t profile, struct meta_id *bucket, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_SHIPMENT_H */
