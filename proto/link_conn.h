/*
 * link_conn.h - one connection of the link: a socket, TLS, a session, and the times that end it.
 *
 *   CONNECTING --> SHAKING --established(), greeted--> OPEN --> its last turn: ended(), freed
 *   (client)
 *
 * It ends when the peer goes, breaks TLS or the protocol, is silent for longer than keepalive
 * allows, or when its owner says so; every stream of it ends with that.
 *
 * Thread-safety: the pump's alone.
 */
#ifndef HEARTH_PROTO_LINK_CONN_H
#define HEARTH_PROTO_LINK_CONN_H

#include "proto/link_pump.h"
#include "proto/link_session.h"
#include "proto/link_tls.h"

struct link_conn;

struct link_conn_ops {
    /* The handshake is done and conn->peer read. Any code but HEARTH_OK ends the connection. */
    enum hearth_code (*established)(struct link_conn *conn, struct hearth_err *err);
    /* Server: as the session's. */
    void (*open)(struct link_conn *conn, const struct link_head *head, struct view payload);
    /* In a turn: greeted, or fewer streams, or the peer goes away. */
    void (*changed)(struct link_conn *conn);
    /* It is over and will be freed; its streams have ended. */
    void (*ended)(struct link_conn *conn, const struct hearth_err *why);
};

enum link_conn_state { LINK_CONNECTING, LINK_SHAKING, LINK_STANDING };

struct link_conn {
    struct link_watch watch;
    struct link_turn turn;
    struct link_timer timer;
    struct link_node node; /* the owner's */

    /* Set once. */
    struct link_pump *pump;
    const struct link_conn_ops *ops;
    void *owner;
    SSL *ssl;
    uint64_t keepalive_ns;
    uint64_t idle_ns; /* 0: it may be idle for ever */
    char address[RPC_ADDRESS_TEXT_SIZE];

    enum link_conn_state state;
    struct link_wire wire;
    uint32_t events; /* watched */
    bool has_input;  /* that epoll does not know of */
    bool has_changed;
    uint64_t heard_ns; /* from the peer */
    bool is_pinged;    /* since */
    uint64_t quiet_ns; /* since when there is no stream */
    bool is_busy;      /* there is one */
    uint64_t leave_ns; /* when it ends at the latest; 0: not leaving */
    struct pki_certificate peer;

    bool has_failed;
    bool is_over;
    struct hearth_err why;

    struct link_session session;
};

struct link_conn_options {
    struct link_pump *pump;
    struct rpc_credentials *credentials;
    int fd; /* taken; does not block */
    enum link_side side;
    const char *name; /* client: whom we ask for */
    unsigned streams_max;
    unsigned keepalive_ms;
    unsigned idle_ms;
    uint64_t until_ns; /* it has to stand by then */
    const struct link_conn_ops *ops;
    void *owner;
};

struct link_conn *link_conn_create(const struct link_conn_options *options);

/* It ends in its next turn; the first reason stays. */
void link_conn_end(struct link_conn *conn, const char *why);

/* Server: takes no more streams, and ends when the client has closed, or soon. */
void link_conn_leave(struct link_conn *conn);

#endif /* HEARTH_PROTO_LINK_CONN_H */
