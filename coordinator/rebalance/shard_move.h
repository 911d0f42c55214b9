/*
 * shard_move.h - one shard from its holder to another node.
 *
 *   read the row --> offer, durable --> copy --> receipt checked --> read back, every tag
 *     --> compare-and-swap of the slot (D6), and the old placement is a dead shard (D5, D8)
 *
 * What its holder does not give, for it is away or has lost it, is made anew from k others instead
 * of copied.
 *
 * Until the last step the old holder has the slot; whatever fails before it leaves a placement that
 * nobody names, which ends by its own time.  So the number of good shards never sinks (D7).
 *
 * Blocks.  Thread-safety: any number of moves at once, each on a thread of its own.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_SHARD_MOVE_H
#define HEARTH_COORDINATOR_REBALANCE_SHARD_MOVE_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/rebalance/move_pace.h"

struct shard_move {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct view session_id; /* whose certificate `net` shows */
    uint64_t plan;
    struct meta_id segment;
    uint16_t slot;
    uint32_t from;
    uint32_t to;
    struct move_pace *pace;  /* NULL: no limit */
    const struct halt *halt; /* NULL: it goes on to its end */
};

/*
 * HEARTH_NOT_FOUND: the segment is gone, or nobody wants it any more.  HEARTH_CONFLICT: the slot
 * has another holder, or got one meanwhile.  HEARTH_CANCELLED: the plan has ended, or a halt came
 * before the last step.  Else what hindered it; the segment is as it was.
 */
enum hearth_code shard_move_blocking(const struct shard_move *move, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_SHARD_MOVE_H */
