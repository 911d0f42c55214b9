/*
 * shipment_put.h - one part of a shipment on its way to holders, as any customer's segment would
 * be.
 *
 *   choose nodes --> offers, durable --> seal, code, tag --> n holders --> receipts checked -->
 *   the segment's row
 *
 * Blocks.  Thread-safety: one thread a part.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_SHIPMENT_PUT_H
#define HEARTH_COORDINATOR_RESCUE_SHIPMENT_PUT_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/rescue/shipment_head.h"
#include "coordinator/rescue/shipment_name.h"

struct shipment_part {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct view session_id;
    const struct shipment_keys *keys;
    const struct profile *profile; /* of the intent */
    struct meta_id intent;
    struct shipment_name name;
    struct shipment_head head;
    int fd; /* the whole shipment; read from head.offset */
};

/*
 * *out: the segment and its length, sealed and not yet named by an object.
 * HEARTH_FLEET_TOO_SMALL, HEARTH_SHARDS_LOST: too few nodes took it.  HEARTH_DEADLINE.
 */
enum hearth_code shipment_put_blocking(
    const struct shipment_part *part, struct meta_extent *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_SHIPMENT_PUT_H */
