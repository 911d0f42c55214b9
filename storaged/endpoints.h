/*
 * endpoints.h - how clients reach this node, as it tells its coordinator.
 *
 *   advertise, when given              what the owner says
 *   else each address it listens on    where that is "any", the one the way to the coordinator
 *                                      leaves from: right in a home's own network
 */
#ifndef HEARTH_STORAGED_ENDPOINTS_H
#define HEARTH_STORAGED_ENDPOINTS_H

#include "proto/wire_messages.h"
#include "storaged/settings.h"

struct endpoints {
    struct wire_endpoint items[SETTINGS_ENDPOINTS_MAX];
    size_t count;
};

/*
 * `port` stands in for a configured port 0.  Hosts live in the arena.
 * HEARTH_UNREACHABLE: there is no way to the coordinator from here, so advertise must be given.
 */
enum hearth_code endpoints_make(const struct settings *settings, uint16_t port, struct arena *arena,
    struct endpoints *out, struct hearth_err *err);

#endif /* HEARTH_STORAGED_ENDPOINTS_H */
