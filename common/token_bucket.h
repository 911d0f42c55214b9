/*
 * token_bucket.h - how many bytes may pass by now, at a rate and with a burst: arithmetic alone.
 *
 *   level, at most the burst ----- refilled by the clock: rate bytes a second
 *     |                            taken by what passes, also below zero
 *     v
 *   above zero: the next may pass, however large.  Otherwise it waits for token_bucket_wait_ns().
 *
 * What passes is subtracted whole, so that over any time t no more than rate x t + burst + one
 * message passes.  Nothing is rounded away: what the clock has not yet made a whole byte is kept.
 */
#ifndef HEARTH_COMMON_TOKEN_BUCKET_H
#define HEARTH_COMMON_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /*
     * What may pass at once after a pause, in time at the rate.  Less, and the loop's timers wake
     * for single cells; more, and a line that is to be left alone is not, for as long as this.
     */
    TOKEN_BURST_MS = 100,
};

/* Beyond this a rate is none: 1 TiB/s. */
#define TOKEN_RATE_MAX (UINT64_C(1) << 40)

struct token_bucket {
    uint64_t rate; /* bytes a second; 0: everything passes */
    int64_t level;
    uint64_t part; /* of a byte, in billionths */
    uint64_t at_ns;
};

/* Full. */
void token_bucket_init(struct token_bucket *bucket, uint64_t rate, uint64_t now_ns);

/* From now on. What is owed stays owed, unless there is no limit any more. */
void token_bucket_set_rate(struct token_bucket *bucket, uint64_t rate, uint64_t now_ns);

/* 0: the next may pass now. */
uint64_t token_bucket_wait_ns(struct token_bucket *bucket, uint64_t now_ns);

/* `size` bytes pass, or, when negative, did not after all; more than a burst is never given back.
 */
void token_bucket_take(struct token_bucket *bucket, int64_t size);

#endif /* HEARTH_COMMON_TOKEN_BUCKET_H */
