/*
 * move_copy.h - one shard read, and written elsewhere, every cell held against its tag on the way.
 *
 *   source --cell, tag verified--> here --> target --receipt--> move_copy_blocking
 *   holder --cell, tag verified--> here                         move_verify_blocking
 *
 * Few cells are under way at once, and with a pace no more are asked for than it lets pass. Nothing
 * here changes metadata.
 *
 * Blocks.  Thread-safety: one thread a job.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_MOVE_COPY_H
#define HEARTH_COORDINATOR_REBALANCE_MOVE_COPY_H

#include "client/shard_net.h"
#include "client/shard_tag.h"
#include "coordinator/halt.h"
#include "coordinator/rebalance/move_pace.h"
#include "erasure/ec_stripe.h"
#include "proto/order_format.h"

enum {
    MOVE_AHEAD_CELLS = 4,
    MOVE_STALL_MS = 5000,            /* a peer that makes no progress for this long is given up */
    MOVE_LONGEST_MS = 9 * 60 * 1000, /* orders last ten minutes */
};

struct move_copy {
    struct shard_net *net;
    struct env *env;
    const struct ec_stripes *stripes;
    unsigned slot;
    const struct verify_key *vk;
    struct move_pace *pace;  /* of what is written; NULL: no limit */
    const struct halt *halt; /* NULL: it goes on to its end */
};

/* Whose fault it was. */
enum move_blame { MOVE_NOBODY, MOVE_SOURCE, MOVE_TARGET };

/*
 * HEARTH_CHECKSUM: a cell of the source does not fit its tag.  HEARTH_DEADLINE: somebody was too
 * slow.  HEARTH_CANCELLED: a halt; nobody is to blame.  Else what the nodes said.  The receipt is
 * the target's word, to be checked by the caller.
 */
enum hearth_code move_copy_blocking(const struct move_copy *copy, const struct shard_door *source,
    const struct shard_door *target, uint8_t receipt[RECEIPT_SIZE], enum move_blame *blame,
    struct hearth_err *err);

/* All of the shard is there and true. Codes as above. */
enum hearth_code move_verify_blocking(
    const struct move_copy *copy, const struct shard_door *holder, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_MOVE_COPY_H */
