#include "tests/lib/test_rpc.h"

#include "common/cleanup.h"
#include "proto/wire.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum { DAY_S = 86400, EVERYBODY = (1u << PEER_CLASSES) - 1 };

#define ROW(path_, kind_, classes_, mutates_, request_max_)                                        \
    {                                                                                              \
        .path = (path_), .kind = (kind_), .classes = (classes_), .mutates = (mutates_),            \
        .request_max = (request_max_), .response_max = TEST_MESSAGE_MAX,                           \
        .request = &wire_backup_chunk_message, .response = &wire_backup_chunk_message              \
    }

static const struct rpc_method_row rows[TEST_METHODS] = {
    [TEST_ECHO] = ROW("/test.Test/Echo", RPC_UNARY, EVERYBODY, false, TEST_MESSAGE_MAX),
    [TEST_CHANGE] = ROW("/test.Test/Change", RPC_UNARY, EVERYBODY, true, TEST_MESSAGE_MAX),
    [TEST_ADMINS] = ROW("/test.Test/Admins", RPC_UNARY, RPC_CLASS(ADMIN), true, TEST_MESSAGE_MAX),
    [TEST_UNSERVED] = ROW("/test.Test/Unserved", RPC_UNARY, EVERYBODY, true, TEST_MESSAGE_MAX),
    [TEST_UP] = ROW("/test.Test/Up", RPC_CLIENT_STREAM, EVERYBODY, true, TEST_UP_MAX),
    [TEST_DOWN] = ROW("/test.Test/Down", RPC_SERVER_STREAM, EVERYBODY, false, TEST_MESSAGE_MAX),
    [TEST_KNOCK] = ROW("/test.Test/Knock", RPC_SERVER_STREAM, EVERYBODY, false, TEST_MESSAGE_MAX),
    [TEST_BOTH] = ROW("/test.Test/Both", RPC_BOTH_STREAM, EVERYBODY, true, TEST_MESSAGE_MAX),
};

const struct rpc_table test_rpc_table = {.rows = rows, .count = TEST_METHODS};

/* ---- gates ---- */

void test_gate_init(struct test_gate *gate)
{
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, NULL);
    gate->count = 0;
}

void test_gate_fini(struct test_gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

void test_gate_pass(struct test_gate *gate)
{
    UNLOCKS pthread_mutex_t *held = lock(&gate->mutex);
    gate->count++;
    pthread_cond_broadcast(&gate->changed);
}

static bool gate_wait(struct test_gate *gate, unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TEST_WAIT_S;
    UNLOCKS pthread_mutex_t *held = lock(&gate->mutex);
    int rc = 0;
    while (gate->count < count && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&gate->changed, held, &until);
    }
    return gate->count >= count;
}

void test_gate_wait(struct test_gate *gate, unsigned count)
{
    assert_true(gate_wait(gate, count)); /* outside: a failing cmocka assertion jumps */
}

unsigned test_gate_count(struct test_gate *gate)
{
    UNLOCKS pthread_mutex_t *held = lock(&gate->mutex);
    return gate->count;
}

/* ---- identities ---- */

static const uint8_t cluster[PKI_CLUSTER_SIZE] = {0xc1, 0x05, 0x7e, 0x12};

void test_ca_init(struct test_ca *ca, struct env *env)
{
    struct hearth_err err;
    assert_ok(pki_key_create(&ca->key, &err), &err);
    ca->pem = pki_ca_certificate(env, ca->key, cluster, 3650 * DAY_S);
}

void test_ca_fini(struct test_ca *ca)
{
    pki_key_destroy(ca->key);
    free(ca->pem);
}

void test_issue(const struct test_ca *ca, struct env *env, enum peer_class class,
    uint64_t lifetime_s, struct pki_key **key, char **pem)
{
    struct hearth_err err;
    assert_ok(pki_key_create(key, &err), &err);
    struct pki_subject subject = {.key = *key, .class = class, .lifetime_s = lifetime_s};
    assert_ok(pki_issue(env, ca->key, ca->pem, &subject, pem, &err), &err);
}

struct rpc_credentials *test_credentials(
    const struct test_ca *ca, struct env *env, enum peer_class class, uint64_t lifetime_s)
{
    struct hearth_err err;
    struct pki_key *key = NULL;
    char *pem = NULL;
    struct rpc_credentials *credentials = NULL;
    test_issue(ca, env, class, lifetime_s, &key, &pem);
    assert_ok(rpc_credentials_create(ca->pem, pem, key, &credentials, &err), &err);
    free(pem);
    pki_key_destroy(key);
    return credentials;
}

/* ---- the rest ---- */

void test_rpc_init(struct test_rpc *rpc)
{
    *rpc = (struct test_rpc){0};
    test_ca_init(&rpc->ca, env_system());
    rpc->server_credentials = test_credentials(&rpc->ca, env_system(), PEER_NODE, DAY_S);
    rpc->client_credentials = test_credentials(&rpc->ca, env_system(), PEER_CLIENT, DAY_S);
    struct rpc_runtime_options options = {.workers = 2, .queue_max = 8};
    assert_ok(rpc_runtime_create(&options, &rpc->runtime, &rpc->err), &rpc->err);
}

void test_rpc_serve(struct test_rpc *rpc, const struct rpc_handler *handlers, unsigned count,
    void *service, const struct rpc_server_options *options)
{
    struct rpc_server_options all = options != NULL ? *options : (struct rpc_server_options){0};
    all.transport = rpc->transport;
    all.runtime = all.runtime != NULL ? all.runtime : rpc->runtime;
    all.credentials = rpc->server_credentials;
    all.addresses[0] = all.addresses[0] != NULL ? all.addresses[0] : "127.0.0.1:0";
    all.table = &test_rpc_table;
    all.handlers = handlers;
    all.handler_count = count;
    all.service = service;
    assert_ok(rpc_server_start(&all, &rpc->server, &rpc->err), &rpc->err);
    snprintf(rpc->address, sizeof(rpc->address), "127.0.0.1:%u", rpc_server_port(rpc->server));
    rpc->channel = test_rpc_channel(rpc, rpc->client_credentials);
}

struct rpc_channel_options test_rpc_options(
    struct test_rpc *rpc, struct rpc_credentials *credentials)
{
    return (struct rpc_channel_options){
        .transport = rpc->transport,
        .runtime = rpc->runtime,
        .credentials = credentials,
        .address = rpc->address,
        .peer_class = PEER_NODE,
        .peer_id = rpc_credentials_certificate(rpc->server_credentials)->identity.id,
        .table = &test_rpc_table,
    };
}

struct rpc_channel *test_rpc_channel(struct test_rpc *rpc, struct rpc_credentials *credentials)
{
    struct rpc_channel_options options = test_rpc_options(rpc, credentials);
    struct rpc_channel *channel = NULL;
    assert_ok(rpc_channel_create(&options, &channel, &rpc->err), &rpc->err);
    return channel;
}

enum hearth_code test_rpc_call(struct test_rpc *rpc, struct rpc_channel *channel, unsigned method,
    struct view bytes, struct arena *arena, struct view *answer)
{
    struct wire_backup_chunk message = {.bytes = bytes};
    struct wire_backup_chunk response = {0};
    struct rpc_request request = {
        .method = method,
        .message = &message,
        .deadline_ms = TEST_DEADLINE_MS,
    };
    enum hearth_code code = rpc_call_blocking(channel, &request, arena, &response, &rpc->err);
    if (code == HEARTH_OK) {
        *answer = response.bytes;
    }
    return code;
}

void test_rpc_stop_server(struct test_rpc *rpc)
{
    rpc_server_stop_blocking(rpc->server, 0);
    rpc_server_destroy(rpc->server);
    rpc->server = NULL;
}

void test_rpc_fini(struct test_rpc *rpc)
{
    rpc_channel_destroy(rpc->channel);
    if (rpc->server != NULL) {
        test_rpc_stop_server(rpc);
    }
    rpc_runtime_destroy(rpc->runtime);
    rpc_credentials_unref(rpc->server_credentials);
    rpc_credentials_unref(rpc->client_credentials);
    test_ca_fini(&rpc->ca);
}

enum hearth_code test_echo(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    (void)service;
    (void)context;
    (void)err;
    const struct wire_backup_chunk *in = request;
    struct wire_backup_chunk *out = response;
    out->bytes = in->bytes;
    return HEARTH_OK;
}

/* ---- knocking ---- */

struct knock {
    struct test_gate closed;
    enum hearth_code code;
    struct hearth_err *err;
};

static void on_knock_message(void *context, struct buf *message TAKES)
{
    (void)context;
    buf_unref(message);
}

static void on_knock_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct knock *knock = context;
    knock->code = code;
    *knock->err = *err;
    test_gate_pass(&knock->closed);
}

enum hearth_code test_rpc_knock(struct test_rpc *rpc, struct rpc_channel *channel)
{
    static const struct rpc_stream_handlers knock_handlers = {
        .message = on_knock_message, .closed = on_knock_closed};
    struct wire_backup_chunk message = {.bytes = view_text("still here?")};
    const struct rpc_request request = {
        .method = TEST_KNOCK, .message = &message, .deadline_ms = TEST_DEADLINE_MS};
    struct knock knock = {.err = &rpc->err};
    struct rpc_stream *stream;
    test_gate_init(&knock.closed);
    assert_ok(
        rpc_stream_open(channel, &request, &knock_handlers, &knock, &stream, &rpc->err), &rpc->err);
    test_gate_wait(&knock.closed, 1);
    rpc_stream_release(stream);
    test_gate_fini(&knock.closed);
    return knock.code == HEARTH_NOT_READY ? HEARTH_OK : knock.code;
}

enum hearth_code test_knocked(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    (void)service;
    (void)stream;
    (void)context;
    (void)handlers;
    (void)handler_context;
    return hearth_fail(err, HEARTH_NOT_READY, "who is there?");
}

/* ---- streams that are only read ---- */

void test_close_and_release(void *stream, enum hearth_code code, const struct hearth_err *err)
{
    (void)code;
    (void)err;
    rpc_stream_release(stream);
}

void test_drop_message(void *stream, struct buf *message TAKES)
{
    buf_unref(message);
    if (message != NULL) {
        rpc_stream_read(stream);
    } else {
        rpc_stream_finish(stream, HEARTH_OK, NULL);
    }
}

static const struct rpc_stream_handlers reading = {
    .message = test_drop_message, .closed = test_close_and_release};

enum hearth_code test_open_reading(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    (void)service;
    (void)context;
    (void)err;
    *handlers = &reading;
    *handler_context = stream;
    rpc_stream_read(stream);
    return HEARTH_OK;
}

enum hearth_code test_open_deaf(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    (void)service;
    (void)context;
    (void)err;
    *handlers = &reading;
    *handler_context = stream;
    return HEARTH_OK;
}
