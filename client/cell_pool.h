/*
 * cell_pool.h - memory of stripes, used again by the next ones.
 *
 * Fresh memory costs the kernel's clearing of each page: 6 % of a put's CPU, measured.  A buf that
 * is given back may still be held by the network; it is used again when it no longer is.  What is
 * taken and what waits are bounded together, so that waiting memory never adds to a put's share.
 *
 * Thread-safety: one transfer's; only reference counts are looked at across threads.
 */
#ifndef HEARTH_CLIENT_CELL_POOL_H
#define HEARTH_CLIENT_CELL_POOL_H

#include "common/buf.h"

struct cell_pool {
    size_t bytes_max; /* taken and waiting; beyond it what waits is freed */
    size_t taken;
    size_t bytes; /* that wait */
    unsigned count;
    unsigned capacity;
    struct buf **bufs;
};

void cell_pool_init(struct cell_pool *pool, size_t bytes_max);
void cell_pool_fini(struct cell_pool *pool);

/* From now on another most; what waits beyond it is freed. */
void cell_pool_limit(struct cell_pool *pool, size_t bytes_max);

/* A buf of exactly this capacity and size, the caller's alone, its bytes undefined.  NULL: out of
 * memory. */
struct buf *cell_pool_take(struct cell_pool *pool, size_t size);

/* Takes the caller's reference; others may still hold theirs. */
void cell_pool_give(struct cell_pool *pool, struct buf *buf TAKES);

#endif /* HEARTH_CLIENT_CELL_POOL_H */
