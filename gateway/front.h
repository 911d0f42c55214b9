/*
 * front.h - what happens to every S3 request, in this order and to each the same.
 *
 *   exchange --> id --> request_parse --> route_find --> auth_admit --> body_open --> handler
 *                                   \___________\_____________\____________\--> call_fail
 *   --> access log, metrics
 *
 * This is the only place that makes a struct call, and it makes none without a proof: an operation
 * cannot forget to look who asks.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_GATEWAY_FRONT_H
#define HEARTH_GATEWAY_FRONT_H

#include "gateway/access_log.h"
#include "gateway/auth.h"
#include "gateway/health.h"
#include "gateway/metrics.h"
#include "gateway/tenants.h"

struct front {
    /* Set once; all are borrowed. */
    struct env *env;
    struct auth *auth;
    struct tenants *tenants;
    struct health *health;
    struct metrics *metrics;
    struct access_log *access_log;
    const char *region;
    struct request_domains domains;
    unsigned transfers_max;

    atomic_uint transfers; /* objects that come or go now */
};

/* For struct http_options; `front` is a struct front. */
void front_handle(void *front, struct http_exchange *exchange);
void front_refuse(void *front, struct http_exchange *exchange, unsigned status, const char *why);

#endif /* HEARTH_GATEWAY_FRONT_H */
