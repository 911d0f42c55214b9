/*
 * gateway.h - a gateway as a process: everything it consists of, started and stopped.
 *
 * Thread-safety: one thread starts, reloads and stops it.
 */
#ifndef HEARTH_GATEWAY_GATEWAY_H
#define HEARTH_GATEWAY_GATEWAY_H

#include "common/env.h"
#include "gateway/settings.h"

struct gateway;

/* What a file says that its types cannot check. */
enum hearth_code gateway_check(const struct settings *settings, struct hearth_err *err);

/* The settings outlive the gateway. */
enum hearth_code gateway_start(
    const struct settings *settings, struct env *env, struct gateway **out, struct hearth_err *err);

/* Of the first address of each kind; 0: there is none. */
unsigned gateway_port(const struct gateway *gateway);
unsigned gateway_tls_port(const struct gateway *gateway);
unsigned gateway_admin_port(const struct gateway *gateway);

/* New tenants are served, the access log is opened anew. */
void gateway_reload(struct gateway *gateway);

/* Lets what runs end, for as long as the settings say. Accepts NULL. */
void gateway_stop_blocking(struct gateway *gateway);

#endif /* HEARTH_GATEWAY_GATEWAY_H */
