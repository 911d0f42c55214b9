#include "coordinator/rebalance/move_pace.h"

#include "common/cleanup.h"

static const uint64_t rest_ns_max = UINT64_C(1000000) * MOVE_REST_MS;

void move_pace_init(
    struct move_pace *pace, struct env *env, unsigned lanes, struct token_bucket *bucket)
{
    *pace = (struct move_pace){.env = env, .lanes = lanes, .shared = {.bucket = bucket}};
    pthread_mutex_init(&pace->shared.mutex, NULL);
}

void move_pace_fini(struct move_pace *pace)
{
    pthread_mutex_destroy(&pace->shared.mutex);
}

uint64_t move_pace_wait_ns(struct move_pace *pace)
{
    UNLOCKS pthread_mutex_t *held = lock(&pace->shared.mutex);
    return token_bucket_wait_ns(pace->shared.bucket, env_now_ns(pace->env));
}

static uint64_t take(struct move_pace *pace, uint64_t bytes)
{
    UNLOCKS pthread_mutex_t *held = lock(&pace->shared.mutex);
    token_bucket_take(pace->shared.bucket, (int64_t)bytes);
    return token_bucket_wait_ns(pace->shared.bucket, env_now_ns(pace->env));
}

uint64_t move_pace_pass_ns(struct move_pace *pace, uint64_t bytes, uint64_t *rested_ns)
{
    uint64_t rest_ns = pace == NULL ? 0 : take(pace, bytes);
    if (rest_ns > rest_ns_max - *rested_ns) {
        rest_ns = rest_ns_max - *rested_ns;
    }
    *rested_ns += rest_ns;
    return rest_ns;
}

uint64_t move_pace_rate(struct move_pace *pace, uint64_t size)
{
    if (pace == NULL || pace->shared.bucket->rate == 0) {
        return 0;
    }
    const uint64_t share = pace->shared.bucket->rate / pace->lanes;
    const uint64_t least = size * 1000 / MOVE_REST_MS + 1;
    return share > least ? share : least;
}
