#include "storaged/shard_pace.h"

#include <assert.h>
#include <stddef.h>

static const uint64_t ns_per_ms = 1000000;
static const uint64_t ns_per_byte = UINT64_C(1000000000) / SHARD_BYTES_PER_S_MIN;

static void run_out(struct timer *timer)
{
    struct shard_pace *pace =
        (struct shard_pace *)((char *)timer - offsetof(struct shard_pace, timer));
    pace->late(pace);
}

void shard_pace_begin(
    struct shard_pace *pace, struct loop *loop, void (*late)(struct shard_pace *pace))
{
    *pace = (struct shard_pace){
        .loop = loop,
        .late = late,
        .timer = {.run = run_out},
        .patience_ns = SHARD_PATIENCE_MS * ns_per_ms,
    };
}

void shard_pace_wait(struct shard_pace *pace)
{
    uint64_t most_ns = SHARD_PATIENCE_MS * ns_per_ms;
    pace->waiting_since_ns = env_now_ns(loop_env(pace->loop));
    uint64_t wait_ns = pace->patience_ns < most_ns ? pace->patience_ns : most_ns;
    loop_timer_set(pace->loop, &pace->timer, pace->waiting_since_ns + wait_ns);
}

void shard_pace_moved(struct shard_pace *pace, uint64_t bytes)
{
    uint64_t waited_ns = env_now_ns(loop_env(pace->loop)) - pace->waiting_since_ns;
    assert(bytes < UINT64_C(1) << 32);
    loop_timer_cancel(pace->loop, &pace->timer);
    pace->patience_ns -= waited_ns < pace->patience_ns ? waited_ns : pace->patience_ns;
    pace->patience_ns += bytes * ns_per_byte;
}

void shard_pace_end(struct shard_pace *pace)
{
    loop_timer_cancel(pace->loop, &pace->timer);
}
