/*
 * rate_limit.h - --bwlimit: all transfers of a run together move at most so many bytes a second.
 *
 * A token bucket (common/token_bucket.h) that all share: who takes bytes owes them at once, and
 * waits until they are paid for.
 *
 * Thread-safety: any thread; rate_limit_pass waits.
 */
#ifndef HEARTH_TOOLS_RATE_LIMIT_H
#define HEARTH_TOOLS_RATE_LIMIT_H

#include "common/env.h"
#include "common/err.h"
#include "common/token_bucket.h"

#include <pthread.h>
#include <stdatomic.h>

struct rate_limit;

/* At most TOKEN_RATE_MAX; 0: no limit, which is NULL. */
struct rate_limit *rate_limit_create(struct env *env, uint64_t bytes_per_s);
void rate_limit_destroy(struct rate_limit *limit); /* accepts NULL */

/* At most `size`, and no more than should pass at once. limit NULL: `size`. */
uint64_t rate_limit_portion(const struct rate_limit *limit, uint64_t size);

/* Takes up to a portion; how long the taker is to wait now. */
uint64_t rate_limit_take(struct rate_limit *limit, uint64_t bytes);

/* Returns when so many bytes may have passed; at once with limit NULL.  HEARTH_CANCELLED: within a
 * tenth of a second of the flag. */
enum hearth_code rate_limit_pass(
    struct rate_limit *limit, uint64_t bytes, const atomic_bool *cancel, struct hearth_err *err);

#endif /* HEARTH_TOOLS_RATE_LIMIT_H */
