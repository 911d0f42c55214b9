/*
 * shard_pace.h - how long we wait for a peer: patience that is earned by bytes.
 *
 * A request holds one of few places, so a peer that drips must lose it, and a slow home line must
 * not.  Each byte that moves buys waiting time; waiting spends it.  Only the time in which it is
 * the peer's turn counts, never our disk's.
 *
 *   begin --> wait --> moved(bytes) --> wait ... --> end
 *              \-> patience is used up: late(), once
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_SHARD_PACE_H
#define HEARTH_STORAGED_SHARD_PACE_H

#include "storaged/loop.h"

enum {
    /*
     * At once, and at most between two messages.  Less, and a cell of 64 KiB over a home's uplink
     * shared by forty shards does not arrive in time; more, and dead peers hold places for long.
     */
    SHARD_PATIENCE_MS = 60000,
    /* Slower than this on average and a 2 MiB shard would outlive its order several times over. */
    SHARD_BYTES_PER_S_MIN = 1024,
};

struct shard_pace {
    struct loop *loop;
    void (*late)(struct shard_pace *pace);
    struct timer timer;
    uint64_t patience_ns; /* left, in all */
    uint64_t waiting_since_ns;
};

void shard_pace_begin(
    struct shard_pace *pace, struct loop *loop, void (*late)(struct shard_pace *pace));

/* It is the peer's turn. late() follows unless moved() or end() comes first. */
void shard_pace_wait(struct shard_pace *pace);

/* The peer did its part. */
void shard_pace_moved(struct shard_pace *pace, uint64_t bytes);

/* late() will not come any more. Any number of times. */
void shard_pace_end(struct shard_pace *pace);

#endif /* HEARTH_STORAGED_SHARD_PACE_H */
