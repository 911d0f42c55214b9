/*
 * audit_sample.h - which cells are asked for next: drawn while the sweep passes by.
 *
 *   begin(quotas: so many of each node) --> page, page ... --> picks, all of a node together
 *
 * Of each node a random sample, uniform over the bytes that it holds: a shard is drawn in
 * proportion to its size, no shard twice, and then a byte of it, which names the cell.  One pass, a
 * bounded memory, and chance only where the sample changes (weighted reservoir with exponential
 * jumps, Efraimidis and Spirakis): a shard that is passed over costs one subtraction.
 *
 * Chance is the env's, which is unpredictable: a node cannot know what it will be asked.
 *
 * Passed over: empty slots, damaged ones (repair has them), segments that nobody wants any more.
 *
 * Thread-safety: none; the sweep's thread, then whoever takes the picks.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_SAMPLE_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_SAMPLE_H

#include "common/env.h"
#include "coordinator/meta/meta_types.h"

enum {
    AUDIT_SAMPLE_MAX = 64 * 1024, /* picks of all nodes: 2 MiB; quotas beyond it are cut */
    AUDIT_SAMPLE_NODE_MAX = 64,   /* picks of one node */
    AUDIT_NODE_NUMBER_MAX = 1 << 24,
};

/* One cell of one shard at one node. */
struct audit_pick {
    struct meta_id segment;
    uint32_t node;
    uint16_t slot;
    uint16_t p;
    uint32_t stripe;
    double key; /* of the reservoir */
};

/* So many picks of a node are wanted. */
struct audit_quota {
    uint32_t node;
    unsigned picks;
};

struct audit_sample;

struct audit_sample *audit_sample_create(struct env *env); /* NULL: out of memory */
void audit_sample_destroy(struct audit_sample *sample);    /* accepts NULL */

/* Forgets what was drawn. Nodes not named give none. False: out of memory; then nobody gives any.
 */
bool audit_sample_begin(
    struct audit_sample *sample, const struct audit_quota *quotas, size_t count);

/* The next segments of a pass. */
void audit_sample_page(
    struct audit_sample *sample, const struct meta_segment *segments, size_t count);

/* What was drawn of a node, in no order; borrowed until begin. */
const struct audit_pick *audit_sample_of(
    const struct audit_sample *sample, uint32_t node, size_t *count);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_SAMPLE_H */
