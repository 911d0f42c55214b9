/*
 * link_tls.h - TLS under the link: 1.3 alone, both ends with a certificate of the cluster's CA.
 *
 * No sessions are resumed: a connection lasts for hours, and resuming would be a second way in.
 */
#ifndef HEARTH_PROTO_LINK_TLS_H
#define HEARTH_PROTO_LINK_TLS_H

#include "common/pki.h"
#include "proto/link_wire.h"

#include <openssl/ssl.h>

/* For both ends; with rpc_credentials_create(). The texts were checked. */
SSL_CTX *link_tls_context(
    const char *ca_pem, const char *certificate_pem, const struct pki_key *key);

/* An SSL over a wire. name: whom we ask for, NULL at the server. */
SSL *link_tls_create(
    SSL_CTX *context, const BIO_METHOD *method, struct link_wire *wire, const char *name);

/* After the handshake: who is there, whose chain was verified, and that it speaks our protocol. */
enum hearth_code link_tls_peer(SSL *ssl, struct pki_certificate *out, struct hearth_err *err);

/* Why an SSL call failed; empties OpenSSL's queue. */
enum hearth_code link_tls_fail(SSL *ssl, int reason, const char *doing, struct hearth_err *err);

#endif /* HEARTH_PROTO_LINK_TLS_H */
