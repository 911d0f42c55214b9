/*
 * shipment.h - one shipment of the metadata, from its bytes to an object of the fleet's own bucket.
 *
 *   cargo --begin--> intent --part by part (shipment_put.h)--> seal --commit--> object
 *
 * Blocks.  Thread-safety: one thread at a time.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_SHIPMENT_H
#define HEARTH_COORDINATOR_RESCUE_SHIPMENT_H

#include "coordinator/coordinator.h"
#include "coordinator/duty.h"
#include "coordinator/repair/repair_session.h"
#include "coordinator/rescue/shipment_head.h"
#include "coordinator/rescue/shipment_name.h"

enum { SHIPMENT_KEY_MAX = 32 };

/* Bytes that wait to be shipped. */
struct shipment_cargo {
    int fd; /* -1: none */
    uint64_t size;
};

struct shipment_order {
    struct coordinator *coordinator;
    struct repair_session *session;
    const struct shipment_keys *keys;
    enum shipment_kind kind;
    uint64_t number;
    uint64_t base;     /* of changes: the snapshot that they follow on */
    uint64_t previous; /* of changes: what was shipped before */
    const struct shipment_cargo *cargo;
};

/* Which it became. */
struct shipment_sent {
    uint64_t number;
    struct meta_id bucket;
};

/* By the widest profile that the fleet carries.  What failed is aborted, so that its shards are
 * collected; *out says its number in that case, too. */
enum hearth_code shipment_send_blocking(const struct shipment_order *order, struct duty *duty,
    struct shipment_sent *out, struct hearth_err *err);

/* The key of the object that a shipment becomes. */
void shipment_write_key(char key[SHIPMENT_KEY_MAX], uint64_t number, enum shipment_kind kind);

#endif /* HEARTH_COORDINATOR_RESCUE_SHIPMENT_H */
