#include "proto/link_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    LEAVE_MS = 5000,         /* for a client to see that we go */
    TURN_BYTES = 256 * 1024, /* one connection's, before the others */
    NS_PER_MS = 1000000,
};

static void want_turn(struct link_conn *conn)
{
    if (!conn->is_over) {
        link_pump_want_turn(conn->pump, &conn->turn);
    }
}

static void fail(struct link_conn *conn, const struct hearth_err *why)
{
    if (!conn->has_failed) {
        conn->has_failed = true;
        conn->why = *why;
    }
    want_turn(conn);
}

void link_conn_end(struct link_conn *conn, const char *why)
{
    struct hearth_err err;
    hearth_fail(&err, HEARTH_UNREACHABLE, "%s", why);
    fail(conn, &err);
}

/* ---- times ---- */

static uint64_t now_ns(const struct link_conn *conn)
{
    return env_now_ns(conn->pump->base.env);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t silent_ns(const struct link_conn *conn)
{
    return conn->heard_ns + conn->keepalive_ns + (conn->is_pinged ? conn->keepalive_ns / 2 : 0);
}

static bool may_be_idle(const struct link_conn *conn)
{
    return conn->idle_ns == 0 || conn->is_busy || conn->leave_ns != 0;
}

static void set_timer(struct link_conn *conn)
{
    uint64_t due_ns = silent_ns(conn);
    if (!may_be_idle(conn)) {
        due_ns = least(due_ns, conn->quiet_ns + conn->idle_ns);
    }
    if (conn->leave_ns != 0) {
        due_ns = least(due_ns, conn->leave_ns);
    }
    link_timer_set(&conn->pump->base.timers, &conn->timer, due_ns);
}

void link_conn_leave(struct link_conn *conn)
{
    if (conn->state != LINK_STANDING) {
        link_conn_end(conn, "going away");
    } else if (conn->leave_ns == 0) {
        conn->leave_ns = now_ns(conn) + (uint64_t)LEAVE_MS * NS_PER_MS;
        link_session_go_away(&conn->session);
        set_timer(conn);
    }
}

static void tick(struct link_conn *conn)
{
    const uint64_t now = now_ns(conn);
    if (conn->leave_ns != 0 && now >= conn->leave_ns) {
        link_conn_end(conn, "going away");
    } else if (now >= silent_ns(conn) && conn->is_pinged) {
        link_conn_end(conn, "the peer is silent");
    } else if (now >= silent_ns(conn)) {
        conn->is_pinged = true;
        link_session_ping(&conn->session, (uint32_t)now);
    } else if (!may_be_idle(conn) && now >= conn->quiet_ns + conn->idle_ns) {
        link_conn_leave(conn);
    }
    if (!conn->is_busy) {
        SSL_free_buffers(conn->ssl); /* if nothing is in them */
    }
    if (!conn->has_failed) {
        set_timer(conn);
    }
}

static void on_timer(struct link_timer *timer)
{
    struct link_conn *conn = LINK_OF(timer, struct link_conn, timer);
    if (conn->state == LINK_STANDING && conn->session.is_greeted) {
        tick(conn);
    } else {
        link_conn_end(conn,
            conn->state == LINK_CONNECTING ? "connect: took too long"
                                           : "TLS handshake: took too long");
    }
}

/* ---- in ---- */

/* false: nothing more to be had from it now. */
static bool read_some(struct link_conn *conn, size_t *total)
{
    size_t size;
    size_t got = 0;
    uint8_t *to = link_session_room(&conn->session, &size);
    int rc = SSL_read_ex(conn->ssl, to, size, &got);
    if (rc == 1) {
        *total += got;
        if (!link_session_advance(&conn->session, got)) {
            fail(conn, &conn->session.err);
        }
        return !conn->has_failed;
    }
    int reason = SSL_get_error(conn->ssl, rc);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
        struct hearth_err err;
        link_tls_fail(conn->ssl, reason, "receive", &err);
        fail(conn, &err);
    }
    return false;
}

static void read_all(struct link_conn *conn)
{
    size_t total = 0;
    conn->has_input = false;
    ERR_clear_error();
    while (!conn->has_failed && read_some(conn, &total)) {
        if (total >= TURN_BYTES) {
            conn->has_input = true;
            break;
        }
    }
    if (total > 0) {
        conn->heard_ns = now_ns(conn);
        conn->is_pinged = false;
    }
    want_turn(conn);
}

/* ---- the handshake ---- */

static void stand(struct link_conn *conn)
{
    struct hearth_err err;
    if (link_tls_peer(conn->ssl, &conn->peer, &err) != HEARTH_OK ||
        conn->ops->established(conn, &err) != HEARTH_OK) {
        fail(conn, &err);
        return;
    }
    conn->state = LINK_STANDING;
    conn->heard_ns = conn->quiet_ns = now_ns(conn);
    if (conn->session.side == LINK_SERVER) {
        link_session_greet(&conn->session);
        set_timer(conn);
    }
    read_all(conn);
}

static void shake(struct link_conn *conn)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(conn->ssl);
    if (rc == 1) {
        stand(conn);
        return;
    }
    int reason = SSL_get_error(conn->ssl, rc);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
        struct hearth_err err;
        link_tls_fail(conn->ssl, reason, "TLS handshake", &err);
        fail(conn, &err);
    }
    want_turn(conn);
}

static void connected(struct link_conn *conn)
{
    int failure = 0;
    socklen_t size = sizeof(failure);
    if (getsockopt(conn->wire.fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0) {
        failure = errno;
    }
    if (failure != 0) {
        struct hearth_err err;
        hearth_fail_sys(&err, HEARTH_UNREACHABLE, failure, "connect");
        fail(conn, &err);
        return;
    }
    conn->state = LINK_SHAKING;
    shake(conn);
}

static void on_ready(struct link_watch *watch, uint32_t events)
{
    struct link_conn *conn = LINK_OF(watch, struct link_conn, watch);
    if (conn->has_failed) {
        return; /* its last turn comes */
    }
    conn->wire.is_drained = false;
    if (conn->state == LINK_CONNECTING) {
        connected(conn);
    } else if (conn->state == LINK_SHAKING) {
        shake(conn);
    } else if ((events & ~(uint32_t)EPOLLOUT) != 0) {
        read_all(conn);
    }
    want_turn(conn);
}

/* ---- out ---- */

/* Records into the outbox, as many as it takes; returns the bytes of frames. */
static size_t make_records(struct link_conn *conn)
{
    uint8_t *record = conn->pump->record;
    size_t total = 0;
    ERR_clear_error();
    while (!conn->has_failed && link_wire_has_room(&conn->wire)) {
        size_t done = 0;
        size_t size = link_session_fill(&conn->session, record);
        if (size == 0) {
            break;
        }
        int rc = SSL_write_ex(conn->ssl, record, size, &done);
        if (rc != 1 || done != size) {
            struct hearth_err err;
            link_tls_fail(conn->ssl, SSL_get_error(conn->ssl, rc), "send", &err);
            fail(conn, &err);
        }
        total += size;
    }
    return total;
}

static void send_outbox(struct link_conn *conn)
{
    int failure = link_wire_send(&conn->wire);
    if (failure != 0 && failure != EAGAIN) {
        struct hearth_err err;
        hearth_fail_sys(&err, HEARTH_UNREACHABLE, failure, "send");
        fail(conn, &err);
    }
}

/* There is more to say, and the socket may take it: no event will come to tell. */
static bool may_go_on(const struct link_conn *conn)
{
    return conn->state == LINK_STANDING && !conn->has_failed &&
        !link_wire_has_output(&conn->wire) && link_session_has_output(&conn->session);
}

static void write_all(struct link_conn *conn)
{
    size_t total = 0;
    do {
        total += conn->state == LINK_STANDING ? make_records(conn) : 0;
        send_outbox(conn);
    } while (may_go_on(conn) && total < TURN_BYTES);
    if (may_go_on(conn)) {
        want_turn(conn);
    }
}

static void watch_what_matters(struct link_conn *conn)
{
    uint32_t events = conn->state == LINK_CONNECTING ? 0 : EPOLLIN;
    if (conn->state == LINK_CONNECTING || link_wire_has_output(&conn->wire)) {
        events |= EPOLLOUT;
    }
    if (events != conn->events) {
        conn->events = events;
        link_pump_change(conn->pump, conn->wire.fd, &conn->watch, events);
    }
}

/* ---- the session's ---- */

static void session_open(void *owner, const struct link_head *head, struct view payload)
{
    struct link_conn *conn = owner;
    conn->ops->open(conn, head, payload);
}

static void session_changed(void *owner)
{
    struct link_conn *conn = owner;
    conn->has_changed = true;
    want_turn(conn);
}

static const struct link_session_ops session_ops = {
    .open = session_open, .changed = session_changed};

static void note_changes(struct link_conn *conn)
{
    conn->has_changed = false;
    const bool is_busy = conn->session.stream_count > 0;
    if (conn->is_busy && !is_busy) {
        conn->quiet_ns = now_ns(conn);
    }
    const bool differs = conn->is_busy != is_busy;
    conn->is_busy = is_busy;
    if (conn->session.is_greeted && (differs || conn->timer.due_ns > silent_ns(conn))) {
        set_timer(conn);
    }
    if (conn->session.peer_goes && !is_busy) {
        link_conn_end(conn, "the peer went away");
    }
    conn->ops->changed(conn);
}

/* ---- turns ---- */

static void finish(struct link_conn *conn)
{
    struct link_pump *pump = conn->pump;
    conn->is_over = true;
    link_timer_clear(&pump->base.timers, &conn->timer);
    if (conn->state == LINK_STANDING) {
        ERR_clear_error();
        SSL_shutdown(conn->ssl); /* one alert; nobody waits for the answer */
        ERR_clear_error();
    }
    link_wire_send(&conn->wire);
    link_session_fini(&conn->session, conn->why.message);
    link_pump_forget(pump, conn->wire.fd);
    close(conn->wire.fd);
    SSL_free(conn->ssl);
    link_wire_clear(&conn->wire);
    conn->ops->ended(conn, &conn->why);
    free(conn);
    link_pump_remove_user(pump);
}

static void take_turn(struct link_turn *turn)
{
    struct link_conn *conn = LINK_OF(turn, struct link_conn, turn);
    if (conn->has_input && !conn->has_failed) {
        read_all(conn);
    }
    if (!conn->has_failed && conn->has_changed) {
        note_changes(conn);
    }
    if (!conn->has_failed) {
        write_all(conn);
    }
    if (conn->session.has_failed) {
        fail(conn, &conn->session.err);
    }
    if (conn->has_failed) {
        link_node_leave(&conn->turn.node);
        finish(conn);
    } else {
        watch_what_matters(conn);
    }
}

struct link_conn *link_conn_create(const struct link_conn_options *options)
{
    struct link_conn *conn = calloc(1, sizeof(*conn));
    assert(conn != NULL);
    conn->pump = options->pump;
    conn->ops = options->ops;
    conn->owner = options->owner;
    conn->wire.fd = options->fd;
    conn->keepalive_ns =
        (uint64_t)rpc_or_default(options->keepalive_ms, RPC_KEEPALIVE_MS) * NS_PER_MS;
    conn->idle_ns = (uint64_t)options->idle_ms * NS_PER_MS;
    conn->state = options->side == LINK_CLIENT ? LINK_CONNECTING : LINK_SHAKING;
    link_node_init(&conn->node);
    link_node_init(&conn->turn.node);
    conn->watch.ready = on_ready;
    conn->turn.take = take_turn;
    conn->timer.fire = on_timer;
    conn->wire.spare = &conn->pump->spare_outbox;
    conn->ssl =
        link_tls_create(options->credentials->tls, options->pump->bio, &conn->wire, options->name);
    link_session_init(&conn->session, &options->pump->base, options->side, options->streams_max,
        &session_ops, conn);
    int on = 1;
    setsockopt(conn->wire.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* only slower without */
    conn->events = conn->state == LINK_CONNECTING ? EPOLLOUT : EPOLLIN;
    link_pump_add_user(conn->pump);
    link_pump_watch(conn->pump, conn->wire.fd, &conn->watch, conn->events);
    link_timer_set(&conn->pump->base.timers, &conn->timer, options->until_ns);
    return conn;
}
