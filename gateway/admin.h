/*
 * admin.h - the port for machines of the operator's own: /metrics, /health/live, /health/ready.
 *
 * Asks for no signature and says nothing that is a customer's.
 */
#ifndef HEARTH_GATEWAY_ADMIN_H
#define HEARTH_GATEWAY_ADMIN_H

#include "gateway/health.h"
#include "gateway/metrics.h"

enum { ADMIN_SERVERS_MAX = 8 };

struct admin {
    /* Set once; all are borrowed. */
    struct health *health;
    const struct metrics *metrics;
    unsigned server_count;
    struct http_server *servers[ADMIN_SERVERS_MAX]; /* of S3, whose counts are shown */
};

/* For struct http_options; `admin` is a struct admin. */
void admin_handle(void *admin, struct http_exchange *exchange);
void admin_refuse(void *admin, struct http_exchange *exchange, unsigned status, const char *why);

#endif /* HEARTH_GATEWAY_ADMIN_H */
