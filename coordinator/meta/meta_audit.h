/*
 * meta_audit.h - what audits brought, kept: scores, cells to be asked for again, evidence.
 *
 *   judged outside --meta_audit_record--> in one transaction: the place looked at once more, then
 *                                         score, cell contained or let go, shard passed or damaged,
 *                                         evidence, node suspended or back
 *
 * What was judged while the segment changed is dropped there: nobody is convicted of what he need
 * not have any more.
 */
#ifndef HEARTH_COORDINATOR_META_META_AUDIT_H
#define HEARTH_COORDINATOR_META_META_AUDIT_H

#include "common/arena.h"
#include "coordinator/audit/audit_judge.h"
#include "coordinator/meta/meta_store.h"

enum {
    META_AUDIT_CONTAINED_MAX = 256, /* cells of one node; more are not remembered */
    META_AUDIT_EVIDENCE_MAX = 32,   /* records of one node; the oldest gives way */
    META_AUDIT_BATCH_MAX = 64,      /* results in one transaction */
};

/* A run of cells of one placement. */
struct meta_audit_cell {
    uint32_t node;
    struct meta_id segment;
    uint16_t slot;
    uint16_t p;
    uint32_t first;
    uint32_t count;
};

/* One that did not come. */
struct meta_audit_contained {
    struct meta_audit_cell cell;
    unsigned strikes;
    uint64_t since_ms;
    uint64_t due_ms;
    struct view log; /* of questions: evidence_format.h */
};

struct meta_audit_node {
    uint32_t node;
    struct audit_score score;
    unsigned contained;
};

struct meta_audit_nodes {
    const struct meta_audit_node *nodes; /* by number; those that were asked at least once */
    size_t count;
};

enum hearth_code meta_audit_nodes_get(struct meta_store *store, struct arena *arena,
    struct meta_audit_nodes *out, struct hearth_err *err);

/* Of the `max` contained cells of a node with the most strikes, of these the oldest, those that are
 * due. Logs are in the arena. */
enum hearth_code meta_audit_due(struct meta_store *store, uint32_t node, uint64_t now_ms,
    struct arena *arena, struct meta_audit_contained *out, size_t max, size_t *count,
    struct hearth_err *err);

/* Shards of a node with contained cells: only segment and slot are set. `out` has room for
 * META_AUDIT_CONTAINED_MAX. */
enum hearth_code meta_audit_contained_shards(struct meta_store *store, uint32_t node,
    struct meta_audit_cell *out, size_t *count, struct hearth_err *err);

/* What one question came to. */
struct meta_audit_result {
    struct meta_audit_cell cell;
    struct audit_verdict verdict;
    bool is_control;      /* asked beside a contained one: that it came says nothing of the rest */
    bool is_recheck;      /* it was contained before: otherwise what is known of it stays */
    unsigned strikes;     /* of a contained one, this visit's included */
    uint64_t due_ms;      /* of a contained one */
    struct view log;      /* of a contained one */
    struct view evidence; /* of a fail */
    /* out */
    bool is_dropped; /* the place had changed */
    bool is_damaged; /* noted so, and it was not before */
    bool has_fallen; /* by this its node is suspended */
    bool has_risen;  /* by this its node is back */
};

/* At most META_AUDIT_BATCH_MAX. */
enum hearth_code meta_audit_record(struct meta_store *store, struct meta_audit_result *results,
    size_t count, struct hearth_err *err);

struct meta_audit_evidence {
    uint32_t node;
    uint64_t judged_ms;
    struct meta_id id;
    enum audit_fault fault;
    struct view record;
};

/* Of a node (0: of all), by node and time, `skip` of the first left out; at most `max`. Memory from
 * the arena. */
enum hearth_code meta_audit_evidence_get(struct meta_store *store, uint32_t node, uint32_t skip,
    struct arena *arena, struct meta_audit_evidence *out, size_t max, size_t *count,
    struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_AUDIT_H */
