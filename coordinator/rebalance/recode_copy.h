/*
 * recode_copy.h - the sealed bytes of a segment, read by one code and written by another.
 *
 *   k holders --cells, tags verified--> decode --> sealed bytes --cut--> encode --> tags -->
 * targets
 *
 * Nothing is opened: units do not depend on the code, and no key of a customer is needed.  What is
 * coded is used to rebuild an input again, and must give it back, before it leaves.  Nothing here
 * changes metadata.
 *
 * Blocks.  Thread-safety: one thread a job.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_RECODE_COPY_H
#define HEARTH_COORDINATOR_REBALANCE_RECODE_COPY_H

#include "coordinator/meta/meta_types.h"
#include "coordinator/rebalance/move_pace.h"
#include "coordinator/repair/repair_flow.h"

struct recode_copy {
    struct shard_net *net;
    struct env *env;
    const struct meta_segment *segment;  /* as it is coded now */
    const struct repair_source *sources; /* best first */
    unsigned source_count;
    unsigned k; /* of the new code */
    unsigned n;
    struct verify_key vk;          /* of the new tags */
    struct repair_target *targets; /* one for each slot that is to be filled, in order of slots */
    unsigned target_count;
    struct move_pace *pace;  /* NULL: no limit */
    const struct halt *halt; /* NULL: it goes on to its end */
    void (*accuse)(void *context, const struct repair_source *source, const char *why);
    void *context;
};

/* HEARTH_OK: is_stored of each target tells whether it worked.  HEARTH_SHARDS_LOST: fewer than k
 * sources are good.  HEARTH_UNREACHABLE: no target is left.  HEARTH_DEADLINE: it took too long. */
enum hearth_code recode_copy_blocking(const struct recode_copy *copy, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_RECODE_COPY_H */
