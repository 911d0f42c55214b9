#include "tools/rate_limit.h"

#include "common/cleanup.h"

#include <stdbool.h>
#include <time.h>

enum { MS = 1000000, SECOND = 1000 * MS, CANCEL_LOOK_NS = 100 * MS };

struct rate_limit {
    struct env *env; /* set once */
    struct {
        pthread_mutex_t mutex; /* a leaf */
        struct rate_bucket bucket;
    } shared;
};

/* ---- arithmetic ---- */

static_assert(RATE_LIMIT_MAX < UINT64_MAX / SECOND, "a remainder of bytes fits as nanoseconds");

static uint64_t time_of(uint64_t bytes, uint64_t bytes_per_s)
{
    return bytes / bytes_per_s * SECOND + bytes % bytes_per_s * SECOND / bytes_per_s;
}

uint64_t rate_bucket_take(struct rate_bucket *bucket, uint64_t now_ns, uint64_t bytes)
{
    assert(bucket->bytes_per_s > 0 && bucket->bytes_per_s <= RATE_LIMIT_MAX);
    assert(bytes <= RATE_LIMIT_TAKE_MAX);
    uint64_t burst_ns = RATE_LIMIT_BURST_MS * (uint64_t)MS;
    uint64_t earliest_ns = now_ns > burst_ns ? now_ns - burst_ns : 0;
    if (bucket->even_ns < earliest_ns) {
        bucket->even_ns = earliest_ns;
    }
    bucket->even_ns += time_of(bytes, bucket->bytes_per_s);
    return bucket->even_ns > now_ns ? bucket->even_ns - now_ns : 0;
}

uint64_t rate_bucket_step(const struct rate_bucket *bucket)
{
    uint64_t step = bucket->bytes_per_s / 10;
    return step == 0 ? 1 : step < RATE_LIMIT_TAKE_MAX ? step : RATE_LIMIT_TAKE_MAX;
}

/* ---- for transfers ---- */

struct rate_limit *rate_limit_create(struct env *env, uint64_t bytes_per_s)
{
    if (bytes_per_s == 0) {
        return NULL;
    }
    struct rate_limit *limit = calloc(1, sizeof(*limit));
    assert(limit != NULL);
    limit->env = env;
    limit->shared.bucket.bytes_per_s = bytes_per_s;
    pthread_mutex_init(&limit->shared.mutex, NULL);
    return limit;
}

void rate_limit_destroy(struct rate_limit *limit)
{
    if (limit != NULL) {
        pthread_mutex_destroy(&limit->shared.mutex);
        free(limit);
    }
}

uint64_t rate_limit_portion(const struct rate_limit *limit, uint64_t size)
{
    /* The rate never changes, so it may be read without the lock. */
    uint64_t step = limit == NULL ? size : rate_bucket_step(&limit->shared.bucket);
    return size < step ? size : step;
}

static uint64_t take(struct rate_limit *limit, uint64_t bytes)
{
    UNLOCKS pthread_mutex_t *held = lock(&limit->shared.mutex);
    return rate_bucket_take(&limit->shared.bucket, env_now_ns(limit->env), bytes);
}

static enum hearth_code wait(uint64_t ns, const atomic_bool *cancel, struct hearth_err *err)
{
    while (ns > 0) {
        if (cancel != NULL && atomic_load(cancel)) {
            return hearth_fail(err, HEARTH_CANCELLED, "interrupted");
        }
        uint64_t part = ns < CANCEL_LOOK_NS ? ns : CANCEL_LOOK_NS;
        nanosleep(&(struct timespec){.tv_nsec = (long)part}, NULL);
        ns -= part;
    }
    return HEARTH_OK;
}

enum hearth_code rate_limit_pass(
    struct rate_limit *limit, uint64_t bytes, const atomic_bool *cancel, struct hearth_err *err)
{
    while (limit != NULL && bytes > 0) {
        uint64_t part = rate_limit_portion(limit, bytes);
        if (wait(take(limit, part), cancel, err) != HEARTH_OK) {
            return err->code;
        }
        bytes -= part;
    }
    return HEARTH_OK;
}
