/*
 * test_rpc.h - a cluster of peers in one process: a CA, credentials of any kind, a runtime, a
 * server on a free port of 127.0.0.1 with methods of the tests' own, and channels to it.
 *
 * Messages are wire_backup_chunk: one field of bytes.
 */
#ifndef HEARTH_TESTS_LIB_TEST_RPC_H
#define HEARTH_TESTS_LIB_TEST_RPC_H

#include "proto/rpc_server.h"

#include <pthread.h>

enum test_method {
    TEST_ECHO,     /* unary, does not mutate: answers its bytes */
    TEST_CHANGE,   /* unary, mutates: the same */
    TEST_ADMINS,   /* unary, for admins */
    TEST_UNSERVED, /* in the table, but with no handler */
    TEST_UP,       /* client stream */
    TEST_DOWN,     /* server stream */
    TEST_BOTH,     /* both */
    TEST_KNOCK,    /* server stream, refused: a round trip */
    TEST_METHODS,
};

enum {
    TEST_MESSAGE_MAX = 128 * 1024,
    TEST_UP_MAX = 70 * 1024, /* a request of TEST_UP: less than the transport lets through */
    TEST_WAIT_S = 20,
    TEST_DEADLINE_MS = 15000,
};

extern const struct rpc_table test_rpc_table;

/* A flag to wait for, up to TEST_WAIT_S. */
struct test_gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned count;
};

void test_gate_init(struct test_gate *gate);
void test_gate_fini(struct test_gate *gate);
void test_gate_pass(struct test_gate *gate);
/* Until it was passed `count` times in all; fails the test after TEST_WAIT_S. */
void test_gate_wait(struct test_gate *gate, unsigned count);
unsigned test_gate_count(struct test_gate *gate);

struct test_ca {
    struct pki_key *key;
    char *pem;
};

void test_ca_init(struct test_ca *ca, struct env *env);
void test_ca_fini(struct test_ca *ca);

/* A fresh key and its certificate, both to be released. */
void test_issue(const struct test_ca *ca, struct env *env, enum peer_class class,
    uint64_t lifetime_s, struct pki_key **key, char **pem);

/* Credentials of a fresh key and its certificate; valid from now by env for lifetime_s. */
struct rpc_credentials *test_credentials(
    const struct test_ca *ca, struct env *env, enum peer_class class, uint64_t lifetime_s);

/* What one test uses. */
struct test_rpc {
    enum rpc_transport transport; /* of servers and channels to come */
    struct test_ca ca;
    struct rpc_runtime *runtime;
    struct rpc_credentials *server_credentials; /* a node */
    struct rpc_credentials *client_credentials; /* a client */
    struct rpc_server *server;
    struct rpc_channel *channel;
    char address[32];
    struct hearth_err err;
};

/* CA, runtime and credentials. */
void test_rpc_init(struct test_rpc *rpc);

/* Starts the server with these handlers; options: NULL, or what differs from the default. */
void test_rpc_serve(struct test_rpc *rpc, const struct rpc_handler *handlers, unsigned count,
    void *service, const struct rpc_server_options *options);

/* What a channel of these credentials to the server is made of, expecting it to be itself. */
struct rpc_channel_options test_rpc_options(
    struct test_rpc *rpc, struct rpc_credentials *credentials);

/* Such a channel. */
struct rpc_channel *test_rpc_channel(struct test_rpc *rpc, struct rpc_credentials *credentials);

/* Calls over a channel with these bytes; *answer lives in `arena`. */
enum hearth_code test_rpc_call(struct test_rpc *rpc, struct rpc_channel *channel, unsigned method,
    struct view bytes, struct arena *arena, struct view *answer);

/* Opens a stream that test_knocked() refuses as it should: then HEARTH_OK. */
enum hearth_code test_rpc_knock(struct test_rpc *rpc, struct rpc_channel *channel);

void test_rpc_stop_server(struct test_rpc *rpc);
void test_rpc_fini(struct test_rpc *rpc);

/* Answers the request's bytes. */
enum hearth_code test_echo(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err);

/* What TEST_KNOCK is served by. */
enum hearth_code test_knocked(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err);

/* ---- streams that are only read; the handler's context is the stream ---- */

/* Reads on; at the end it is finished. */
void test_drop_message(void *stream, struct buf *message TAKES);
void test_close_and_release(void *stream, enum hearth_code code, const struct hearth_err *err);

/* Reads to the end. */
enum hearth_code test_open_reading(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err);

/* Never reads and never ends. */
enum hearth_code test_open_deaf(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err);

#endif /* HEARTH_TESTS_LIB_TEST_RPC_H */
