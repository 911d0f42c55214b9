/*
 * audit_session.h - audits towards nodes: a session certificate like anybody's, so that a node
 * cannot tell an auditor from a reader.
 *
 * It lasts for some hours, as a reader's does; then a new one with another id takes its place, over
 * connections of its own.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_SESSION_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_SESSION_H

#include "coordinator/audit/audit.h"
#include "proto/rpc_runtime.h"

struct audit_session {
    struct coordinator *coordinator;
    struct rpc_runtime *runtime;
    struct shard_net *net;
    uint8_t id[PKI_ID_SIZE];
    uint64_t turns_ms; /* by the coordinator's clock */
};

/* coordinator->audit asks nodes with it from then on. */
enum hearth_code audit_session_open(struct coordinator *coordinator, struct rpc_runtime *runtime,
    struct audit_session *out, struct hearth_err *err);

/* Accepts a zeroed one. No round may run. */
void audit_session_close(struct audit_session *session);

/* A duty_fn; context is the struct audit_session.  Another session when it is time, then a round.
 */
void audit_session_round(struct duty *duty, void *context);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_SESSION_H */
