#include "proto/link_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- memory of the outbox ---- */

static void take_memory(struct link_wire *wire)
{
    wire->outbox = *wire->spare != NULL ? *wire->spare : malloc(LINK_OUTBOX_SIZE);
    wire->size = LINK_OUTBOX_SIZE;
    *wire->spare = NULL;
}

void link_wire_clear(struct link_wire *wire)
{
    if (*wire->spare == NULL && wire->size == LINK_OUTBOX_SIZE) {
        *wire->spare = wire->outbox;
    } else {
        free(wire->outbox);
    }
    wire->outbox = NULL;
    wire->size = wire->start = wire->end = 0;
}

/* What is left waits in memory just as large, with room for what TLS may have to say meanwhile. */
static void shrink(struct link_wire *wire)
{
    const size_t left = wire->end - wire->start;
    uint8_t *bytes = wire->size == LINK_OUTBOX_SIZE ? malloc(left + LINK_SMALL_ROOM) : NULL;
    if (bytes != NULL) {
        memcpy(bytes, wire->outbox + wire->start, left);
        link_wire_clear(wire);
        wire->outbox = bytes;
        wire->size = left + LINK_SMALL_ROOM;
        wire->end = left;
    }
}

/* ---- out ---- */

static int write_to_outbox(BIO *bio, const char *bytes, int size)
{
    struct link_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (wire->outbox == NULL) {
        take_memory(wire);
    }
    if (wire->outbox == NULL || size < 0 || (size_t)size > wire->size - wire->end) {
        return -1; /* for good: nobody writes without room */
    }
    memcpy(wire->outbox + wire->end, bytes, (size_t)size);
    wire->end += (size_t)size;
    return size;
}

int link_wire_send(struct link_wire *wire)
{
    while (wire->start < wire->end) {
        ssize_t sent =
            send(wire->fd, wire->outbox + wire->start, wire->end - wire->start, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            int failure = errno == EWOULDBLOCK ? EAGAIN : errno;
            shrink(wire);
            return failure;
        }
        wire->start += sent > 0 ? (size_t)sent : 0;
    }
    link_wire_clear(wire);
    return 0;
}

/* ---- in ---- */

static ssize_t receive(const struct link_wire *wire, char *bytes, size_t size)
{
    ssize_t got;
    do {
        got = recv(wire->fd, bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

static int read_from_socket(BIO *bio, char *bytes, int size)
{
    struct link_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t got = -1;
    if (!wire->is_drained) {
        got = receive(wire, bytes, (size_t)size);
        wire->is_drained = got < size && (got > 0 || errno == EAGAIN || errno == EWOULDBLOCK);
        wire->has_ended = got == 0;
    }
    if (got < 0 && wire->is_drained) {
        BIO_set_retry_read(bio);
    }
    return (int)got;
}

/* ---- the BIO ---- */

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    const struct link_wire *wire = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return wire->has_ended;
    default: return 0;
    }
}

BIO_METHOD *link_wire_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "link wire");
    assert(method != NULL);
    BIO_meth_set_read(method, read_from_socket);
    BIO_meth_set_write(method, write_to_outbox);
    BIO_meth_set_ctrl(method, control);
    return method;
}
