/*
 * signing_key.h - a key to check signatures with, asked for (hearth_gateway.h).
 */
#ifndef HEARTH_CLIENT_SIGNING_KEY_H
#define HEARTH_CLIENT_SIGNING_KEY_H

#include "client/hearth_gateway.h"

struct session;

enum hearth_code signing_key_ask(struct session *session, struct view access_key,
    const struct sigv4_scope *scope, struct gateway_signing_key *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_SIGNING_KEY_H */
