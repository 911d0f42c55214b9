/*
 * client_join.h - from an invitation to a configuration that works, for customers, gateways that
 * serve a customer, and operators.
 *
 *   key file --> enrol --> root key (not operators) --> CA, certificate --> configuration
 *
 * Interrupted in between, the same invitation works again, because the key it was spent on is still
 * there.  A machine that is customer and operator has one configuration: the second join adds its
 * own files to it.
 *
 * Blocks.  Thread-safety: none needed; one at a time for a configuration.
 */
#ifndef HEARTH_CLIENT_CLIENT_JOIN_H
#define HEARTH_CLIENT_CLIENT_JOIN_H

#include "client/client_config.h"
#include "common/env.h"
#include "common/pki.h"
#include "proto/identity.h"

struct client_join {
    struct env *env;         /* required */
    const char *invite;      /* required: the text */
    const char *config_path; /* required: its directory is made when it is missing */
    enum peer_class class; /* PEER_CLIENT, _GATEWAY or _ADMIN: whom the invitation has to be for */
    const char *root_key_path; /* not _ADMIN: a key file or recovery sheet; NULL: draw one */
    bool replace;              /* overwrite what is there, but never a root key, which is kept */
};

/*
 * HEARTH_EXISTS: joined already, or there is another root key.  HEARTH_INVALID: not an invitation,
 * or for something else.  HEARTH_CONFLICT: the configuration that is there is of another cluster.
 * HEARTH_DENIED, HEARTH_EXPIRED: the coordinator refused the invitation.  After a failure there is
 * no configuration that was not there before.
 */
enum hearth_code client_join(const struct client_join *join, struct hearth_err *err);

/* What a configuration says of the class's identity; borrowed from it. */
struct identity_files client_identity_files(
    const struct client_config *config, enum peer_class class);

#endif /* HEARTH_CLIENT_CLIENT_JOIN_H */
