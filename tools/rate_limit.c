#include "tools/rate_limit.h"

#include "common/cleanup.h"

#include <stdbool.h>
#include <time.h>

enum {
    CANCEL_LOOK_NS = 100 * 1000000,
    /* However fast: a caller's buffer, and a moment on any line. */
    PORTION_MAX = 1 << 26,
};

struct rate_limit {
    /* Set once. */
    struct env *env;
    uint64_t portion;
    struct {
        pthread_mutex_t mutex; /* a leaf */
        struct token_bucket bucket;
    } shared;
};

/* A tenth of a second's worth, so that who waits looks up now and then. */
static uint64_t portion_of(uint64_t bytes_per_s)
{
    uint64_t portion = bytes_per_s / 10;
    return portion == 0 ? 1 : portion < PORTION_MAX ? portion : PORTION_MAX;
}

struct rate_limit *rate_limit_create(struct env *env, uint64_t bytes_per_s)
{
    if (bytes_per_s == 0) {
        return NULL;
    }
    struct rate_limit *limit = calloc(1, sizeof(*limit));
    assert(limit != NULL);
    limit->env = env;
    limit->portion = portion_of(bytes_per_s);
    token_bucket_init(&limit->shared.bucket, bytes_per_s, env_now_ns(env));
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
    return limit == NULL || size < limit->portion ? size : limit->portion;
}

/* It is owed first and waited for afterwards: so everybody has a turn. */
uint64_t rate_limit_take(struct rate_limit *limit, uint64_t bytes)
{
    assert(bytes <= limit->portion);
    UNLOCKS pthread_mutex_t *held = lock(&limit->shared.mutex);
    uint64_t now_ns = env_now_ns(limit->env);
    token_bucket_wait_ns(&limit->shared.bucket, now_ns); /* brought up to now */
    token_bucket_take(&limit->shared.bucket, (int64_t)bytes);
    return token_bucket_wait_ns(&limit->shared.bucket, now_ns);
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
        if (wait(rate_limit_take(limit, part), cancel, err) != HEARTH_OK) {
            return err->code;
        }
        bytes -= part;
    }
    return HEARTH_OK;
}
