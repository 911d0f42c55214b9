/*
 * rate_limit.h - --bwlimit: all transfers of a run together move at most so many bytes a second.
 *
 * A token bucket, kept as the time at which it will be empty of debt: who takes bytes pushes that
 * time on and waits for it.  A pause is not saved up for longer than RATE_LIMIT_BURST_MS.
 *
 *   rate_limit_take: pure arithmetic        rate_limit_pass: any thread, waits
 */
#ifndef HEARTH_TOOLS_RATE_LIMIT_H
#define HEARTH_TOOLS_RATE_LIMIT_H

#include "common/env.h"
#include "common/err.h"

#include <pthread.h>
#include <stdatomic.h>

#define RATE_LIMIT_MAX (UINT64_C(16) << 30) /* bytes a second: more is no limit, and overflows */

enum { RATE_LIMIT_BURST_MS = 200, RATE_LIMIT_TAKE_MAX = 1 << 26 };

/* All at zero but the rate. */
struct rate_bucket {
    uint64_t bytes_per_s; /* 1 to RATE_LIMIT_MAX */
    uint64_t even_ns;     /* when what was taken so far is paid for */
};

/* Takes up to RATE_LIMIT_TAKE_MAX bytes at a moment that never goes back; how long the taker is to
 * wait. */
uint64_t rate_bucket_take(struct rate_bucket *bucket, uint64_t now_ns, uint64_t bytes);

/* Bytes after which somebody who waits should look up again: a tenth of a second's worth. */
uint64_t rate_bucket_step(const struct rate_bucket *bucket);

struct rate_limit;

/* 0: no limit, which is NULL. */
struct rate_limit *rate_limit_create(struct env *env, uint64_t bytes_per_s);
void rate_limit_destroy(struct rate_limit *limit); /* accepts NULL */

/* At most `size`, and no more than should pass at once. limit NULL: `size`. */
uint64_t rate_limit_portion(const struct rate_limit *limit, uint64_t size);

/* Returns when so many bytes may have passed; at once with limit NULL.  HEARTH_CANCELLED: within a
 * tenth of a second of the flag. */
enum hearth_code rate_limit_pass(
    struct rate_limit *limit, uint64_t bytes, const atomic_bool *cancel, struct hearth_err *err);

#endif /* HEARTH_TOOLS_RATE_LIMIT_H */
