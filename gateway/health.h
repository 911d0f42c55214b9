/*
 * health.h - whether the gateway lives, and whether it is of use.
 *
 *   live    this process answers
 *   ready   it serves somebody, and the coordinator has answered within the last few seconds
 *
 * Thread-safety: any thread; health_is_ready() may block, but one thread at a time.
 */
#ifndef HEARTH_GATEWAY_HEALTH_H
#define HEARTH_GATEWAY_HEALTH_H

#include "common/env.h"
#include "common/http/http.h"
#include "gateway/tenants.h"

struct health;

struct health_options {
    struct env *env;
    bool (*answers)(void *context); /* the coordinator; may take long */
    void *context;
};

/* The question; context is the struct tenants. */
bool health_ask_coordinator(void *context);

/* NULL: out of memory.  Env and context are borrowed. */
struct health *health_create(const struct health_options *options);
void health_destroy(struct health *health); /* accepts NULL */

/* It is being stopped: from now on not ready, so that no new clients are sent here. */
void health_end(struct health *health);

/* While somebody else waits for the coordinator: as it was a moment ago, or not. */
bool health_is_ready(struct health *health);

/* Answers GET and HEAD of /health/live and /health/ready; false: it is about something else. */
bool health_answer(struct health *health, struct http_exchange *exchange);

#endif /* HEARTH_GATEWAY_HEALTH_H */
