/*
 * server.h - the coordinator at work: ports open, duties running.
 *
 *   start: dialler --> duties --> RPC port --> enrolment port(s)
 *   stop:  the other way round; calls under way get a moment to end
 *
 * Thread-safety: start and stop from one thread.
 */
#ifndef HEARTH_COORDINATOR_SERVER_H
#define HEARTH_COORDINATOR_SERVER_H

#include "coordinator/coordinator.h"

struct server;

/* The coordinator is borrowed until stop. HEARTH_EXISTS: a port is in use. */
enum hearth_code server_start(
    struct coordinator *coordinator, struct server **out, struct hearth_err *err);

/* Of the first address each: what port 0 became. */
unsigned server_port(const struct server *server);
unsigned server_enrolment_port(const struct server *server);
unsigned server_admin_port(const struct server *server); /* 0: there is none */

/* Refuses what is new, lets what runs come to its end for a few seconds. Accepts NULL. */
void server_stop_blocking(struct server *server);

#endif /* HEARTH_COORDINATOR_SERVER_H */
