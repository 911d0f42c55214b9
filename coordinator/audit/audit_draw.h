/*
 * audit_draw.h - what one pass of the sweep drew: samples of nodes, first audits; and what of it
 * is used up.
 *
 * Thread-safety: none; the sweep's thread fills one while the duty uses another (audit.c).
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_DRAW_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_DRAW_H

#include "coordinator/audit/audit_fresh.h"
#include "coordinator/meta/meta_audit.h"

struct audit_draw {
    struct audit_sample *sample;
    struct audit_fresh fresh;
    uint64_t pass;   /* its number; 0: none */
    bool is_partial; /* some of the pass was not seen: no fair sample */
    size_t fresh_at; /* those before it were asked */
    unsigned *used;  /* picks used up, by node number - 1 */
    size_t used_count;
};

struct audit_draw *audit_draw_create(struct env *env); /* NULL: out of memory */
void audit_draw_destroy(struct audit_draw *draw);      /* accepts NULL */

/* A new pass over a fleet of `nodes` numbers. HEARTH_NO_MEMORY. */
enum hearth_code audit_draw_begin(struct audit_draw *draw, uint64_t pass, size_t nodes,
    const struct audit_quota *quotas, size_t count, struct hearth_err *err);

void audit_draw_page(
    struct audit_draw *draw, const struct meta_segment *segments, size_t count, uint64_t now_ms);

/* The pass is over. */
void audit_draw_end(struct audit_draw *draw);

/* The next pick of the node. count 0 says that the run is not drawn yet: `first` is the stripe.
 * False: all are used up. */
bool audit_draw_take(struct audit_draw *draw, uint32_t node, struct meta_audit_cell *out);

/* The next first audit, likewise. */
bool audit_draw_take_fresh(struct audit_draw *draw, struct meta_audit_cell *out);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_DRAW_H */
