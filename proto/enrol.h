/*
 * enrol.h - how a key becomes a certificate, on a port of its own and without gRPC.
 *
 *   caller                                                  coordinator
 *     | --- TLS 1.3, only the server shows a certificate --------> |
 *     |     its CA must have the key the invitation pins           |
 *     | --- frame: token, public key, signature -----------------> |  is it over this connection?
 *     | <-------------- frame: code, certificate, CA, addresses -- |  handler decides
 *
 * A frame is a u32 little-endian length and that many bytes of protobuf.  The signature is over
 * keying material exported from this very TLS connection, so it proves that who speaks holds the
 * key, and is worth nothing on another connection.  An empty token asks for a new certificate of a
 * key that enrolled before; that works after the old one expired.
 *
 * Limits, with what happens at them: a request of ENROL_REQUEST_MAX or a reply of ENROL_REPLY_MAX
 * bytes, or ENROL_TIMEOUT_MS for one conversation (the connection is closed); 16 connections at
 * once (the next wait in the listening queue).
 *
 * The process has to ignore SIGPIPE.
 */
#ifndef HEARTH_PROTO_ENROL_H
#define HEARTH_PROTO_ENROL_H

#include "common/env.h"
#include "common/pki.h"
#include "proto/wire.h"

enum {
    ENROL_FORMAT = 1,
    ENROL_REQUEST_MAX = 4 << 10,
    ENROL_REPLY_MAX = 16 << 10,
    ENROL_TIMEOUT_MS = 5000,
    ENROL_CONNECTIONS_MAX = 16,
    ENROL_ADDRESS_SIZE = 64, /* a numeric address and its zero */
};

/* ---- the caller's side ---- */

struct enrol_call {
    struct env *env;           /* NULL: env_system() */
    const char *address;       /* required: "host:port", "[v6]:port" */
    const uint8_t *ca_pin;     /* required: PKI_PIN_SIZE bytes */
    struct view token;         /* of the invitation; empty: renewal */
    const struct pki_key *key; /* required: the pair to be certified */
    unsigned timeout_ms;       /* 0: ENROL_TIMEOUT_MS, for everything but looking the name up */
};

/*
 * On HEARTH_OK the reply's certificate is of our key and of the pinned CA, whose certificate is in
 * the reply too: both were checked.  Memory from the arena.  Blocks; any thread.
 * HEARTH_UNREACHABLE: nobody there, or not in time.  HEARTH_DENIED: somebody else is there, who
 * does not have the pinned CA.  Other codes are the coordinator's, with its message.
 */
enum hearth_code enrol_call_blocking(const struct enrol_call *call, struct arena *arena,
    struct wire_enrol_reply *reply, struct hearth_err *err);

/* ---- the coordinator's side ---- */

/* Who asks: proven to hold the key, whatever else is true of them. */
struct enrol_caller {
    const struct pki_key *key; /* the public half; its id is pki_key_id() */
    uint8_t id[PKI_ID_SIZE];
    char address[ENROL_ADDRESS_SIZE]; /* "192.0.2.7", "2001:db8::7": where the connection came from
                                       */
    struct view token;                /* empty: renewal */
};

/*
 * On a server thread, several at once; may block.  Fills *reply (zeroed), memory from the arena,
 * and returns HEARTH_OK; or fills *err, whose code and message the caller gets.
 */
typedef enum hearth_code enrol_handler(void *service, const struct enrol_caller *caller,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err);

struct enrol_server_options {
    struct env *env;             /* NULL: env_system() */
    const char *address;         /* required: "host:port"; port 0: any free */
    const char *certificate_pem; /* required: class coordinator */
    const char *ca_pem;          /* required */
    const struct pki_key *key;   /* required, of certificate_pem; borrowed for the call */
    enrol_handler *handler;      /* required */
    void *service;
    unsigned timeout_ms; /* 0: ENROL_TIMEOUT_MS */
};

struct enrol_server;

/* Listens and serves. HEARTH_EXISTS: the address is in use. HEARTH_INVALID: not an address. */
enum hearth_code enrol_server_start(
    const struct enrol_server_options *options, struct enrol_server **out, struct hearth_err *err);

/* What port 0 became. */
unsigned enrol_server_port(const struct enrol_server *server);

/* Ends conversations at once, except for what a handler is doing; blocks until all threads are
 * gone, and frees. Accepts NULL. */
void enrol_server_stop_blocking(struct enrol_server *server);

#endif /* HEARTH_PROTO_ENROL_H */
