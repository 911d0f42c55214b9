/*
 * admin_service.h - the operator's hand: who it is, for all of its calls.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ADMIN_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_ADMIN_SERVICE_H

#include "coordinator/service/service.h"

/* The certificate says admin; this says that nobody has taken it back. May block. HEARTH_DENIED. */
enum hearth_code admin_check(
    struct coordinator *coordinator, const struct peer_identity *peer, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_ADMIN_SERVICE_H */
