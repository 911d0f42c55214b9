/*
 * estimate_buckets.h - a sum for each bucket, of a bounded number of buckets.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_BUCKETS_H
#define HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_BUCKETS_H

#include "coordinator/estimate/estimate_sum.h"

enum { ESTIMATE_BUCKETS_MAX = 3000 }; /* what is met later is in no bucket's sum */

struct estimate_bucket {
    struct meta_id bucket;
    struct estimate_sum sum;
};

struct estimate_buckets;

/* Without buckets. NULL: out of memory. */
struct estimate_buckets *estimate_buckets_create(void);
void estimate_buckets_destroy(struct estimate_buckets *buckets); /* accepts NULL */

void estimate_buckets_clear(struct estimate_buckets *buckets);

/* Borrowed until clear. NULL: it is new, and there are ESTIMATE_BUCKETS_MAX. */
struct estimate_sum *estimate_buckets_of(struct estimate_buckets *buckets, struct meta_id bucket);

/* Those whose worst segment is most likely to be lost, worst first. Returns how many: <= max. */
size_t estimate_buckets_worst(
    const struct estimate_buckets *buckets, struct estimate_bucket *out, size_t max);

#endif /* HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_BUCKETS_H */
