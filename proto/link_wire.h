/*
 * link_wire.h - the socket under TLS, as OpenSSL sees it: bytes in, and an outbox for bytes out.
 *
 *   socket --recv--> SSL_read           SSL_write --> outbox --link_wire_send--> socket
 *
 * What TLS writes goes to an outbox in memory and from there to the socket, a window's worth of
 * records with one system call; so SSL_write never has to be repeated, and all of it can be made
 * before there is room in the socket.  Connections that send in turn use the same memory, which
 * stays in the processor's cache; what a socket does not take waits in memory of its own, just as
 * large.
 *
 * A recv that was not filled has emptied the socket: it is not asked again before epoll says so.
 *
 * Thread-safety: the pump's alone.
 */
#ifndef HEARTH_PROTO_LINK_WIRE_H
#define HEARTH_PROTO_LINK_WIRE_H

#include "proto/link_frame.h"

#include <openssl/bio.h>

enum {
    LINK_SMALL_ROOM = 512,                                /* what TLS says by itself */
    LINK_RECORD_ROOM = LINK_RECORD_MAX + LINK_SMALL_ROOM, /* what one record may take */
    LINK_OUTBOX_SIZE = 17 * LINK_RECORD_ROOM,             /* half a window, and some heads */
};

struct link_wire {
    /* Set once. */
    int fd;
    uint8_t **spare; /* LINK_OUTBOX_SIZE bytes that no wire of the pump uses; NULL: one does */

    bool is_drained; /* nothing to receive, until epoll says so */
    bool has_ended;  /* the peer sends no more */

    uint8_t *outbox; /* NULL: not in use */
    size_t size;     /* of it */
    size_t start;    /* of what has to be sent */
    size_t end;
};

/* The method of a wire's BIO, whose data it is; to be freed. */
BIO_METHOD *link_wire_bio_method(void);

static inline bool link_wire_has_room(const struct link_wire *wire)
{
    return wire->outbox == NULL || wire->size - wire->end >= LINK_RECORD_ROOM;
}

static inline bool link_wire_has_output(const struct link_wire *wire)
{
    return wire->end > 0;
}

/* Sends what is there. 0: all, EAGAIN: the socket is full; else why it cannot be. */
int link_wire_send(struct link_wire *wire);

/* What has not been sent is lost. */
void link_wire_clear(struct link_wire *wire);

#endif /* HEARTH_PROTO_LINK_WIRE_H */
