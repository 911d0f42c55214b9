/*
 * enrol_link.h - one TLS conversation with an end in time: what both sides of enrol.h stand on.
 *
 *   init --> handshake --> proof --> send and receive frames --> fini
 *
 * The socket does not block; every wait ends at the link's deadline, or when the stop descriptor
 * becomes readable.  Private to proto/.
 *
 * Thread-safety: a link belongs to one thread.
 */
#ifndef HEARTH_PROTO_ENROL_LINK_H
#define HEARTH_PROTO_ENROL_LINK_H

#include "common/buf.h"
#include "common/env.h"
#include "common/err.h"

#include <openssl/ssl.h>

enum enrol_side { ENROL_CALLER, ENROL_SERVER };

struct enrol_link {
    SSL *ssl; /* NULL after a failed init */
    int fd;
    int stop_fd; /* -1: none */
    struct env *env;
    uint64_t deadline_ns; /* by env's monotonic clock */
    enum enrol_side side;
};

/* What a caller signs: only the two ends of this connection can know it. */
enum { ENROL_PROOF_SIZE = 46 }; /* "hearth/1/enrol" and 32 exported bytes */

/* `fd` is connected and does not block. */
void enrol_link_init(struct enrol_link *link, SSL_CTX *context, int fd TAKES, int stop_fd,
    struct env *env, unsigned timeout_ms, enum enrol_side side);

/* Says goodbye if there is anybody, and closes. */
void enrol_link_fini(struct enrol_link *link);

/* Everything below: HEARTH_UNREACHABLE when the other end goes, breaks TLS or is too slow;
 * HEARTH_CANCELLED when we were told to stop. */
enum hearth_code enrol_link_handshake(struct enrol_link *link, struct hearth_err *err);

void enrol_link_proof(const struct enrol_link *link, uint8_t proof[ENROL_PROOF_SIZE]);

enum hearth_code enrol_link_send(
    struct enrol_link *link, struct view message, struct hearth_err *err);

/* HEARTH_INVALID: the frame says it is larger than size_max. *out is the caller's. */
enum hearth_code enrol_link_receive(
    struct enrol_link *link, size_t size_max, struct buf **out, struct hearth_err *err);

/* Waits for `events` of poll() on the link's socket; also before there is TLS on it. */
enum hearth_code enrol_link_wait(struct enrol_link *link, short events, struct hearth_err *err);

#endif /* HEARTH_PROTO_ENROL_LINK_H */
