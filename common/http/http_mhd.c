/*
 * The HTTP server on libmicrohttpd: what its threads call us for, start and end.
 *
 * Calls for one request, in this order, all on the connection's thread:
 *   on_target       the request line is there: the exchange begins
 *   on_request      with no bytes: the head is there; again after each resume
 *                   with bytes: of the body
 *                   with no bytes again: the body has ended
 *   take_out        (http_mhd_answer.c) more of a streamed answer
 *   on_completed    the answer is sent, or the connection broken
 */
#include "common/http/http_mhd.h"
#include "common/http/http_listen.h"
#include "common/moment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* TLS 1.2 is what older backup clients speak; nothing weaker is offered. */
#define TLS_PRIORITIES                                                                             \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+"   \
    "CHACHA20-POLY1305"

/* ---- a worker ---- */

/* Without the mutex: nobody but this worker answers. */
static bool has_answered(const struct http_exchange *exchange)
{
    return exchange->out_ended || exchange->out_aborted;
}

static void run_exchange(struct rpc_job *job)
{
    struct http_exchange *exchange = (struct http_exchange *)job; /* its first member */
    struct http_server *server = exchange->server;
    atomic_fetch_sub(&server->waiting, 1);
    atomic_fetch_add(&server->running, 1);
    if (!atomic_load(&exchange->cancelled)) { /* the mutex may be with whoever has just posted it */
        server->handle(server->context, exchange);
    }
    if (!has_answered(exchange)) {
        http_answer_abort(exchange);
    }
    atomic_fetch_sub(&server->running, 1);
    http_exchange_release(exchange);
}

/* ---- a request arrives ---- */

static struct http_link *link_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = context;
    struct http_link *link = link_of(connection);
    if (link == NULL) {
        return NULL;
    }
    struct http_exchange *exchange = http_exchange_create(server, connection, target);
    if (exchange != NULL) {
        exchange->link = link;
        http_link_expect(link, server->limits.idle_ms);
    }
    return exchange;
}

/* Under the mutex.  Suspended first: the worker may be done before this returns. */
static bool post(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    http_exchange_suspend(exchange);
    exchange->dispatched = true;
    exchange->references++;
    exchange->job.run = run_exchange;
    atomic_fetch_add(&server->waiting, 1);
    if (rpc_workers_post(server->workers, &exchange->job)) {
        return true;
    }
    atomic_fetch_sub(&server->waiting, 1);
    exchange->references--;
    return false;
}

static enum MHD_Result dispatch(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    pthread_mutex_lock(&exchange->mutex);
    bool cut = exchange->cut;
    bool posted = !cut && post(exchange);
    pthread_mutex_unlock(&exchange->mutex);
    if (!cut && !posted) {
        server->refuse(server->context, exchange, 503, "too many requests are waiting");
    }
    return cut ? MHD_NO : MHD_YES;
}

static bool is_ready(struct http_exchange *exchange)
{
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    return exchange->answer == HTTP_ANSWER_READY;
}

/* No worker: where this request ends cannot be told, or its head is too large. */
static enum MHD_Result refuse_head(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    exchange->closes = true;
    server->refuse(server->context, exchange, exchange->framing.status, exchange->framing.why);
    return is_ready(exchange) ? http_exchange_queue(exchange) : MHD_NO;
}

static enum MHD_Result take_head(struct http_exchange *exchange, const char *method)
{
    exchange->head_taken = true;
    if (!http_exchange_take_head(exchange, method)) {
        return MHD_NO;
    }
    http_link_expect(exchange->link, 0);
    if (exchange->framing.status != 0) {
        return refuse_head(exchange);
    }
    /* Without a body the call that says that it has ended comes next: then the connection lives on
     * after the answer. */
    return exchange->framing.body_size == 0 ? MHD_YES : dispatch(exchange);
}

/* An answer that came before the body: whether to let that come, so that the answer is read. */
static bool should_discard(const struct http_exchange *exchange)
{
    uint64_t size = exchange->framing.body_size;
    return !exchange->framing.expect_continue &&
        (size <= HTTP_DISCARD_MAX || size == HEARTH_SIZE_UNKNOWN);
}

enum turn { TURN_CLOSE, TURN_ANSWER, TURN_GO_ON };

/* It is the connection's turn, and there are no bytes. */
static enum turn decide_turn(struct http_exchange *exchange)
{
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    bool has_ended = exchange->body_begun || exchange->framing.body_size == 0;
    if (exchange->cut || exchange->answer == HTTP_ANSWER_ABORTED) {
        return TURN_CLOSE;
    }
    if (has_ended && !exchange->body_ended) {
        exchange->body_ended = true;
        pthread_cond_signal(&exchange->moved);
    }
    if (exchange->answer == HTTP_ANSWER_READY && (has_ended || !should_discard(exchange))) {
        return TURN_ANSWER;
    }
    if (!has_ended && (exchange->body_wanted || exchange->answer == HTTP_ANSWER_READY)) {
        exchange->body_begun = true;
    } else if (exchange->answer == HTTP_ANSWER_NONE) {
        http_exchange_suspend(exchange);
    }
    return TURN_GO_ON;
}

static enum MHD_Result go_on(struct http_exchange *exchange)
{
    switch (decide_turn(exchange)) {
    case TURN_CLOSE: return MHD_NO;
    case TURN_ANSWER: return http_exchange_queue(exchange);
    case TURN_GO_ON: break;
    }
    return MHD_YES;
}

/* ---- its body ---- */

/* Under the mutex: nobody reads it any more. */
static enum MHD_Result discard(struct http_exchange *exchange, size_t *size)
{
    exchange->discarded += *size;
    *size = 0;
    return exchange->answer == HTTP_ANSWER_ABORTED || exchange->discarded > HTTP_DISCARD_MAX
        ? MHD_NO
        : MHD_YES;
}

static enum MHD_Result take_some(struct http_exchange *exchange, const char *bytes, size_t *size)
{
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    if (exchange->cut) {
        return MHD_NO;
    }
    if (exchange->answer != HTTP_ANSWER_NONE) {
        return discard(exchange, size);
    }
    size_t put = http_ring_put(&exchange->in, view_of(bytes, *size));
    exchange->received += put;
    atomic_fetch_add(&exchange->server->received_bytes, put);
    *size -= put;
    if (*size > 0) {
        http_exchange_suspend(exchange);
    }
    return MHD_YES;
}

/* The worker is woken without the mutex, which it wants at once. */
static enum MHD_Result take_body(struct http_exchange *exchange, const char *bytes, size_t *size)
{
    enum MHD_Result result = take_some(exchange, bytes, size);
    pthread_cond_signal(&exchange->moved);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_size,
    void **request)
{
    (void)context;
    (void)connection;
    (void)url;
    (void)version;
    struct http_exchange *exchange = *request;
    if (exchange == NULL) {
        return MHD_NO;
    }
    if (*upload_size > 0) {
        return take_body(exchange, upload, upload_size);
    }
    if (!exchange->head_taken) {
        return take_head(exchange, method);
    }
    if (!exchange->dispatched) {
        return dispatch(exchange);
    }
    return go_on(exchange);
}

/* ---- its end ---- */

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct http_server *server = context;
    struct http_exchange *exchange = *request;
    if (exchange == NULL) {
        return;
    }
    pthread_mutex_lock(&exchange->mutex);
    struct MHD_Response *response = exchange->response;
    exchange->response = NULL;
    exchange->gone = true;
    if (!exchange->out_ended) {
        atomic_store(&exchange->cancelled, true);
    }
    http_link_expect(exchange->link, server->limits.idle_ms);
    pthread_cond_signal(&exchange->moved);
    pthread_mutex_unlock(&exchange->mutex);
    if (response != NULL) {
        MHD_destroy_response(response);
    }
    *request = NULL;
    http_exchange_release(exchange);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context = http_link_create(server, fd);
        atomic_fetch_add(&server->connections, 1);
    } else {
        http_link_destroy(server, *socket_context);
        *socket_context = NULL;
        atomic_fetch_sub(&server->connections, 1);
    }
}

/* Whoever reads a target decodes it himself, once. */
static size_t decode_nothing(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* ---- start ---- */

/* The new daemon accepts on fd.  NULL: it could not be started. */
static struct MHD_Daemon *start_daemon(
    struct http_server *server, const char *certificate, const char *key, int fd)
{
    const struct http_limits *limits = &server->limits;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    if (server->tls) {
        flags |= MHD_USE_TLS;
    }
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, server->threads, MHD_OPTION_CONNECTION_LIMIT,
        limits->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        limits->connections_per_address_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_UNESCAPE_CALLBACK, decode_nothing, NULL, MHD_OPTION_ARRAY,
        server->tls ? tls : tls + 3, MHD_OPTION_END);
}

static void init_server(struct http_server *server, const struct http_options *options)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&server->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->emptied, &attributes);
    pthread_condattr_destroy(&attributes);
    server->limits = options->limits;
    server->handle = options->handle;
    server->refuse = options->refuse;
    server->context = options->context;
    server->tls = options->certificate != NULL;
    server->threads = options->threads;
}

static void fini_server(struct http_server *server)
{
    assert(server->exchanges == NULL && server->links == NULL);
    pthread_cond_destroy(&server->emptied);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

static enum hearth_code fail_start(const struct http_server *server, struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_INVALID, "start the HTTP server: %s",
        server->tls ? "do certificate and key belong together?" : "libmicrohttpd refused");
}

static enum hearth_code start_parts(
    struct http_server *server, const struct http_options *options, int fd, struct hearth_err *err)
{
    const struct http_limits *limits = &options->limits;
    if (rpc_workers_create(limits->workers, limits->waiting_max, &server->workers, err) !=
        HEARTH_OK) {
        return err->code;
    }
    if (http_watch_start(server, err) != HEARTH_OK) {
        rpc_workers_destroy(server->workers);
        return err->code;
    }
    server->daemon = start_daemon(server, options->certificate, options->key, fd);
    if (server->daemon == NULL) {
        http_watch_stop(server);
        rpc_workers_destroy(server->workers);
        return fail_start(server, err);
    }
    return HEARTH_OK;
}

enum hearth_code http_server_start(
    const struct http_options *options, struct http_server **out, struct hearth_err *err)
{
    int fd;
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "start the HTTP server: out of memory");
    }
    init_server(server, options);
    enum hearth_code code = http_listen(&options->listen, &fd, &server->port, err);
    if (code == HEARTH_OK) {
        code = start_parts(server, options, fd, err);
        if (code != HEARTH_OK) {
            close(fd);
        }
    }
    if (code != HEARTH_OK) {
        fini_server(server);
        return code;
    }
    *out = server;
    return HEARTH_OK;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_count(struct http_server *server, struct http_counts *out)
{
    *out = (struct http_counts){
        .connections = atomic_load(&server->connections),
        .running = atomic_load(&server->running),
        .waiting = atomic_load(&server->waiting),
        .received_bytes = atomic_load(&server->received_bytes),
        .sent_bytes = atomic_load(&server->sent_bytes),
    };
}

/* ---- another certificate ---- */

static bool has_connections(struct MHD_Daemon *daemon)
{
    return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections > 0;
}

static void stop_those_without_connections(struct http_server *server)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < server->retired_count; i++) {
        if (has_connections(server->retired[i])) {
            server->retired[kept++] = server->retired[i];
        } else {
            MHD_stop_daemon(server->retired[i]);
        }
    }
    server->retired_count = kept;
}

/* A second daemon on the same socket; then the first one accepts no more. */
enum hearth_code http_server_renew(
    struct http_server *server, const char *certificate, const char *key, struct hearth_err *err)
{
    if (!server->tls) {
        return hearth_fail(err, HEARTH_INVALID, "a certificate for a server without TLS");
    }
    stop_those_without_connections(server);
    if (server->retired_count == HTTP_RETIRED_MAX) {
        return hearth_fail(
            err, HEARTH_BUSY, "connections with %d certificates before are open", HTTP_RETIRED_MAX);
    }
    int fd = fcntl(MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd,
        F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "a second hand on the listening socket");
    }
    struct MHD_Daemon *daemon = start_daemon(server, certificate, key, fd);
    if (daemon == NULL) {
        close(fd);
        return fail_start(server, err);
    }
    close(MHD_quiesce_daemon(server->daemon));
    server->retired[server->retired_count++] = server->daemon;
    server->daemon = daemon;
    return HEARTH_OK;
}

/* ---- end ---- */

static void wait_until_empty(struct http_server *server, unsigned drain_ms)
{
    const struct timespec until = moment_after_ms(drain_ms);
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    while (
        server->exchanges != NULL && pthread_cond_timedwait(&server->emptied, held, &until) == 0) {
    }
}

/* From now on nothing waits, and nothing new is posted: whoever posts looks at `cut` first. */
static void cut_exchanges(struct http_server *server)
{
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    server->cutting = true;
    for (struct http_exchange *exchange = server->exchanges; exchange != NULL;
         exchange = exchange->next) {
        UNLOCKS pthread_mutex_t *inner = lock(&exchange->mutex);
        exchange->cut = true;
        atomic_store(&exchange->cancelled, true);
        pthread_cond_signal(&exchange->moved);
        http_exchange_resume(exchange);
    }
}

void http_server_stop_blocking(struct http_server *server, unsigned drain_ms)
{
    if (server == NULL) {
        return;
    }
    atomic_store(&server->draining, true);
    close(MHD_quiesce_daemon(server->daemon));
    wait_until_empty(server, drain_ms);
    cut_exchanges(server);
    rpc_workers_destroy(server->workers);
    MHD_stop_daemon(server->daemon);
    for (unsigned i = 0; i < server->retired_count; i++) {
        MHD_stop_daemon(server->retired[i]);
    }
    http_watch_stop(server);
    fini_server(server);
}
