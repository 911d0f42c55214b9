/*
 * bench_rpc.c - what our RPC costs with nothing behind it: calls, and one stream of cells.
 *
 *   hearth-bench-rpc [--gib N]     N GiB through the stream (default 2)
 *
 * One process holds both ends over loopback and mutual TLS, so the CPU time is that of both.
 * Prints a line of JSON for calls over gRPC, and one for the stream over each transport.
 */
#include "common/buf.h"
#include "proto/rpc_server.h"
#include "proto/wire.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MESSAGE = 64 * 1024,
    CALLS = 50000,
    CALLS_AT_ONCE = 16,
    DEADLINE_MS = 600 * 1000,
    LIFETIME_S = 3600,
};

enum { CALL, STREAM, METHODS };

static const struct rpc_method_row rows[METHODS] = {
    [CALL] = {"/bench.Bench/Call", RPC_UNARY, RPC_CLASS(SESSION), false, 1024, 1024,
        &wire_backup_chunk_message, &wire_backup_chunk_message},
    [STREAM] = {"/bench.Bench/Stream", RPC_CLIENT_STREAM, RPC_CLASS(SESSION), true, 2 * MESSAGE,
        1024, &wire_backup_chunk_message, &wire_backup_chunk_message},
};
static const struct rpc_table table = {rows, METHODS};

static const double gib = 1024.0 * 1024.0 * 1024.0;

static double clock_s(clockid_t clock)
{
    struct timespec now;
    int rc = clock_gettime(clock, &now);
    assert(rc == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- both ends ---- */

struct bench;

/* One of CALLS_AT_ONCE chains of calls, each started by the one before. */
struct chain {
    struct bench *bench;
    unsigned left;
    struct arena arena;
    struct wire_backup_chunk response;
};

struct bench {
    enum rpc_transport transport;
    struct rpc_runtime *runtime;
    struct rpc_server *server;
    struct rpc_channel *channel;

    /* Calls. */
    struct chain chains[CALLS_AT_ONCE];

    /* The stream. */
    struct rpc_stream *up;
    struct rpc_stream *down;
    struct buf *message;
    unsigned long left;

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned finished;
};

static void must(enum hearth_code code, const struct hearth_err *err)
{
    if (code != HEARTH_OK) {
        fprintf(stderr, "hearth-bench-rpc: %s\n", err->message);
        exit(1);
    }
}

static struct rpc_credentials *issue(
    const struct pki_key *ca_key, const char *ca_pem, enum peer_class class)
{
    struct hearth_err err;
    struct pki_key *key = NULL;
    char *pem = NULL;
    struct rpc_credentials *credentials = NULL;
    must(pki_key_create(&key, &err), &err);
    struct pki_subject subject = {.key = key, .class = class, .lifetime_s = LIFETIME_S};
    must(pki_issue(env_system(), ca_key, ca_pem, &subject, &pem, &err), &err);
    must(rpc_credentials_create(ca_pem, pem, key, &credentials, &err), &err);
    free(pem);
    pki_key_destroy(key);
    return credentials;
}

static void finish_one(struct bench *bench)
{
    pthread_mutex_lock(&bench->mutex);
    bench->finished++;
    pthread_cond_signal(&bench->changed);
    pthread_mutex_unlock(&bench->mutex);
}

static void wait_finished(struct bench *bench, unsigned count)
{
    pthread_mutex_lock(&bench->mutex);
    while (bench->finished < count) {
        pthread_cond_wait(&bench->changed, &bench->mutex);
    }
    pthread_mutex_unlock(&bench->mutex);
}

static enum hearth_code answer_call(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)service;
    (void)context;
    (void)err;
    *(struct wire_backup_chunk *)response = *(const struct wire_backup_chunk *)request;
    return HEARTH_OK;
}

static void read_next(void *context, struct buf *message TAKES)
{
    struct bench *bench = context;
    if (message == NULL) {
        rpc_stream_finish(bench->down, HEARTH_OK, NULL);
        return;
    }
    buf_unref(message);
    rpc_stream_read(bench->down);
}

static void release_down(void *context, enum hearth_code code, const struct hearth_err *err)
{
    must(code, err);
    rpc_stream_release(((struct bench *)context)->down);
}

static const struct rpc_stream_handlers reading = {.message = read_next, .closed = release_down};

static enum hearth_code open_stream(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    (void)context;
    (void)err;
    struct bench *bench = service;
    bench->down = stream;
    *handlers = &reading;
    *handler_context = bench;
    rpc_stream_read(stream);
    return HEARTH_OK;
}

static void set_up(struct bench *bench)
{
    static const struct rpc_handler handlers[] = {
        {.method = CALL, .unary = answer_call},
        {.method = STREAM, .opened = open_stream},
    };
    struct hearth_err err;
    struct pki_key *ca_key = NULL;
    must(pki_key_create(&ca_key, &err), &err);
    uint8_t cluster[PKI_CLUSTER_SIZE] = {1};
    char *ca_pem = pki_ca_certificate(env_system(), ca_key, cluster, LIFETIME_S);
    struct rpc_credentials *node = issue(ca_key, ca_pem, PEER_NODE);
    struct rpc_credentials *session = issue(ca_key, ca_pem, PEER_SESSION);
    must(rpc_runtime_create(&(struct rpc_runtime_options){0}, &bench->runtime, &err), &err);
    struct rpc_server_options server = {.transport = bench->transport,
        .runtime = bench->runtime,
        .credentials = node,
        .addresses = {"127.0.0.1:0"},
        .table = &table,
        .handlers = handlers,
        .handler_count = METHODS,
        .service = bench};
    must(rpc_server_start(&server, &bench->server, &err), &err);

    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", rpc_server_port(bench->server));
    struct rpc_channel_options channel = {.transport = bench->transport,
        .runtime = bench->runtime,
        .credentials = session,
        .address = address,
        .peer_class = PEER_NODE,
        .peer_id = rpc_credentials_certificate(node)->identity.id,
        .table = &table};
    must(rpc_channel_create(&channel, &bench->channel, &err), &err);
    rpc_credentials_unref(node);
    rpc_credentials_unref(session);
    free(ca_pem);
    pki_key_destroy(ca_key);
}

static void tear_down(struct bench *bench)
{
    rpc_channel_destroy(bench->channel);
    rpc_server_stop_blocking(bench->server, 0);
    rpc_server_destroy(bench->server);
    rpc_runtime_destroy(bench->runtime);
}

/* ---- calls ---- */

static void on_answer(void *context, enum hearth_code code, const struct hearth_err *err);

static void start_call(struct chain *chain)
{
    struct wire_backup_chunk message = {.bytes = view_text("a few bytes")};
    struct rpc_request request = {.method = CALL, .message = &message, .deadline_ms = DEADLINE_MS};
    struct hearth_err err;
    must(rpc_call_start(chain->bench->channel, &request, &chain->arena, &chain->response, on_answer,
             chain, NULL, &err),
        &err);
}

static void on_answer(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct chain *chain = context;
    must(code, err);
    arena_fini(&chain->arena);
    if (--chain->left > 0) {
        start_call(chain);
    } else {
        finish_one(chain->bench);
    }
}

static void measure_calls(struct bench *bench)
{
    double cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    double wall = clock_s(CLOCK_MONOTONIC);
    bench->finished = 0;
    for (unsigned i = 0; i < CALLS_AT_ONCE; i++) {
        struct chain *chain = &bench->chains[i];
        *chain = (struct chain){.bench = bench, .left = CALLS / CALLS_AT_ONCE};
        arena_init(&chain->arena, 0);
        start_call(chain);
    }
    wait_finished(bench, CALLS_AT_ONCE);
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    wall = clock_s(CLOCK_MONOTONIC) - wall;
    printf("{\"bench\": \"unary\", \"calls_per_s\": %.0f, \"cpu_us_per_call\": %.1f}\n",
        CALLS / wall, cpu / CALLS * 1e6);
}

/* ---- the stream ---- */

static void send_next(void *context)
{
    struct bench *bench = context;
    if (bench->left == 0) {
        rpc_stream_send_close(bench->up);
        return;
    }
    bench->left--;
    struct slice slice = slice_of(bench->message, 0, MESSAGE);
    rpc_stream_send(bench->up, &slice, 1);
}

static void drop(void *context, struct buf *message TAKES)
{
    (void)context;
    buf_unref(message);
}

static void release_up(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct bench *bench = context;
    must(code, err);
    rpc_stream_release(bench->up);
    finish_one(bench);
}

static const struct rpc_stream_handlers sending = {drop, send_next, release_up};

static void measure_stream(struct bench *bench, unsigned long gibs)
{
    struct hearth_err err;
    bench->message = buf_create(MESSAGE);
    memset(bench->message->bytes, 0x5A, MESSAGE);
    bench->left = gibs * (1024 * 1024 * 1024 / MESSAGE);
    bench->finished = 0;
    double cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    double wall = clock_s(CLOCK_MONOTONIC);
    struct rpc_request request = {.method = STREAM, .deadline_ms = DEADLINE_MS};
    must(rpc_stream_open(bench->channel, &request, &sending, bench, &bench->up, &err), &err);
    rpc_stream_read(bench->up);
    send_next(bench);
    wait_finished(bench, 1);
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    wall = clock_s(CLOCK_MONOTONIC) - wall;
    printf("{\"bench\": \"%s\", \"gb_per_s\": %.2f, \"cpu_s_per_gib\": %.4f}\n",
        bench->transport == RPC_LINK ? "link" : "stream", (double)gibs * gib / wall / 1e9,
        cpu / (double)gibs);
    buf_unref(bench->message);
}

int main(int argc, char **argv)
{
    unsigned long gibs = 2;
    if (argc == 3 && strcmp(argv[1], "--gib") == 0) {
        gibs = strtoul(argv[2], NULL, 10);
    } else if (argc != 1) {
        fprintf(stderr, "usage: hearth-bench-rpc [--gib N]\n");
        return 2;
    }
    static struct bench bench = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    set_up(&bench);
    measure_calls(&bench);
    measure_stream(&bench, gibs);
    tear_down(&bench);
    bench.transport = RPC_LINK;
    set_up(&bench);
    measure_stream(&bench, gibs);
    tear_down(&bench);
    return 0;
}
