/*
 * node_init.h - `hearth-storaged init`: from an invitation to a folder that can serve.
 *
 *   DIR/key.pem  -->  enrol  -->  ca.pem, certificate.pem  -->  volume/  -->  hearth-storaged.conf
 *
 * The configuration comes last: a folder with one is complete.  Interrupted before, init can be run
 * again with the same invitation, because the key stays.
 */
#ifndef HEARTH_STORAGED_NODE_INIT_H
#define HEARTH_STORAGED_NODE_INIT_H

#include "common/env.h"
#include "common/err.h"

#include <stdint.h>

struct node_init {
    const char *dir;
    const char *invite;
    const char *listen;      /* NULL: the default of the settings */
    const char *advertise;   /* NULL: as it listens */
    uint64_t capacity_bytes; /* 0: no limit */
};

/* HEARTH_EXISTS: there is a node in that folder already. Blocks. */
enum hearth_code node_init_blocking(
    const struct node_init *init, struct env *env, struct hearth_err *err);

#endif /* HEARTH_STORAGED_NODE_INIT_H */
