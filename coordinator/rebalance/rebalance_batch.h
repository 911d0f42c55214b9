/*
 * rebalance_batch.h - some moves, several at once, as fast as a plan's bandwidth lets them.
 *
 * Moves of one segment follow one another: each changes the row that the next begins with.
 *
 * Thread-safety: one thread runs a batch; anybody may interrupt it.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_REBALANCE_BATCH_H
#define HEARTH_COORDINATOR_REBALANCE_REBALANCE_BATCH_H

#include "coordinator/halt.h"
#include "coordinator/rebalance/rebalance_plan.h"
#include "coordinator/rebalance/segment_recode.h"
#include "coordinator/rebalance/shard_move.h"

#include <pthread.h>

enum {
    REBALANCE_BATCH_MAX = META_SLOTS_MAX, /* all slots of one segment, if need be */
    REBALANCE_LANES_MAX = 8,              /* moves at once */
};

struct rebalance_task {
    struct meta_id segment;
    const struct profile *recode; /* the segment gets its code; NULL: a shard of it moves */
    struct rebalance_move move;
    uint64_t size;
    bool is_settled;       /* false: an interruption came first, or ended it */
    enum hearth_code code; /* what became of it */
};

struct rebalance_batch {
    /* Set once. */
    struct coordinator *coordinator;
    struct shard_net *net;
    struct view session_id;
    uint64_t plan;
    unsigned lanes;                                   /* 1: on the caller's thread */
    struct halt halt;                                 /* the duty's, and who interrupts it */
    struct rebalance_task tasks[REBALANCE_BATCH_MAX]; /* those of one segment together */
    unsigned count;
    struct move_pace pace; /* while it runs */

    struct {
        pthread_mutex_t mutex;
        unsigned next;
        bool has_failed; /* the first failure is logged, and no other of the batch */
    } shared;
};

/* Returns when each task is settled, or at once after a halt. */
void rebalance_batch_run_blocking(struct rebalance_batch *batch, struct token_bucket *bucket);

#endif /* HEARTH_COORDINATOR_REBALANCE_REBALANCE_BATCH_H */
