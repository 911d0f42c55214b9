/*
 * tls_link.h - one TLS conversation with an end in time, below gRPC and without it.
 *
 *   dial, or init over an accepted socket --> handshake --> send and receive frames --> fini
 *
 * A frame is a u32 little-endian length and that many bytes.  The socket does not block; every
 * wait ends at the link's deadline, or when the stop descriptor becomes readable.  Who is at the
 * other end is for the user of the link to check, after the handshake and before a word.
 *
 * Private to proto/.  The process has to ignore SIGPIPE.
 *
 * Thread-safety: a link belongs to one thread.
 */
#ifndef HEARTH_PROTO_TLS_LINK_H
#define HEARTH_PROTO_TLS_LINK_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/env.h"
#include "common/err.h"

#include <openssl/ssl.h>

enum tls_side { TLS_CALLER, TLS_ANSWERER };

struct tls_link {
    SSL *ssl;
    int fd;
    int stop_fd; /* -1: none */
    struct env *env;
    uint64_t deadline_ns; /* by env's monotonic clock */
    enum tls_side side;
};

/* `fd` is connected and does not block. */
void tls_link_init(struct tls_link *link, SSL_CTX *context, int fd TAKES, int stop_fd,
    struct env *env, unsigned timeout_ms, enum tls_side side);

/* Says goodbye if there is anybody, and closes. */
void tls_link_fini(struct tls_link *link);

struct tls_dial {
    struct env *env;
    const char *address;     /* "host:port", "[v6]:port" */
    const char *server_name; /* whom we ask for (SNI) */
    unsigned timeout_ms;     /* for everything but looking the name up */
    int stop_fd;             /* readable: give up at once; 0: none */
};

/*
 * A link whose handshake is done, to the first address of the name that lets us connect.
 * HEARTH_INVALID: not an address.  HEARTH_UNREACHABLE.  Nothing to release after a failure.
 */
enum hearth_code tls_dial(
    const struct tls_dial *dial, struct tls_link *link, struct hearth_err *err);

/* Everything below: HEARTH_UNREACHABLE when the other end goes, breaks TLS or is too slow;
 * HEARTH_CANCELLED when we were told to stop. */
enum hearth_code tls_link_handshake(struct tls_link *link, struct hearth_err *err);

/* The nth certificate the server sent, 0 its own, as PEM in the arena. NULL: it sent fewer. */
const char *tls_link_certificate(const struct tls_link *link, int nth, struct arena *arena);

enum hearth_code tls_link_send(struct tls_link *link, struct view message, struct hearth_err *err);

/* HEARTH_INVALID: the frame says it is larger than size_max. *out is the caller's. */
enum hearth_code tls_link_receive(
    struct tls_link *link, size_t size_max, struct buf **out, struct hearth_err *err);

/* Waits for `events` of poll() on the link's socket; also before there is TLS on it. */
enum hearth_code tls_link_wait(struct tls_link *link, short events, struct hearth_err *err);

#endif /* HEARTH_PROTO_TLS_LINK_H */
