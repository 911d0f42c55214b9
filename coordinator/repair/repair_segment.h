/*
 * repair_segment.h - rebuilds missing shards of one segment from any k good ones.
 *
 *   k holders --cells, tags verified--> rebuild --check--> tag --> new holders --> receipts
 *
 * One stripe at a time, all missing slots in one read.  What was rebuilt is used to rebuild one of
 * the inputs again, and must give it back, before it leaves.  Nothing here changes metadata.
 *
 * Blocks.  Thread-safety: one thread a job.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_SEGMENT_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_SEGMENT_H

#include "coordinator/repair/repair_flow.h"

enum {
    /* What a budget makes it wait comes on top; orders live ten minutes. */
    REPAIR_REST_MS = 5 * 60 * 1000,
};

/* One stripe's cells: who gave one, and who was sent one. */
struct repair_passed {
    unsigned count;
    uint32_t nodes[2 * EC_SLOTS_MAX];
    uint64_t bytes_each;
};

struct repair_job {
    struct shard_net *net;
    struct env *env;
    unsigned codec_id;
    unsigned k;
    unsigned n;
    uint64_t length; /* plaintext */
    struct verify_key vk;
    const struct repair_source *sources; /* best first */
    unsigned source_count;
    struct repair_target *targets; /* is_stored tells which ones worked */
    unsigned target_count;
    void (*accuse)(void *context, const struct repair_source *source, const char *why);
    /* After each stripe: how long to rest. NULL: never. */
    uint64_t (*pass_ns)(void *context, const struct repair_passed *passed);
    void *context;
    const struct halt *halt; /* NULL: it goes on to its end */
};

/* HEARTH_OK: at least one target is stored.  HEARTH_SHARDS_LOST: fewer than k sources are good.
 * HEARTH_UNREACHABLE: no target took its shard.  HEARTH_DEADLINE: it took too long, or the
 * budget lets so little pass.  HEARTH_CANCELLED: a halt. */
enum hearth_code repair_segment_blocking(const struct repair_job *job, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_SEGMENT_H */
