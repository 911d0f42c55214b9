/*
 * auth_ask.h - an auth_source that asks the coordinator, on behalf of each tenant in turn.
 *
 * A gateway has an identity for each tenant that it serves, and gets with it what is that tenant's
 * alone; whose an access key or a bucket is, it finds by asking.
 *
 * Thread-safety: any thread, as far as `tenants` is.
 */
#ifndef HEARTH_GATEWAY_AUTH_ASK_H
#define HEARTH_GATEWAY_AUTH_ASK_H

#include "gateway/auth_keys.h"

enum { AUTH_TENANTS_MAX = 256 };

struct auth_ask {
    /* All there are now, at most `max`; they live as long as the gateway.  How many. */
    unsigned (*tenants)(void *context, struct hearth **out, unsigned max);
    void *context;
};

/* `ask` is borrowed. */
struct auth_source auth_ask_source(struct auth_ask *ask);

#endif /* HEARTH_GATEWAY_AUTH_ASK_H */
