/*
 * wire_audit.h - messages about audits, for the operator.  As wire_messages.h says; their tables
 * are in wire_audit.c.
 */
#ifndef HEARTH_PROTO_WIRE_AUDIT_H
#define HEARTH_PROTO_WIRE_AUDIT_H

#include "proto/evidence_format.h"
#include "proto/wire_messages.h"

enum { WIRE_EVIDENCE_MAX = 8 }; /* records in one answer */

struct wire_audit_node {
    uint32_t number;
    struct view node_id;
    struct view owner;
    struct view state; /* node_health_text() of the coordinator */
    uint32_t score_ppm;
    uint32_t trouble_ppm;
    uint64_t passes;
    uint64_t fails;
    uint64_t contained;
    uint64_t offline;
    uint64_t unknown;
    uint32_t contained_now;
    uint64_t streak;
    uint64_t streak_needed;
    uint64_t suspended_unix_ms;
    uint64_t last_unix_ms;
    uint64_t per_week_milli;
    uint32_t requested;
};

struct wire_audit_request {
    uint32_t cells;
    struct view node_id; /* empty: each */
};

struct wire_audit_reply {
    const struct wire_audit_node *nodes;
    size_t nodes_count;
    uint64_t passes_day;
    uint64_t fails_day;
    uint64_t contained_day;
    uint64_t offline_day;
    uint64_t unknown_day;
    uint64_t first_waiting;
    uint64_t first_overdue;
};

struct wire_audit_evidence_request {
    struct view node_id; /* empty: all */
    uint32_t skip;
};

struct wire_evidence_info {
    uint32_t node;
    uint64_t judged_unix_ms;
    struct view id;
    struct view record; /* evidence_format.h */
};

struct wire_audit_evidence_reply {
    const struct wire_evidence_info *evidence;
    size_t evidence_count;
    bool is_all;
};

#endif /* HEARTH_PROTO_WIRE_AUDIT_H */
