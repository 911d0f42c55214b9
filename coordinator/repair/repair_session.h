/*
 * repair_session.h - repair towards nodes: the net, and a session certificate like anybody's, so
 * that a node cannot tell a repair from a reader.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_SESSION_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_SESSION_H

#include "coordinator/repair/repair.h"
#include "proto/rpc_runtime.h"

struct repair_session {
    struct coordinator *coordinator;
    struct shard_net *net;
    struct pki_key *key;
    uint8_t id[PKI_ID_SIZE];
    uint64_t issued_ms; /* by the coordinator's clock */
};

/* coordinator->repair speaks to nodes with it from then on. */
enum hearth_code repair_session_open(struct coordinator *coordinator, struct rpc_runtime *runtime,
    struct repair_session *out, struct hearth_err *err);

/* Accepts a zeroed one. No round may run. */
void repair_session_close(struct repair_session *session);

/* A duty_fn; context is the struct repair_session.  Renews the certificate in time, then a round
 * of repair. */
void repair_session_round(struct duty *duty, void *context);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_SESSION_H */
