/*
 * rpc_stream.h - messages in both directions with back-pressure; the same at both ends.
 *
 *   client: rpc_stream_open            server: the method's opened() is given the stream
 *        |                                  |
 *        |  read --> message(buf)           |       one read and one send may be outstanding
 *        |  read --> message(NULL)          |       the peer will send no more
 *        |  send --> sent()                 |       taken by the transport; the next may follow
 *        |  send_close (client)             |  finish(code, text) (server)
 *        v                                  v
 *      closed(code), once and last        closed(code), once and last
 *        v                                  v
 *      rpc_stream_release                 rpc_stream_release
 *
 * Handlers run on a pump thread, one at a time for a stream, never inside a call of ours.  They
 * must not block: post to a loop or mailbox, or start the next read or send.
 *
 * A read or send that the end of the stream overtakes has no callback of its own; closed() is its
 * answer.  After closed() the calls below do nothing.  At the client closed() comes when the
 * peer's status has arrived AND every message before it was read: read until message(NULL), or
 * cancel.  message(NULL) alone says nothing about success; closed()'s code does.
 *
 * Memory: a stream holds at most one message to send, one being received and 512 KiB of what
 * the peer sent ahead.  Whoever does not read stops the sender.
 *
 * Thread-safety: any thread, until release.
 */
#ifndef HEARTH_PROTO_RPC_STREAM_H
#define HEARTH_PROTO_RPC_STREAM_H

#include "common/buf.h"
#include "proto/rpc_channel.h"

struct rpc_stream;

struct rpc_stream_handlers {
    /* The message asked for, now yours, its bytes aligned to 64; NULL: the peer half-closed. */
    void (*message)(void *context, struct buf *message TAKES);

    /* The last send was accepted by the transport's flow control.  NULL: not of interest. */
    void (*sent)(void *context);

    /*
     * The end: no other handler runs after it.  At the client, code is the peer's (or of the
     * failures in rpc_channel.h).  At the server: HEARTH_OK when our finish() was delivered to
     * the transport, HEARTH_CANCELLED when the client cancelled, left, or ran out of time first.
     * `err` is set when code is not HEARTH_OK, and borrowed for the call.
     */
    void (*closed)(void *context, enum hearth_code code, const struct hearth_err *err);
};

/*
 * Client.  Never waits: what goes wrong on the way is told by closed().  With request->message
 * set it is encoded and sent as the first message, as by send(), and for RPC_SERVER_STREAM
 * methods followed by send_close.  HEARTH_INVALID: it cannot be encoded or is too large; nothing
 * was started.  *out is set before any handler runs.
 */
enum hearth_code rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
    const struct rpc_stream_handlers *handlers, void *context, struct rpc_stream **out,
    struct hearth_err *err);

/* Asks for one message. No read may be outstanding, nor the peer's half-close have been told. */
void rpc_stream_read(struct rpc_stream *stream);

enum { RPC_STREAM_SLICES_MAX = 6 };

/*
 * Sends one message made of the slices in order.  Takes each slice's reference on its owner, and
 * drops it when the transport is done with the bytes (which may be after sent(), and on any
 * thread); nothing is copied, so the bytes must not change meanwhile.  A slice without an owner
 * is copied.  No send may be outstanding; the sum must be within the row's largest message.
 */
void rpc_stream_send(struct rpc_stream *stream, const struct slice *slices TAKES, size_t count);

/* Encodes a message of the row's type for this end's direction, and sends it.  HEARTH_INVALID: it
 * cannot be encoded or is too large; nothing was sent. */
enum hearth_code rpc_stream_send_message(
    struct rpc_stream *stream, const void *message, struct hearth_err *err);

/* Decodes a received message of the row's type; *out's memory is from `arena`. */
enum hearth_code rpc_stream_decode(const struct rpc_stream *stream, const struct buf *message,
    struct arena *arena, void *out, struct hearth_err *err);

/* Client: no more messages from here. A send may be outstanding; it goes first. Once only. */
void rpc_stream_send_close(struct rpc_stream *stream);

/*
 * Server: the end, with a code for the peer and, unless HEARTH_OK, a text (cut to
 * RPC_MESSAGE_TEXT_MAX).  A send may be outstanding; it goes first.  Once only.  closed() follows.
 */
void rpc_stream_finish(struct rpc_stream *stream, enum hearth_code code, const char *text);

/* Ends the stream at once, at either end; closed() follows with HEARTH_CANCELLED unless the end
 * had come already. Any number of times. */
void rpc_stream_cancel(struct rpc_stream *stream);

/* Gives the stream back, in closed() or after it. Accepts NULL. */
void rpc_stream_release(struct rpc_stream *stream);

/* Server: who called, request id and deadline; borrowed until release. arena is NULL. */
const struct rpc_context *rpc_stream_context(const struct rpc_stream *stream);

#endif /* HEARTH_PROTO_RPC_STREAM_H */
