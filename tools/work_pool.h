/*
 * work_pool.h - a few threads that take jobs from a short queue.
 *
 *   create --> submit (waits while the queue is full) ... --> finish (waits for all of them)
 *
 * Thread-safety: one thread creates, submits and finishes.
 */
#ifndef HEARTH_TOOLS_WORK_POOL_H
#define HEARTH_TOOLS_WORK_POOL_H

#include "common/cleanup.h"
#include "common/err.h"

#include <stdbool.h>

enum { WORK_POOL_THREADS_MAX = 64 };

struct work_pool;

/* Runs on a thread of the pool, and owns the job from then on. */
typedef void work_pool_run_fn(void *context, void *job TAKES);

enum hearth_code work_pool_create(unsigned threads, work_pool_run_fn *run, void *context,
    struct work_pool **out, struct hearth_err *err);

/* Each job runs exactly once. Twice as many as threads may wait; then this call waits. */
void work_pool_submit(struct work_pool *pool, void *job TAKES);

/* Waits until every job has run. Accepts NULL. */
void work_pool_finish(struct work_pool *pool);

#endif /* HEARTH_TOOLS_WORK_POOL_H */
