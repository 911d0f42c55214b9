#include "coordinator/estimate/estimate_buckets.h"

#include <assert.h>
#include <stdlib.h>

enum { PLACES = 4096 };
static_assert((int)ESTIMATE_BUCKETS_MAX < (int)PLACES, "there is always an empty place");

struct place {
    bool is_taken;
    struct estimate_bucket bucket;
};

/* A bucket is at the place its id names, or at the next that is empty. */
struct estimate_buckets {
    size_t count;
    struct place places[PLACES];
};

struct estimate_buckets *estimate_buckets_create(void)
{
    return calloc(1, sizeof(struct estimate_buckets));
}

void estimate_buckets_destroy(struct estimate_buckets *buckets)
{
    free(buckets);
}

void estimate_buckets_clear(struct estimate_buckets *buckets)
{
    memset(buckets, 0, sizeof(*buckets));
}

/* Ids are drawn at random; the first bytes are as good as any. */
static struct place *find(struct estimate_buckets *buckets, struct meta_id id)
{
    size_t at = (size_t)(id.bytes[0] << 8 | id.bytes[1]) % PLACES;
    while (buckets->places[at].is_taken && !meta_id_equal(buckets->places[at].bucket.bucket, id)) {
        at = (at + 1) % PLACES;
    }
    return &buckets->places[at];
}

struct estimate_sum *estimate_buckets_of(struct estimate_buckets *buckets, struct meta_id bucket)
{
    struct place *place = find(buckets, bucket);
    if (!place->is_taken) {
        if (buckets->count == ESTIMATE_BUCKETS_MAX) {
            return NULL;
        }
        buckets->count++;
        *place = (struct place){.is_taken = true, .bucket = {.bucket = bucket}};
    }
    return &place->bucket.sum;
}

/* Into what is sorted already; the last one falls off when there are `max`. */
static size_t insert(
    struct estimate_bucket *sorted, size_t count, size_t max, const struct estimate_bucket *bucket)
{
    size_t at = count < max ? count : max - 1;
    if (count == max && sorted[at].sum.worst_lost >= bucket->sum.worst_lost) {
        return count;
    }
    while (at > 0 && sorted[at - 1].sum.worst_lost < bucket->sum.worst_lost) {
        sorted[at] = sorted[at - 1];
        at--;
    }
    sorted[at] = *bucket;
    return count < max ? count + 1 : max;
}

size_t estimate_buckets_worst(
    const struct estimate_buckets *buckets, struct estimate_bucket *out, size_t max)
{
    size_t count = 0;
    assert(max > 0);
    for (size_t i = 0; i < PLACES; i++) {
        if (buckets->places[i].is_taken) {
            count = insert(out, count, max, &buckets->places[i].bucket);
        }
    }
    return count;
}
