/*
 * enrol_service.h - the coordinator behind the enrolment port: invitations used up, certificates
 * issued and renewed.
 *
 *   token --> meta_enrol: the node, or the grant, exists --> certificate
 *   no token --> known and not gone? ----------------------> certificate, also after the last one
 *                                                            expired
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ENROL_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_ENROL_SERVICE_H

#include "coordinator/coordinator.h"
#include "proto/enrol.h"

/* An enrol_handler; service is the struct coordinator. */
enum hearth_code enrol_service_handle(void *service, const struct enrol_caller *caller,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_ENROL_SERVICE_H */
