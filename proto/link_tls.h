/*
 * link_tls.h - TLS under the link: 1.3 alone, both ends with a certificate of the cluster's CA.
 *
 * No sessions are resumed: a connection lasts for hours, and resuming would be a second way in.
 *
 * What TLS writes goes to an outbox in memory and from there to the socket, several records with
 * one system call; so SSL_write never has to be repeated, and all of it can be made before there
 * is room in the socket.
 */
#ifndef HEARTH_PROTO_LINK_TLS_H
#define HEARTH_PROTO_LINK_TLS_H

#include "common/pki.h"
#include "proto/link_frame.h"

#include <openssl/ssl.h>

/* For both ends; with rpc_credentials_create(). The texts were checked. */
SSL_CTX *link_tls_context(
    const char *ca_pem, const char *certificate_pem, const struct pki_key *key);

/* Records on their way to a socket. */
struct link_outbox {
    uint8_t *bytes; /* NULL: not in use */
    size_t start;   /* of what has to be sent */
    size_t end;
};

enum {
    LINK_OUTBOX_SIZE = 5 * LINK_RECORD_MAX,
    LINK_RECORD_ROOM = LINK_RECORD_MAX + 512, /* what one record may take, and some handshake */
};

static inline bool link_outbox_has_room(const struct link_outbox *outbox)
{
    return outbox->bytes == NULL || LINK_OUTBOX_SIZE - outbox->end >= LINK_RECORD_ROOM;
}

/* The method of the BIO that writes to an outbox; to be freed. */
BIO_METHOD *link_tls_bio_method(void);

/* An SSL over a socket; `outbox` is where it writes. name: whom we ask for, NULL at the server. */
SSL *link_tls_create(SSL_CTX *context, const BIO_METHOD *method, int fd, struct link_outbox *outbox,
    const char *name);

/* Sends what is there. 0: all, EAGAIN: the socket is full; else why it cannot be. */
int link_outbox_send(struct link_outbox *outbox, int fd);

void link_outbox_fini(struct link_outbox *outbox);

/* After the handshake: who is there, whose chain was verified, and that it speaks our protocol. */
enum hearth_code link_tls_peer(SSL *ssl, struct pki_certificate *out, struct hearth_err *err);

/* Why an SSL call failed; empties OpenSSL's queue. */
enum hearth_code link_tls_fail(SSL *ssl, int reason, const char *doing, struct hearth_err *err);

#endif /* HEARTH_PROTO_LINK_TLS_H */
