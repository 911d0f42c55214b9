/*
 * audit_visit.h - one question of an audit: prepared, asked, weighed.
 *
 *   cell --prepare: row read, order made--> ask --> answer
 *        --weigh: row read again, witnesses--> audit_judge --> result, and evidence of a fail
 *
 * Thread-safety: the one thread of the duty.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_VISIT_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_VISIT_H

#include "coordinator/audit/audit_ask.h"
#include "coordinator/coordinator.h"
#include "coordinator/meta/meta_audit.h"
#include "coordinator/meta/meta_segment.h"
#include "proto/evidence_format.h"

/* How an auditor asks; borrowed by each visit. */
struct audit_asker {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct view session_id;
    struct audit_shapes *shapes;
    uint64_t patience_ms;
    uint64_t recheck_ms;
};

struct audit_visit {
    struct meta_audit_cell
        cell; /* count 0: a run around stripe `first` is drawn; p 0: whoever holds it */
    enum evidence_role role;    /* CELL: for its own sake; BEFORE: before a contained one */
    bool is_contained;          /* it was asked for before, in vain */
    unsigned strikes;           /* so far */
    struct view log;            /* of questions so far; in the arena of the batch */
    struct audit_visit *before; /* of a contained one, or one before it: what goes before; NULL */
    const struct audit_visit *like; /* BEFORE: the contained one, whose run it is to have; NULL */

    bool is_tip;  /* a reader named it */
    bool is_void; /* its place had changed before it was asked for */
    struct meta_segment segment;
    struct audit_ask ask;
    struct audit_ask again;
    struct audit_case audit;
    struct audit_verdict verdict;
    uint64_t asked_ms; /* by the coordinator's clock */
};

/* Reads the segment and makes the order; is_void when there is nothing to ask for any more. */
enum hearth_code audit_visit_prepare(struct audit_visit *visit, const struct audit_asker *asker,
    struct arena *arena, struct hearth_err *err);

/* What was asked last before this one, of those that were; NULL: nothing. */
const struct audit_visit *audit_visit_lead(const struct audit_visit *visit);

/* The same question once more, with an order of its own: visit->again is ready to be asked. */
enum hearth_code audit_visit_prepare_again(struct audit_visit *visit,
    const struct audit_asker *asker, struct arena *arena, struct hearth_err *err);

/* After the answers: reads the row again, asks witnesses if it takes them, judges. */
enum hearth_code audit_visit_weigh_blocking(struct audit_visit *visit,
    const struct audit_asker *asker, bool is_auditor_doubted, struct arena *arena,
    struct hearth_err *err);

/* For meta_audit_record(); bytes are in the arena. */
enum hearth_code audit_visit_result(const struct audit_visit *visit,
    const struct audit_asker *asker, struct arena *arena, struct meta_audit_result *out,
    struct hearth_err *err);

void audit_visit_fini(struct audit_visit *visit);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_VISIT_H */
