/*
 * core_peers.h - who made a call, by the certificate of its connection.
 *
 * TLS has verified the chain; here the certificate is read.  Reading takes longer than an empty
 * call, so the last few peers are remembered by their whole certificate.
 *
 * Private to rpc_*.c.  Thread-safety: any thread.
 */
#ifndef HEARTH_PROTO_CORE_PEERS_H
#define HEARTH_PROTO_CORE_PEERS_H

#include "common/pki.h"

#include <grpc/grpc.h>

struct core_peers;

struct core_peers *core_peers_create(void);
void core_peers_destroy(struct core_peers *peers); /* accepts NULL */

/* HEARTH_DENIED: the connection has no certificate that names a peer of ours. */
enum hearth_code core_peers_identify(
    struct core_peers *peers, grpc_call *call, struct pki_certificate *out, struct hearth_err *err);

#endif /* HEARTH_PROTO_CORE_PEERS_H */
