/*
 * segment_recode.h - one segment gets the code of another profile.
 *
 *   read the row --> choose nodes by the new profile's rules --> offers, durable --> copy, coded
 * anew
 *     --> receipts checked --> each shard read back, every tag (D8)
 *     --> compare-and-swap of code, tags' key and holders at once (D6); the old shards are dead
 * (D5)
 *
 * Until the last step the old shards are the segment; whatever fails before it leaves placements
 * that nobody names, which end by their own time (D7).
 *
 * Blocks.  Thread-safety: any number at once, each on a thread of its own.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_SEGMENT_RECODE_H
#define HEARTH_COORDINATOR_REBALANCE_SEGMENT_RECODE_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/rebalance/move_pace.h"

struct segment_recode {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct view session_id; /* whose certificate `net` shows */
    uint64_t plan;
    struct meta_id segment;
    const struct profile *to;
    struct move_pace *pace;  /* NULL: no limit */
    const struct halt *halt; /* NULL: it goes on to its end */
};

/*
 * HEARTH_NOT_FOUND: the segment is gone, or nobody wants it any more.  HEARTH_CONFLICT: it has that
 * profile, or changed meanwhile.  HEARTH_BUSY: an upload writes it.
 * HEARTH_FLEET_TOO_SMALL: the profile has no room.  HEARTH_CANCELLED: the plan has ended, or a
 * halt came before the last step.  Else what hindered it; the segment is as it was.
 */
enum hearth_code segment_recode_blocking(
    const struct segment_recode *recode, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_SEGMENT_RECODE_H */
