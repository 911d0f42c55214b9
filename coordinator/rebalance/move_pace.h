/*
 * move_pace.h - how fast the bytes of a plan's moves may pass, all of them together.
 *
 *   move_pace_wait_ns: may another move begin?     move_pace_pass_ns: after each cell, a rest
 *
 * What is read back to be sure is not counted.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_MOVE_PACE_H
#define HEARTH_COORDINATOR_REBALANCE_MOVE_PACE_H

#include "common/env.h"
#include "common/token_bucket.h"

#include <pthread.h>

/* One move rests no longer than that in all, for orders last ten minutes; what it took too much the
 * next one waits for. */
enum { MOVE_REST_MS = 4 * 60 * 1000 };

struct move_pace {
    struct env *env;
    unsigned lanes; /* moves at once */
    struct {
        pthread_mutex_t mutex;
        struct token_bucket *bucket;
    } shared;
};

/* The bucket is borrowed until move_pace_fini(). */
void move_pace_init(
    struct move_pace *pace, struct env *env, unsigned lanes, struct token_bucket *bucket);
void move_pace_fini(struct move_pace *pace);

/* 0: a move may begin. */
uint64_t move_pace_wait_ns(struct move_pace *pace);

/* So many bytes passed, or will: how long to rest.  `rested_ns` of the move is counted on.
 * pace NULL: there is no limit. */
uint64_t move_pace_pass_ns(struct move_pace *pace, uint64_t bytes, uint64_t *rested_ns);

/* Bytes a second for one move of `size` that somebody else carries out; 0: no limit. */
uint64_t move_pace_rate(struct move_pace *pace, uint64_t size);

#endif /* HEARTH_COORDINATOR_REBALANCE_MOVE_PACE_H */
