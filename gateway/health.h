/*
 * health.h - whether the gateway lives, and whether it is of use.
 *
 *   live    this process answers
 *   ready   it serves somebody, and the coordinator has answered within the last few seconds
 *
 * Thread-safety: any thread; health_is_ready() may block.
 */
#ifndef HEARTH_GATEWAY_HEALTH_H
#define HEARTH_GATEWAY_HEALTH_H

#include "common/env.h"
#include "common/http/http.h"
#include "gateway/tenants.h"

struct health;

/* NULL: out of memory.  All are borrowed. */
struct health *health_create(struct tenants *tenants, struct env *env);
void health_destroy(struct health *health); /* accepts NULL */

/* It is being stopped: from now on not ready, so that no new clients are sent here. */
void health_end(struct health *health);

bool health_is_ready(struct health *health);

/* Answers GET and HEAD of /health/live and /health/ready; false: it is about something else. */
bool health_answer(struct health *health, struct http_exchange *exchange);

#endif /* HEARTH_GATEWAY_HEALTH_H */
