/*
 * audit_fresh.h - shards that have never passed an audit, the oldest first, a bounded number.
 *
 * Each shard is asked for once within 72 hours of storing, whatever is drawn besides: what an
 * upload brought is known to be there before it is a matter of luck, and a tag that was wrong from
 * the start is laid to nobody's door (audit_judge.h).
 *
 * A segment that is young is left alone for a while: late receipts still fill its slots.
 *
 * Thread-safety: none; as audit_sample.h.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_FRESH_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_FRESH_H

#include "coordinator/audit/audit_sample.h"

enum {
    AUDIT_FRESH_MAX = 1024,           /* of one pass; the next pass finds the rest */
    AUDIT_FRESH_AFTER_MS = 60 * 1000, /* since it was sealed */
    AUDIT_FRESH_WITHIN_MS = 72 * 60 * 60 * 1000,
};

struct audit_fresh_shard {
    uint64_t sealed_ms;
    struct audit_pick pick; /* stripe drawn, key unused */
};

/* A heap with the youngest on top, so that it is the one to give way. */
struct audit_fresh {
    struct env *env;
    struct audit_fresh_shard *shards;
    size_t count;
    uint64_t waiting; /* all that were seen, in the heap or not */
    uint64_t overdue; /* of these: longer than AUDIT_FRESH_WITHIN_MS */
};

bool audit_fresh_init(struct audit_fresh *fresh, struct env *env); /* false: out of memory */
void audit_fresh_fini(struct audit_fresh *fresh);

void audit_fresh_begin(struct audit_fresh *fresh);
void audit_fresh_page(
    struct audit_fresh *fresh, const struct meta_segment *segments, size_t count, uint64_t now_ms);

/* Oldest first; only to be read until begin. */
void audit_fresh_sort(struct audit_fresh *fresh);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_FRESH_H */
