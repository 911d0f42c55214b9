/*
 * link_server.c - a server of the link: listens, bounds who may be there at once, an orderly stop.
 *
 *   accept --room?--> handshake --> greeted --OPEN--> who, what, how long, room? --> opened()
 *
 * One peer has peer_connections_max connections and, on all of them, peer_streams_max streams; more
 * is refused, so that nobody keeps the others out.
 *
 * At connections_max a newcomer takes the place of who is worth least: the oldest that has not
 * finished its handshake, else the one that has been without a stream for longest.  When all are
 * busy it is sent away.
 */
#include "common/moment.h"
#include "proto/accept.h"
#include "proto/link_conn.h"
#include "proto/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum {
    BACKLOG = 128,
    CONNECTIONS_MAX = 128,
    /* Too low: who lost a connection cannot come back before the server has noticed.  Too high: a
       few peers fill the server. */
    PEER_CONNECTIONS_MAX = 8,
    HANDSHAKES_MAX = 32,
    ACCEPTS_AT_ONCE = 16,
    PAUSE_MS = 100, /* when there is no descriptor left */
    NS_PER_MS = 1000000,
};

struct listener {
    struct link_watch watch;
    struct link_server *server;
    int fd;
};

struct link_server {
    struct rpc_server base; /* first */
    struct link_home home;

    /* Set once. */
    struct link_pump *pump;
    unsigned connections_max;
    unsigned streams_max;
    unsigned peer_connections_max;
    unsigned peer_streams_max;
    unsigned handshake_timeout_ms;
    unsigned keepalive_ms;
    unsigned idle_ms;
    unsigned port;
    struct listener listeners[RPC_ADDRESSES_MAX];
    unsigned listener_count;
    struct link_task leave_task;
    struct link_task end_task;

    struct {
        struct link_node shaking; /* oldest first */
        struct link_node standing;
        unsigned shaking_count;
        unsigned standing_count;
        struct link_timer resume; /* set: not accepting */
        bool is_ending;           /* no connection is let in any more, and none may stay */
    } on_pump;

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct rpc_credentials *credentials;
    unsigned calls;
    bool is_over; /* no connection is left, nor will be */
};

static uint64_t after_ms(const struct link_server *server, unsigned ms)
{
    return env_now_ns(server->pump->base.env) + (uint64_t)ms * NS_PER_MS;
}

/* ---- calls ---- */

static bool count_call(struct link_server *server)
{
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    if (server->calls >= server->base.calls_max) {
        return false;
    }
    server->calls++;
    return true;
}

static void forget_call(struct link_home *home)
{
    struct link_server *server = LINK_OF(home, struct link_server, home);
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    assert(server->calls > 0);
    server->calls--;
    pthread_cond_broadcast(&server->changed);
}

static const struct link_home_ops home_ops = {.over = forget_call};

/* ---- what one peer has here ---- */

struct share {
    unsigned connections;
    unsigned streams;
};

static struct share share_of(const struct link_server *server, const struct peer_identity *peer)
{
    struct share share = {0};
    const struct link_node *ring = &server->on_pump.standing;
    for (const struct link_node *at = ring->next; at != ring; at = at->next) {
        const struct link_conn *conn = LINK_OF(at, struct link_conn, node);
        if (!conn->has_failed && memcmp(conn->peer.identity.id, peer->id, PKI_ID_SIZE) == 0) {
            share.connections++;
            share.streams += conn->session.stream_count;
        }
    }
    return share;
}

static enum hearth_code examine(const struct link_conn *conn, const struct link_head *head,
    struct view payload, struct rpc_context *context, struct hearth_err *err)
{
    const struct link_server *server = conn->owner;
    const struct view path =
        view_of(payload.bytes + RPC_REQUEST_ID_SIZE, payload.size - RPC_REQUEST_ID_SIZE);
    memcpy(context->request_id, payload.bytes, RPC_REQUEST_ID_SIZE);
    memcpy(context->address, conn->address, sizeof(context->address));
    enum hearth_code code = rpc_server_find_method(&server->base, path, context, err);
    if (code == HEARTH_OK && server->base.table->rows[context->method].kind == RPC_UNARY) {
        code = hearth_fail(err, HEARTH_UNIMPLEMENTED, "streams alone are served here");
    }
    if (code == HEARTH_OK) {
        code = rpc_server_check_peer(&server->base, &conn->peer, context, err);
    }
    if (code == HEARTH_OK &&
        share_of(server, &conn->peer.identity).streams >= server->peer_streams_max) {
        code = hearth_fail(
            err, HEARTH_BUSY, "this peer has %u calls open already", server->peer_streams_max);
    }
    if (code == HEARTH_OK) {
        code = rpc_server_take_deadline(&server->base, head->value, context, err);
    }
    return code;
}

static enum hearth_code open_stream(struct link_server *server, struct link_conn *conn, uint32_t id,
    const struct rpc_context *context, struct hearth_err *err)
{
    struct link_stream *stream = link_stream_create_accepted(
        &server->home, &conn->session, id, &server->base.table->rows[context->method], context);
    const struct rpc_stream_handlers *handlers = NULL;
    void *handler_context = NULL;
    enum hearth_code code =
        rpc_server_open_stream(&server->base, &stream->base, &handlers, &handler_context, err);
    if (code == HEARTH_OK) {
        link_stream_accept(stream, handlers, handler_context);
    } else {
        link_stream_forget(stream);
    }
    return code;
}

static void on_open(struct link_conn *conn, const struct link_head *head, struct view payload)
{
    struct link_server *server = conn->owner;
    struct rpc_context context = {.arena = NULL};
    struct hearth_err err;
    enum hearth_code code = examine(conn, head, payload, &context, &err);
    if (code == HEARTH_OK && !count_call(server)) {
        code = hearth_fail(&err, HEARTH_BUSY, "%u calls are open already", server->base.calls_max);
    } else if (code == HEARTH_OK) {
        code = open_stream(server, conn, head->stream, &context, &err);
        if (code != HEARTH_OK) {
            forget_call(&server->home);
        }
    }
    if (code != HEARTH_OK) {
        link_session_finish(&conn->session, head->stream, code, err.message);
    }
}

/* ---- connections ---- */

static enum hearth_code on_established(struct link_conn *conn, struct hearth_err *err)
{
    struct link_server *server = conn->owner;
    struct peer_identity own;
    {
        UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
        own = rpc_credentials_certificate(server->credentials)->identity;
    }
    if (memcmp(own.cluster, conn->peer.identity.cluster, PKI_CLUSTER_SIZE) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "it is of another cluster");
    }
    if (share_of(server, &conn->peer.identity).connections >= server->peer_connections_max) {
        return hearth_fail(
            err, HEARTH_BUSY, "this peer has %u connections already", server->peer_connections_max);
    }
    link_node_leave(&conn->node);
    link_node_join(&server->on_pump.standing, &conn->node);
    server->on_pump.shaking_count--;
    server->on_pump.standing_count++;
    return HEARTH_OK;
}

static void on_changed(struct link_conn *conn)
{
    (void)conn;
}

/* The server may be gone afterwards. */
static void end_if_empty(struct link_server *server)
{
    if (!server->on_pump.is_ending ||
        server->on_pump.shaking_count + server->on_pump.standing_count > 0) {
        return;
    }
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    server->is_over = true;
    pthread_cond_broadcast(&server->changed);
}

static void on_ended(struct link_conn *conn, const struct hearth_err *why)
{
    (void)why; /* strangers may not write to our log */
    struct link_server *server = conn->owner;
    link_node_leave(&conn->node);
    if (conn->state == LINK_STANDING) {
        server->on_pump.standing_count--;
    } else {
        server->on_pump.shaking_count--;
    }
    end_if_empty(server);
}

static const struct link_conn_ops conn_ops = {
    .established = on_established, .open = on_open, .changed = on_changed, .ended = on_ended};

/* ---- accepting ---- */

/* The first of a ring that is not ending already; NULL: none. */
static struct link_conn *first_living(const struct link_node *ring, bool must_be_quiet)
{
    struct link_conn *found = NULL;
    for (const struct link_node *at = ring->next; at != ring; at = at->next) {
        struct link_conn *conn = LINK_OF(at, struct link_conn, node);
        if (conn->has_failed || (must_be_quiet && conn->session.stream_count > 0)) {
            continue;
        }
        if (found == NULL || (must_be_quiet && conn->quiet_ns < found->quiet_ns)) {
            found = conn;
        }
    }
    return found;
}

static bool has_room(const struct link_server *server)
{
    return server->on_pump.shaking_count < HANDSHAKES_MAX &&
        server->on_pump.shaking_count + server->on_pump.standing_count < server->connections_max;
}

/* true: somebody ends and leaves his place in his next turn. */
static bool make_room(struct link_server *server)
{
    struct link_conn *least = first_living(&server->on_pump.shaking, false);
    if (least == NULL) {
        least = first_living(&server->on_pump.standing, true);
    }
    if (least != NULL) {
        link_conn_end(least, "its place is needed");
    }
    return least != NULL;
}

static void write_address(const struct sockaddr_storage *from, char text[RPC_ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        snprintf(text, RPC_ADDRESS_TEXT_SIZE, "ipv6:[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        snprintf(text, RPC_ADDRESS_TEXT_SIZE, "ipv4:%s:%u", host, ntohs(v4->sin_port));
    }
}

static void admit(struct link_server *server, int fd TAKES, const struct sockaddr_storage *from)
{
    struct rpc_credentials *credentials;
    {
        UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
        credentials = rpc_credentials_ref(server->credentials);
    }
    const struct link_conn_options options = {
        .pump = server->pump,
        .credentials = credentials,
        .fd = fd,
        .side = LINK_SERVER,
        .streams_max = server->streams_max,
        .keepalive_ms = server->keepalive_ms,
        .idle_ms = server->idle_ms,
        .until_ns = after_ms(server, server->handshake_timeout_ms),
        .ops = &conn_ops,
        .owner = server,
    };
    struct link_conn *conn = link_conn_create(&options);
    rpc_credentials_unref(credentials); /* SSL holds on to its context */
    write_address(from, conn->address);
    link_node_join(&server->on_pump.shaking, &conn->node);
    server->on_pump.shaking_count++;
}

static void watch_listeners(struct link_server *server, uint32_t events)
{
    for (unsigned i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        link_pump_change(server->pump, listener->fd, &listener->watch, events);
    }
}

static void on_resume(struct link_timer *timer)
{
    watch_listeners(LINK_OF(timer, struct link_server, on_pump.resume), EPOLLIN);
}

/* Without a descriptor left the listener would stay ready and have us spin. */
static void pause_accepting(struct link_server *server)
{
    watch_listeners(server, 0);
    link_timer_set(&server->pump->base.timers, &server->on_pump.resume, after_ms(server, PAUSE_MS));
}

static bool is_somebody_there(const struct listener *listener)
{
    struct pollfd polled = {.fd = listener->fd, .events = POLLIN};
    return poll(&polled, 1, 0) > 0;
}

/* false: nobody else is there, or has to wait. */
static bool accept_one(struct listener *listener)
{
    struct link_server *server = listener->server;
    const bool is_full = !has_room(server);
    if (is_full && is_somebody_there(listener) && make_room(server)) {
        return false;
    }
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(from);
    int fd = accept_connection(listener->fd, (struct sockaddr *)&from, &size);
    if (fd < 0) {
        if (accept_lacks_resources(errno)) {
            pause_accepting(server);
            return false;
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    if (is_full) {
        close(fd);
    } else {
        admit(server, fd, &from);
    }
    return true;
}

static void on_connection(struct link_watch *watch, uint32_t events)
{
    (void)events;
    struct listener *listener = LINK_OF(watch, struct listener, watch);
    for (unsigned i = 0; i < ACCEPTS_AT_ONCE && accept_one(listener); i++) {
    }
}

/* ---- listening ---- */

static enum hearth_code add_listener(
    struct link_server *server, const char *address, struct hearth_err *err)
{
    struct listener *listener = &server->listeners[server->listener_count];
    *listener = (struct listener){.watch.ready = on_connection, .server = server};
    enum hearth_code code = listen_on(address, BACKLOG, &listener->fd, err);
    if (code == HEARTH_OK) {
        server->listener_count++;
        server->port = server->port == 0 ? listen_port(listener->fd) : server->port;
    }
    return code;
}

/* ---- the end ---- */

static void on_leave(struct link_task *task)
{
    struct link_server *server = LINK_OF(task, struct link_server, leave_task);
    link_timer_clear(&server->pump->base.timers, &server->on_pump.resume);
    for (unsigned i = 0; i < server->listener_count; i++) {
        link_pump_forget(server->pump, server->listeners[i].fd);
        close(server->listeners[i].fd);
    }
    server->listener_count = 0;
    struct link_node *const rings[] = {&server->on_pump.shaking, &server->on_pump.standing};
    for (unsigned i = 0; i < 2; i++) {
        for (struct link_node *at = rings[i]->next; at != rings[i]; at = at->next) {
            link_conn_leave(LINK_OF(at, struct link_conn, node));
        }
    }
}

static void on_end(struct link_task *task)
{
    struct link_server *server = LINK_OF(task, struct link_server, end_task);
    for (struct link_node *at = server->on_pump.standing.next; at != &server->on_pump.standing;
         at = at->next) {
        link_conn_end(LINK_OF(at, struct link_conn, node), "going away");
    }
    server->on_pump.is_ending = true;
    link_pump_remove_user(server->pump);
    end_if_empty(server);
}

/* false: grace_ms passed first. */
static bool wait_for_calls(struct link_server *server, uint32_t grace_ms)
{
    const struct timespec until = moment_after_ms(grace_ms);
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    int rc = 0;
    while (server->calls > 0 && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&server->changed, held, &until);
    }
    return server->calls == 0;
}

static void stop_blocking(struct rpc_server *base, uint32_t grace_ms)
{
    struct link_server *server = (struct link_server *)base;
    link_mailbox_post(&server->pump->base.mailbox, &server->leave_task);
    wait_for_calls(server, grace_ms);
    /* Also when there were none left: a peer that keeps its connection must not hold us. */
    link_mailbox_post(&server->pump->base.mailbox, &server->end_task);
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    while (!server->is_over || server->calls > 0) {
        pthread_cond_wait(&server->changed, held);
    }
}

static void destroy(struct rpc_server *base)
{
    struct link_server *server = (struct link_server *)base;
    assert(server->is_over && server->calls == 0);
    rpc_server_fini(base);
    rpc_credentials_unref(server->credentials);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

/* ---- starting ---- */

static unsigned get_port(const struct rpc_server *base)
{
    return ((const struct link_server *)base)->port;
}

static void set_credentials(struct rpc_server *base, struct rpc_credentials *credentials)
{
    struct link_server *server = (struct link_server *)base;
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    rpc_credentials_unref(server->credentials);
    server->credentials = rpc_credentials_ref(credentials);
}

static const struct rpc_server_ops server_ops = {
    .port = get_port,
    .set_credentials = set_credentials,
    .stop_blocking = stop_blocking,
    .destroy = destroy,
};

/* Each call may hold its window and the message that is coming in. */
static void bound_memory(struct rpc_server *server, const struct rpc_server_options *options)
{
    const size_t memory_max = options->memory_max > 0 ? options->memory_max : RPC_MEMORY_MAX;
    const size_t each = LINK_WINDOW + rpc_server_request_max(server);
    assert(memory_max >= each);
    if (server->calls_max > memory_max / each) {
        server->calls_max = (unsigned)(memory_max / each);
    }
}

static struct link_server *create(const struct rpc_server_options *options)
{
    struct link_server *server = calloc(1, sizeof(*server));
    assert(server != NULL);
    server->base.ops = &server_ops;
    rpc_server_init(&server->base, options);
    bound_memory(&server->base, options);
    server->pump = options->runtime->link;
    server->home = (struct link_home){.ops = &home_ops, .base = &server->pump->base};
    server->connections_max = CONNECTIONS_MAX;
    server->streams_max = rpc_or_default(options->streams_max, RPC_STREAMS_MAX);
    server->peer_connections_max =
        rpc_or_default(options->peer_connections_max, PEER_CONNECTIONS_MAX);
    server->peer_streams_max = rpc_or_default(options->peer_streams_max, server->streams_max);
    server->handshake_timeout_ms =
        rpc_or_default(options->handshake_timeout_ms, RPC_HANDSHAKE_TIMEOUT_MS);
    server->keepalive_ms = options->keepalive_ms;
    server->idle_ms = rpc_or_default(options->idle_ms, RPC_IDLE_MS);
    server->credentials = rpc_credentials_ref(options->credentials);
    server->leave_task.run = on_leave;
    server->end_task.run = on_end;
    server->on_pump.resume.fire = on_resume;
    link_node_init(&server->on_pump.shaking);
    link_node_init(&server->on_pump.standing);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return server;
}

enum hearth_code link_server_start(
    const struct rpc_server_options *options, struct rpc_server **out, struct hearth_err *err)
{
    struct link_server *server = create(options);
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0;
         i < RPC_ADDRESSES_MAX && options->addresses[i] != NULL && code == HEARTH_OK; i++) {
        code = add_listener(server, options->addresses[i], err);
    }
    if (code != HEARTH_OK) {
        for (unsigned i = 0; i < server->listener_count; i++) {
            close(server->listeners[i].fd);
        }
        server->is_over = true;
        destroy(&server->base);
        return code;
    }
    link_pump_add_user(server->pump);
    for (unsigned i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        link_pump_watch(server->pump, listener->fd, &listener->watch, EPOLLIN);
    }
    *out = &server->base;
    return HEARTH_OK;
}
