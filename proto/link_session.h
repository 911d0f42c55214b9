/*
 * link_session.h - one end of a connection as frames: bytes in, bytes out, streams between.
 *
 *   bytes from the peer --room, advance--> head --> a stream's buffer, in place
 *                                           \----> what is small: OPEN, FINISH
 *   streams with a turn, control frames --fill--> one TLS record's worth of bytes
 *
 * Pure but for the streams' handlers: no socket, no TLS, no clock.  What the peer may not send ends
 * the session; memory is bounded by streams_max and LINK_WINDOW, and answers that a peer can ask
 * for without reading them by `control`.
 *
 * Thread-safety: the pump's alone.
 */
#ifndef HEARTH_PROTO_LINK_SESSION_H
#define HEARTH_PROTO_LINK_SESSION_H

#include "proto/link_stream.h"

enum {
    /* Room for an answer to each of the streams that a peer may open before it reads. */
    LINK_CONTROL_MAX = (RPC_STREAMS_MAX + 4) * (LINK_HEAD_SIZE + RPC_MESSAGE_TEXT_MAX),
};

struct link_session_ops {
    /* Server: a stream of this number; link_stream_create_accepted() or link_session_finish(). */
    void (*open)(void *owner, const struct link_head *head, struct view payload);
    /* There is something to fill, or fewer streams, or the peer goes away. */
    void (*changed)(void *owner);
};

struct link_session {
    /* Set once. */
    struct link_base *base;
    enum link_side side;
    const struct link_session_ops *ops;
    void *owner;

    unsigned streams_max; /* client: from HELLO */
    struct link_node streams;
    unsigned stream_count;
    struct link_node turns;
    uint32_t last_id; /* opened by the client */
    bool is_greeted;  /* HELLO came, or went */
    bool peer_goes;   /* client: GOAWAY came */
    bool we_go;       /* server: it went, no stream is opened any more */
    uint32_t pongs;   /* how many came */

    uint8_t control[LINK_CONTROL_MAX];
    size_t control_size;

    /* The frame that is coming in. */
    uint8_t head_bytes[LINK_HEAD_SIZE];
    size_t head_size;
    struct link_head head;
    uint32_t left; /* of its payload */
    uint8_t *to;   /* NULL: `small`, which is overwritten by a part that nobody wants */
    size_t small_size;
    struct link_stream *receiving; /* whose part it is */
    uint8_t small[LINK_SMALL_MAX];

    bool has_failed;
    struct hearth_err err; /* when it has */
};

void link_session_init(struct link_session *session, struct link_base *base, enum link_side side,
    unsigned streams_max, const struct link_session_ops *ops, void *owner);

/* Every stream ends with LINK_LOST. */
void link_session_fini(struct link_session *session, const char *why);

/* Where the next bytes of the peer go, and how many at most. */
uint8_t *link_session_room(struct link_session *session, size_t *size);

/* They are there. false: the session has failed, and err says why. */
bool link_session_advance(struct link_session *session, size_t size);

/* The next bytes for the peer, at most LINK_RECORD_MAX; 0: nothing. */
size_t link_session_fill(struct link_session *session, uint8_t bytes[LINK_RECORD_MAX]);
bool link_session_has_output(const struct link_session *session);

/* Server: the connection stands. */
void link_session_greet(struct link_session *session);
void link_session_ping(struct link_session *session, uint32_t value);
void link_session_go_away(struct link_session *session);
void link_session_reset(struct link_session *session, uint32_t stream);
void link_session_finish(
    struct link_session *session, uint32_t stream, enum hearth_code code, const char *text);

/* A stream comes, or goes; the stream's files call these. */
void link_session_add(struct link_session *session, struct link_stream *stream);
void link_session_remove(struct link_session *session, struct link_stream *stream);

/* Client: a number for the next stream; it opens no more than this. false: none is left. */
bool link_session_next_id(struct link_session *session, uint32_t *id);

#endif /* HEARTH_PROTO_LINK_SESSION_H */
