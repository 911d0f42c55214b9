/*
 * core_server.c - a server of gRPC's: credentials, settings, listening, an orderly stop.
 */
#include "proto/core_server.h"

#include "common/moment.h"
#include "proto/accept.h"
#include "proto/listen.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum {
    PING_INTERVAL_MIN_MS = 5 * 1000, /* our clients ping each 25 s; faster ones are cut off */
    RESERVED_DESCRIPTORS = 16,       /* never taken by a connection */

    /* Calls asked of gRPC in advance, a queue. Too few: a burst waits for the pump's next turn. */
    REQUESTS_AHEAD = 16,
};

/* ---- credentials ---- */

/* gRPC asks at start and at every handshake. */
static grpc_ssl_certificate_config_reload_status fetch_credentials(
    void *context, grpc_ssl_server_certificate_config **config)
{
    struct core_server *server = context;
    UNLOCKS pthread_mutex_t *held = lock(&server->credentials_mutex);
    if (server->credentials_fetched) {
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    grpc_ssl_pem_key_cert_pair pair = {
        .private_key = server->credentials->key_pem,
        .cert_chain = server->credentials->certificate_pem,
    };
    *config = grpc_ssl_server_certificate_config_create(server->credentials->ca_pem, &pair, 1);
    server->credentials_fetched = true;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

static grpc_server_credentials *create_server_credentials(struct core_server *server)
{
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch_credentials, server));
}

static void set_credentials(struct rpc_server *base, struct rpc_credentials *credentials)
{
    struct core_server *server = (struct core_server *)base;
    UNLOCKS pthread_mutex_t *held = lock(&server->credentials_mutex);
    rpc_credentials_unref(server->credentials);
    server->credentials = rpc_credentials_ref(credentials);
    server->credentials_fetched = false;
}

/* ---- making ---- */

static grpc_server *create_grpc_server(
    const struct core_server *server, const struct rpc_server_options *options)
{
    struct core_args args;
    core_args_init(&args, options->keepalive_ms);
    core_args_int(&args, GRPC_ARG_ALLOW_REUSEPORT, 0); /* or a second daemon would share the port */
    core_args_int(
        &args, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, PING_INTERVAL_MIN_MS);
    core_args_int(&args, GRPC_ARG_MAX_CONCURRENT_STREAMS,
        (int)rpc_or_default(options->streams_max, RPC_STREAMS_MAX));
    core_args_int(&args, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
        (int)rpc_or_default(options->handshake_timeout_ms, RPC_HANDSHAKE_TIMEOUT_MS));
    core_args_int(
        &args, GRPC_ARG_MAX_CONNECTION_IDLE_MS, (int)rpc_or_default(options->idle_ms, RPC_IDLE_MS));
    core_args_int(
        &args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)rpc_server_request_max(&server->base));

    grpc_resource_quota *quota = grpc_resource_quota_create("hearth");
    size_t memory_max = options->memory_max > 0 ? options->memory_max : RPC_MEMORY_MAX;
    grpc_resource_quota_resize(quota, memory_max);
    core_args_pointer(&args, GRPC_ARG_RESOURCE_QUOTA, quota, grpc_resource_quota_arg_vtable());
    grpc_server *made = grpc_server_create(&args.list, NULL);
    grpc_resource_quota_unref(quota); /* the server has its own reference */
    return made;
}

static const struct rpc_server_ops server_ops;

static struct core_server *create(const struct rpc_server_options *options)
{
    struct core_server *server = calloc(1, sizeof(*server));
    assert(server != NULL);
    server->base.ops = &server_ops;
    rpc_server_init(&server->base, options);
    server->peers = core_peers_create();
    server->credentials = rpc_credentials_ref(options->credentials);
    pthread_mutex_init(&server->credentials_mutex, NULL);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    server->server = create_grpc_server(server, options);
    for (unsigned i = 0; i < server->base.runtime->pump_count; i++) {
        grpc_server_register_completion_queue(
            server->server, core_runtime_queue_at(server->base.runtime, i), NULL);
    }
    return server;
}

/* ---- listening ---- */

/* By doing what gRPC tried to, for it does not tell. */
static enum hearth_code explain_refusal(const char *address, struct hearth_err *err)
{
    CLOSES_FD int fd = -1;
    return listen_on(address, 1, &fd, err) != HEARTH_OK
        ? err->code
        : hearth_fail(err, HEARTH_INVALID, "listen on %s: gRPC could not, a moment ago", address);
}

/* The number of a descriptor that is not for a peer, but for a file or a database: the lowest free
 * number is always the next. */
static int first_reserved_descriptor(void)
{
    struct rlimit limit = {.rlim_cur = 0};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur - RESERVED_DESCRIPTORS;
}

/*
 * In the place of libc's, for gRPC, which takes any failure but EAGAIN for the end of the port: out
 * of descriptors once, 1.51 was deaf for ever (seen: 100 connections at a limit of 64).  Whoever
 * comes when only the reserve is left is sent away.  Servers of ours call accept_connection().
 */
int accept_for_grpc(int fd, struct sockaddr *from, socklen_t *size, int flags) __asm__("accept4");

int accept_for_grpc(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
    for (;;) {
        int accepted = (int)syscall(SYS_accept4, fd, from, size, flags);
        if (accepted < 0) {
            errno = accept_lacks_resources(errno) ? EAGAIN : errno;
            return -1;
        }
        if (accepted < first_reserved_descriptor()) {
            return accepted;
        }
        close(accepted);
    }
}

static enum hearth_code add_port(struct core_server *server, const char *address,
    grpc_server_credentials *credentials, struct hearth_err *err)
{
    int port = grpc_server_add_http2_port(server->server, address, credentials);
    server->port = server->port == 0 ? port : server->port;
    return port != 0 ? HEARTH_OK : explain_refusal(address, err);
}

static enum hearth_code listen_on_all(
    struct core_server *server, const char *const *addresses, struct hearth_err *err)
{
    grpc_server_credentials *credentials = create_server_credentials(server);
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < RPC_ADDRESSES_MAX && addresses[i] != NULL && code == HEARTH_OK; i++) {
        code = add_port(server, addresses[i], credentials, err);
    }
    grpc_server_credentials_release(credentials);
    return code;
}

static unsigned get_port(const struct rpc_server *base)
{
    return (unsigned)((const struct core_server *)base)->port;
}

/* ---- counting, stopping ---- */

bool core_server_count_arrival(struct core_server *server, bool arrived)
{
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    assert(server->requests > 0);
    server->requests--;
    if (!arrived) {
        pthread_cond_broadcast(&server->changed);
        return false;
    }
    server->calls++;
    return server->calls <= server->base.calls_max;
}

void core_server_forget_call(struct core_server *server)
{
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    assert(server->calls > 0);
    server->calls--;
    pthread_cond_broadcast(&server->changed);
}

static void on_stopped(struct core_tag *tag, bool success)
{
    (void)success;
    struct core_server *server =
        (struct core_server *)((char *)tag - offsetof(struct core_server, stopped_tag));
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    server->stopped = true;
    pthread_cond_broadcast(&server->changed);
}

/* false: grace_ms passed first. */
static bool wait_for_calls(struct core_server *server, uint32_t grace_ms)
{
    const struct timespec until = moment_after_ms(grace_ms);
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    int rc = 0;
    while (server->calls > 0 && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&server->changed, held, &until);
    }
    return server->calls == 0;
}

static void wait_for_silence(struct core_server *server)
{
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    while (!server->stopped || server->calls > 0 || server->requests > 0) {
        pthread_cond_wait(&server->changed, held);
    }
}

static void stop_blocking(struct rpc_server *base, uint32_t grace_ms)
{
    struct core_server *server = (struct core_server *)base;
    server->stopped_tag.fire = on_stopped;
    grpc_server_shutdown_and_notify(
        server->server, core_runtime_queue_at(server->base.runtime, 0), &server->stopped_tag);
    wait_for_calls(server, grace_ms);
    /* Also when there were none left: a peer that keeps its connection open must not hold us. */
    grpc_server_cancel_all_calls(server->server);
    wait_for_silence(server);
}

static void destroy(struct rpc_server *base)
{
    struct core_server *server = (struct core_server *)base;
    assert(server->stopped && server->calls == 0 && server->requests == 0);
    grpc_server_destroy(server->server);
    core_peers_destroy(server->peers);
    rpc_credentials_unref(server->credentials);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->mutex);
    pthread_mutex_destroy(&server->credentials_mutex);
    rpc_server_fini(base);
    free(server);
}

/* ---- starting ---- */

static const struct rpc_server_ops server_ops = {
    .port = get_port,
    .set_credentials = set_credentials,
    .stop_blocking = stop_blocking,
    .destroy = destroy,
};

enum hearth_code core_server_start(
    const struct rpc_server_options *options, struct rpc_server **out, struct hearth_err *err)
{
    struct core_server *server = create(options);
    enum hearth_code code = listen_on_all(server, options->addresses, err);
    grpc_server_start(server->server); /* also when it failed: one that never started cannot stop */
    if (code != HEARTH_OK) {
        stop_blocking(&server->base, 0);
        destroy(&server->base);
        return code;
    }
    for (unsigned i = 0; i < server->base.runtime->pump_count * REQUESTS_AHEAD; i++) {
        core_server_call_expect(
            server, core_runtime_queue_at(server->base.runtime, i / REQUESTS_AHEAD));
    }
    *out = &server->base;
    return HEARTH_OK;
}
