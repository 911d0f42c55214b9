/*
 * The tables of messages about audits, as in wire_messages.c.
 */
#include "proto/wire.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire_rows.h"

enum { MILLION = 1000000 };

static const struct wire_field audit_node_fields[] = {
    NUMBER(audit_node, number),
    ID(audit_node, node_id, 20),
    BYTES(audit_node, owner, WIRE_NAME_MAX),
    BYTES(audit_node, state, WIRE_NAME_MAX),
    NUMBER_TO(audit_node, score_ppm, MILLION),
    NUMBER_TO(audit_node, trouble_ppm, MILLION),
    NUMBER(audit_node, passes),
    NUMBER(audit_node, fails),
    NUMBER(audit_node, contained),
    NUMBER(audit_node, offline),
    NUMBER(audit_node, unknown),
    NUMBER(audit_node, contained_now),
    NUMBER(audit_node, streak),
    NUMBER(audit_node, streak_needed),
    NUMBER(audit_node, suspended_unix_ms),
    NUMBER(audit_node, last_unix_ms),
    NUMBER(audit_node, per_week_milli),
    NUMBER(audit_node, requested),
};
DESCRIBE(audit_node, audit_node_fields);

static const struct wire_field audit_request_fields[] = {
    NUMBER(audit_request, cells),
    ID_OR_NONE(audit_request, node_id, 20),
};
DESCRIBE(audit_request, audit_request_fields);

static const struct wire_field audit_reply_fields[] = {
    MESSAGES(audit_reply, nodes, audit_node, WIRE_NODES_MAX),
    NUMBER(audit_reply, passes_day),
    NUMBER(audit_reply, fails_day),
    NUMBER(audit_reply, contained_day),
    NUMBER(audit_reply, offline_day),
    NUMBER(audit_reply, unknown_day),
    NUMBER(audit_reply, first_waiting),
    NUMBER(audit_reply, first_overdue),
};
DESCRIBE(audit_reply, audit_reply_fields);

static const struct wire_field audit_evidence_request_fields[] = {
    ID_OR_NONE(audit_evidence_request, node_id, 20),
    NUMBER(audit_evidence_request, skip),
};
DESCRIBE(audit_evidence_request, audit_evidence_request_fields);

static const struct wire_field evidence_info_fields[] = {
    NUMBER(evidence_info, node),
    NUMBER(evidence_info, judged_unix_ms),
    ID(evidence_info, id, 16),
    BYTES(evidence_info, record, EVIDENCE_SIZE_MAX),
};
DESCRIBE(evidence_info, evidence_info_fields);

static const struct wire_field audit_evidence_reply_fields[] = {
    MESSAGES(audit_evidence_reply, evidence, evidence_info, WIRE_EVIDENCE_MAX),
    NUMBER(audit_evidence_reply, is_all),
};
DESCRIBE(audit_evidence_reply, audit_evidence_reply_fields);
