#include "storaged/volume_clock.h"

enum {
    /*
     * Too low: a heartbeat reply that travelled slowly counts as a jump.
     * Too high: a clock that is being corrected does not.
     */
    JUMP_MS = 60 * 1000,
    STEADY_MS = 3600 * 1000,
};

uint64_t volume_clock_now(const struct volume_clock *clock, struct env *env)
{
    return clock->is_known
        ? clock->learnt_unix_ms + (env_now_ns(env) - clock->learnt_at_ns) / 1000000
        : 0;
}

void volume_clock_saw(struct volume_clock *clock, uint64_t unix_ms)
{
    if (unix_ms > clock->newest_unix_ms) {
        clock->newest_unix_ms = unix_ms;
    }
}

void volume_clock_learn(struct volume_clock *clock, struct env *env, uint64_t unix_ms)
{
    uint64_t expected = volume_clock_now(clock, env);
    uint64_t off = expected > unix_ms ? expected - unix_ms : unix_ms - expected;
    if (!clock->is_known || off > JUMP_MS) {
        clock->steady_since_ns = env_now_ns(env);
    }
    clock->is_known = true;
    clock->learnt_unix_ms = unix_ms;
    clock->learnt_at_ns = env_now_ns(env);
    volume_clock_saw(clock, unix_ms);
}

bool volume_clock_may_purge(const struct volume_clock *clock, struct env *env)
{
    return clock->is_known &&
        env_now_ns(env) - clock->steady_since_ns >= STEADY_MS * UINT64_C(1000000) &&
        volume_clock_now(clock, env) >= clock->newest_unix_ms;
}
