/*
 * rpc_credentials.h - what a process shows to its peers: certificate, key, and the CA it trusts.
 *
 * Holds the cache of TLS sessions too, because a resumed session speaks with the certificate it
 * was made with: new credentials begin with an empty cache.
 *
 * Thread-safety: never changes after creation; counted.
 */
#ifndef HEARTH_PROTO_RPC_CREDENTIALS_H
#define HEARTH_PROTO_RPC_CREDENTIALS_H

#include "common/pki.h"

struct rpc_credentials;

/* Texts are copied.  HEARTH_INVALID: a text is not what it should be, or the certificate is not
 * of this key, or not of this CA.  Dates are not checked: an expired node may still try. */
enum hearth_code rpc_credentials_create(const char *ca_pem, const char *certificate_pem,
    const struct pki_key *key, struct rpc_credentials **out, struct hearth_err *err);

struct rpc_credentials *rpc_credentials_ref(struct rpc_credentials *credentials);
void rpc_credentials_unref(struct rpc_credentials *credentials); /* accepts NULL */

/* Borrowed from the credentials. */
const struct pki_certificate *rpc_credentials_certificate(
    const struct rpc_credentials *credentials);

#endif /* HEARTH_PROTO_RPC_CREDENTIALS_H */
