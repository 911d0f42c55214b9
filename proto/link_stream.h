/*
 * link_stream.h - one stream of the link: what its user asks, what the peer sends, how it ends.
 *
 *   user's calls --shared, a task--> take_calls --+--> out: OPEN, parts of the message, CLOSE, ...
 *                                                 |         --emit--> a record of the session
 *                                                 +--> in: read?
 *   frames of the session --begin, take--> in: partial --> inbox --> message()
 *   end(how) --> what came before was read --> closed()
 *
 * link_stream.c: the calls and the end; link_stream_in.c, link_stream_out.c: the two directions.
 * Private to link_*.
 */
#ifndef HEARTH_PROTO_LINK_STREAM_H
#define HEARTH_PROTO_LINK_STREAM_H

#include "proto/link_frame.h"
#include "proto/link_list.h"
#include "proto/link_mailbox.h"
#include "proto/link_timer.h"
#include "proto/rpc_transport.h"

struct link_session;
struct link_stream;

/* What the thread has that owns sessions and streams. */
struct link_base {
    struct env *env;
    struct link_mailbox mailbox;
    struct link_timers timers;
};

/* Whose stream it is: a channel, or a server. */
struct link_home {
    const struct link_home_ops *ops;
    struct link_base *base;
    const char *address; /* client: whom it is about */
};

struct link_home_ops {
    /* Client: it wants a session, or link_stream_end(). */
    void (*begin)(struct link_home *home, struct link_stream *stream);
    /* closed() has returned. */
    void (*over)(struct link_home *home);
};

/* A message that nobody has asked for yet. */
struct link_waiting {
    struct link_waiting *next;
    struct buf *message;
    uint32_t cost;
};

struct link_message {
    struct slice slices[RPC_STREAM_SLICES_MAX];
    size_t count;
    size_t size;
};

enum link_end {
    LINK_ANSWERED,  /* client: FINISH came; server: it went */
    LINK_CANCELLED, /* by us */
    LINK_EXPIRED,   /* its deadline passed */
    LINK_LOST,      /* the connection, or the stream by the peer's RESET */
    LINK_REFUSED,   /* the peer sent what no row allows */
};

struct link_stream {
    struct rpc_stream base; /* first */

    /* Set once. */
    atomic_uint refs; /* the user's, a posted task's, and ours until closed() has run */
    struct link_task task;
    struct link_base *owner; /* outlives home, which may go with the last stream's end */
    struct link_home *home;
    const struct rpc_stream_handlers *handlers;
    void *handler_context;
    uint64_t deadline_ns;
    uint8_t request_id[RPC_REQUEST_ID_SIZE];

    /* Any thread, holding mutex: what was asked, until the task takes it. */
    pthread_mutex_t mutex;
    struct {
        bool is_posted;
        bool is_over;
        bool is_reading; /* until the message */
        bool is_sending; /* until sent() */
        bool is_closed;  /* close or finish was called */
        bool read;
        bool send;
        bool close;
        bool finish;
        bool cancel;
        struct link_message message;
        enum hearth_code code;
        char text[RPC_MESSAGE_TEXT_MAX + 1];
    } shared;

    struct {
        struct link_session *session; /* NULL: none yet, or over */
        struct link_node node;        /* in the session's streams, or among a channel's waiting */
        struct link_node turn;        /* among those of the session that have something to send */
        uint32_t id;
        struct link_timer deadline;
        bool has_begun;

        /* In. */
        uint32_t in_credit; /* what the peer may still send */
        uint32_t owed;      /* of credit, not given back yet */
        uint32_t charged;   /* of credit, for what there is of `partial` */
        struct buf *partial;
        struct link_waiting *oldest;
        struct link_waiting **newest;
        bool is_reading;
        bool peer_closed;
        bool peer_closed_told;

        /* Out. */
        uint32_t out_credit;
        bool is_opened; /* the peer may know of it */
        bool has_message;
        bool is_begun; /* its first part went */
        struct link_message message;
        size_t slice;  /* the next byte's */
        size_t offset; /* ... in it */
        size_t left;
        bool close_due;
        bool finish_due;
        enum hearth_code finish_code;
        char finish_text[RPC_MESSAGE_TEXT_MAX + 1];

        bool has_ended; /* closed() waits for what was not read */
        bool is_over;   /* closed() ran */
        enum hearth_code code;
        struct hearth_err err;
    } on_pump;
};

static inline bool link_stream_at_client(const struct link_stream *stream)
{
    return stream->base.at_client;
}

/* ---- beginnings ---- */

/* Client, any thread: on the owner's thread the home's begin() is told, after *out was set. */
void link_stream_create(
    struct link_home *home, const struct rpc_opening *opening, struct rpc_stream **out);

/* Server, on the pump, from the session's open(). */
struct link_stream *link_stream_create_accepted(struct link_home *home,
    struct link_session *session, uint32_t id, const struct rpc_method_row *row,
    const struct rpc_context *context);

/* Server: its handlers from here on. */
void link_stream_accept(
    struct link_stream *stream, const struct rpc_stream_handlers *handlers, void *handler_context);

/* Server: opened() did not take it; forgets it without a word to anybody. */
void link_stream_forget(struct link_stream *stream);

/* ---- on the pump ---- */

/* A session has room for it, under this number. */
void link_stream_attach(struct link_stream *stream, struct link_session *session, uint32_t id);

/* `why`: for LINK_LOST and LINK_REFUSED. Nothing, when it has ended before. */
void link_stream_end(struct link_stream *stream, enum link_end end, const char *why);

/* Client: the peer's FINISH. */
void link_stream_answer(struct link_stream *stream, enum hearth_code code, struct view text);

/* Part of end(): closed(), once all that came before it was read. */
void link_stream_settle(struct link_stream *stream);

/* What the user gave to be sent, without waiting for the task, so that a record can be filled from
 * two messages. */
void link_stream_take_message(struct link_stream *stream);

/* The peer sent what no row allows; server: it is told so. */
void link_stream_refuse(struct link_stream *stream, const char *what, size_t size);

/* ---- link_stream_in.c ---- */

/* A MESSAGE or MORE begins: where its bytes go; NULL: nowhere (it was refused).
 * HEARTH_INVALID: it breaks the protocol. */
enum hearth_code link_stream_part(
    struct link_stream *stream, const struct link_head *head, uint8_t **to, struct hearth_err *err);

/* Its bytes are there. */
void link_stream_part_done(struct link_stream *stream, const struct link_head *head);

/* CLOSE. */
enum hearth_code link_stream_peer_close(struct link_stream *stream, struct hearth_err *err);

/* The user asked for a message. */
void link_stream_ask(struct link_stream *stream);

/* Gives the user what he asked for, when there is something. */
void link_stream_deliver(struct link_stream *stream);

void link_stream_drop_in(struct link_stream *stream);

/* ---- link_stream_out.c ---- */

/* It may have something to send: it gets a turn. */
void link_stream_want_turn(struct link_stream *stream);

enum hearth_code link_stream_credit(
    struct link_stream *stream, uint32_t credit, struct hearth_err *err);

/* What any frame but a part of a message fits in. */
enum { LINK_EMIT_ROOM = LINK_HEAD_SIZE + RPC_MESSAGE_TEXT_MAX };

/* Its next frame, and another turn if it has more; 0: it has none.  room >= LINK_EMIT_ROOM.  The
 * stream may be gone afterwards. */
size_t link_stream_emit(struct link_stream *stream, uint8_t *bytes, size_t room);

/* Takes the slices; those without an owner are copied. */
void link_message_init(
    struct link_message *message, const struct slice *slices TAKES, size_t count);
void link_message_fini(struct link_message *message);

#endif /* HEARTH_PROTO_LINK_STREAM_H */
