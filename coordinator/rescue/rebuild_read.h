/*
 * rebuild_read.h - one part of a shipment, read from whoever says that he holds a shard of it.
 *
 *   shards of the part --GET orders--> any k true ones (tags) --decode--> sealed units --open-->
 *   head and bytes
 *
 * Nothing but the keys is believed: a cell has to fit its tag, a unit its seal, and the head has to
 * say of itself what the segment's id says.
 *
 * Blocks.  Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_REBUILD_READ_H
#define HEARTH_COORDINATOR_RESCUE_REBUILD_READ_H

#include "client/shard_net.h"
#include "common/arena.h"
#include "coordinator/order.h"
#include "coordinator/rescue/rebuild_find.h"
#include "coordinator/rescue/shipment_head.h"
#include "proto/wire_messages.h"

struct rebuild_reader {
    struct env *env;
    struct shard_net *net; /* identified by the session */
    const struct shipment_keys *keys;
    const struct order_issuer *issuer;
    struct view session_id;
    const uint8_t *cluster;                /* PKI_CLUSTER_SIZE bytes */
    const struct wire_node_address *nodes; /* by the numbers of the shards */
};

struct rebuild_bytes {
    struct shipment_head head;
    uint8_t *plain;    /* to be freed */
    struct view bytes; /* the part's, in it */
};

/* `shards`: of one part, some.  HEARTH_SHARDS_LOST: fewer than k true ones.  HEARTH_CHECKSUM: what
 * they give is not that part of that shipment.  HEARTH_DEADLINE. */
enum hearth_code rebuild_read_blocking(const struct rebuild_reader *reader,
    const struct rebuild_run *shards, struct rebuild_bytes *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_REBUILD_READ_H */
