/*
 * admin_port.h - the port for machines of the operator's own: /metrics, /health/live,
 * /health/ready.
 *
 * Asks for no signature, changes nothing, and names no customer and no owner.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ADMIN_PORT_H
#define HEARTH_COORDINATOR_SERVICE_ADMIN_PORT_H

#include "coordinator/coordinator.h"

struct http_server;

/* As the settings say; *out NULL: nowhere. */
enum hearth_code admin_port_start(
    struct coordinator *coordinator, struct http_server **out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_ADMIN_PORT_H */
