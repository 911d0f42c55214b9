/*
 * audit_pace.h - whose turn it is: what each node is owed, and when that is enough.
 *
 *   time x rate --> owed --reaches a random mark--> one audit; a new mark
 *
 * Marks are exponential with mean 1, cut at 3: when a node is asked next does not follow from when
 * it was asked last.
 *
 * Thread-safety: none; audit.c has the lock.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_PACE_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_PACE_H

#include "coordinator/audit/audit_sample.h"
#include "coordinator/fleet/fleet_view.h"
#include "coordinator/meta/meta_audit.h"

enum {
    AUDIT_PACE_AHEAD_MS = 10 * 60 * 1000,    /* samples are drawn for what falls due until then */
    AUDIT_REPORTED_MS = 24 * 60 * 60 * 1000, /* a reader's word raises the rate for so long */
};

struct audit_pace_node {
    bool answers;
    double per_week;
    double owed;
    double mark;
    uint64_t counted_ms; /* 0: it was never seen */
    uint64_t reported_ms;
    unsigned contained;
    unsigned requested; /* by hand */
};

struct audit_pace {
    struct env *env;
    struct audit_pace_node *nodes; /* nodes[i] is number i + 1 */
    size_t count;
};

void audit_pace_init(struct audit_pace *pace, struct env *env);
void audit_pace_fini(struct audit_pace *pace);

/* The fleet as a pass begins, and what is thought of it. False: out of memory. */
bool audit_pace_update(struct audit_pace *pace, const struct fleet_view *fleet,
    const struct meta_audit_nodes *scores, uint64_t floor_per_week, uint64_t now_ms);

/* How many picks of whom; room for pace->count. */
size_t audit_pace_quotas(const struct audit_pace *pace, struct audit_quota *out);

/* NULL: not seen yet. */
struct audit_pace_node *audit_pace_find(const struct audit_pace *pace, uint32_t node);

/* Owed by now, and reached its mark. */
bool audit_pace_is_due(const struct audit_pace_node *node, uint64_t now_ms);

/* How long until the next round of audits, with a mean of `mean_ms`: as unforeseeable as who is
 * asked in it, or else they would all fall on the beat of a clock. */
uint64_t audit_pace_pause_ms(struct env *env, uint64_t mean_ms);

/* One that was due is asked. */
void audit_pace_asked(struct audit_pace *pace, struct audit_pace_node *node, uint64_t now_ms);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_PACE_H */
