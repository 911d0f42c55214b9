/*
 * node_probe.h - is this node really at this address?
 *
 * A node names its own addresses, so they are worth nothing until somebody dialled them and met a
 * certificate of the node.  Nothing is sent but a TLS hello: whoever else is there learns that
 * somebody of this cluster looked for that node, and no more.
 */
#ifndef HEARTH_PROTO_NODE_PROBE_H
#define HEARTH_PROTO_NODE_PROBE_H

#include "common/env.h"
#include "common/pki.h"

struct node_probe {
    struct env *env;     /* NULL: env_system() */
    const char *address; /* required: "host:port", "[v6]:port" */
    const uint8_t *id;   /* PKI_ID_SIZE bytes; NULL: any node of the cluster */
    uint8_t *met_id;     /* PKI_ID_SIZE bytes, set by HEARTH_OK; NULL: not of interest */
    const char *ca_pem;  /* required: the cluster's */
    unsigned timeout_ms; /* 0: 5,000 */
    int stop_fd;         /* readable: give up at once; 0: none */
};

/* Blocks; any thread. HEARTH_OK: the node of that id is there. HEARTH_UNREACHABLE: nobody is.
 * HEARTH_DENIED, HEARTH_EXPIRED: somebody else is, or with an old certificate.
 * HEARTH_CANCELLED: stopped. */
enum hearth_code node_probe_blocking(const struct node_probe *probe, struct hearth_err *err);

#endif /* HEARTH_PROTO_NODE_PROBE_H */
