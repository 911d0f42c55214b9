/*
 * shard_context.h - what every request for a shard works with. Set once, before the first one.
 */
#ifndef HEARTH_STORAGED_SHARD_CONTEXT_H
#define HEARTH_STORAGED_SHARD_CONTEXT_H

#include "storaged/loop.h"
#include "storaged/order_check.h"
#include "storaged/rate_gate.h"
#include "storaged/shard_source.h"
#include "storaged/volume.h"

struct shard_context {
    struct loop *loop;
    struct volume *volume;       /* of this loop */
    struct order_check *orders;  /* likewise */
    struct rate_gate *download;  /* what puts bring passes here; */
    struct rate_gate *upload;    /* what gets take, here */
    struct shard_source *source; /* cells of other nodes; NULL: of none */
};

#endif /* HEARTH_STORAGED_SHARD_CONTEXT_H */
