#include "common/token_bucket.h"

#include <assert.h>

static const uint64_t ns_per_s = 1000000000;

static int64_t burst_of(uint64_t rate)
{
    return (int64_t)(rate * TOKEN_BURST_MS / 1000) + 1;
}

/* The clock's part.  In 128 bits: 2^40 bytes a second for as many years as a machine lives. */
static void refill(struct token_bucket *bucket, uint64_t now_ns)
{
    assert(now_ns >= bucket->at_ns);
    __extension__ typedef unsigned __int128 wide;
    wide billionths = (wide)(now_ns - bucket->at_ns) * bucket->rate + bucket->part;
    wide bytes = billionths / ns_per_s;
    int64_t burst = burst_of(bucket->rate);
    bucket->at_ns = now_ns;
    if (bytes >= (wide)(burst - bucket->level)) {
        bucket->level = burst;
        bucket->part = 0;
    } else {
        bucket->level += (int64_t)bytes;
        bucket->part = (uint64_t)(billionths % ns_per_s);
    }
}

void token_bucket_init(struct token_bucket *bucket, uint64_t rate, uint64_t now_ns)
{
    assert(rate <= TOKEN_RATE_MAX);
    *bucket = (struct token_bucket){.rate = rate, .level = burst_of(rate), .at_ns = now_ns};
}

void token_bucket_set_rate(struct token_bucket *bucket, uint64_t rate, uint64_t now_ns)
{
    assert(rate <= TOKEN_RATE_MAX);
    refill(bucket, now_ns);
    bucket->rate = rate;
    if (rate == 0 || bucket->level > burst_of(rate)) {
        bucket->level = burst_of(rate);
    }
}

uint64_t token_bucket_wait_ns(struct token_bucket *bucket, uint64_t now_ns)
{
    if (bucket->rate == 0) {
        return 0;
    }
    refill(bucket, now_ns);
    if (bucket->level > 0) {
        return 0;
    }
    __extension__ typedef unsigned __int128 wide;
    wide missing = (wide)(1 - bucket->level) * ns_per_s - bucket->part;
    return (uint64_t)((missing + bucket->rate - 1) / bucket->rate);
}

void token_bucket_take(struct token_bucket *bucket, int64_t size)
{
    int64_t burst = burst_of(bucket->rate);
    if (bucket->rate != 0) {
        bucket->level = bucket->level - size < burst ? bucket->level - size : burst;
    }
}
