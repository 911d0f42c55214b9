/*
 * recode_set.h - which segments of one bucket are to get another code, and what that takes.
 *
 * A segment may be shared, for copies name it too: it gets another code only when nobody but its
 * bucket's objects and uploads name it, so that no other bucket loses what its profile promises.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_RECODE_SET_H
#define HEARTH_COORDINATOR_REBALANCE_RECODE_SET_H

#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_segment.h"

struct recode_set {
    const struct profile *profile; /* that they are to get */
    struct meta_id bucket;
};

/* HEARTH_CANCELLED: the bucket is gone, or has another profile by now. */
enum hearth_code recode_set_open(struct meta_store *store, struct view bucket, uint32_t profile,
    struct recode_set *out, struct hearth_err *err);

/* Segments that follow one another by id, and which other buckets name them. */
struct recode_page {
    struct meta_segment segments[META_SWEEP_MAX];
    size_t count; /* fewer than META_SWEEP_MAX: the last of them */
    struct meta_share shares[META_SHARES_MAX];
    size_t share_count;
};

/* Those after `after`. */
enum hearth_code recode_page_read(struct meta_store *store, struct meta_id after,
    struct recode_page *out, struct hearth_err *err);

enum recode_verdict {
    RECODE_NOT, /* not the bucket's, not wanted any more, or it has that code already */
    RECODE_SHARED,
    RECODE_WANTED,
};

enum recode_verdict recode_judge(
    const struct recode_set *set, const struct recode_page *page, size_t index);

/* What coding it anew costs and changes, in bytes of shards. */
struct recode_cost {
    uint64_t moved; /* k shards read, n written */
    uint64_t disk_before;
    uint64_t disk_after;
    uint64_t shard_after;
};

/* HEARTH_INVALID: no segment is that long. */
enum hearth_code recode_cost_of(const struct profile *profile, const struct meta_segment *segment,
    struct recode_cost *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_RECODE_SET_H */
