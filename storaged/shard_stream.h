/*
 * shard_stream.h - one request for a shard, as shard_put and shard_get see the network.
 *
 *   shard_service.c                  an rpc_stream, its events brought to the loop
 *   tests/unit/shard_peer.h          a client the test plays, without network or time
 *
 *   read --> message(buf)    one at a time; message(NULL): the peer will send no more
 *   send --> sent()          one at a time; the transport took it
 *   finish(code, text)       once; a send may be outstanding and goes first
 *   closed()                 once and last, also when the peer left: the stream is gone afterwards
 *
 * A read or send that the end overtakes has no answer of its own.  Nothing but closed() comes after
 * finish().
 *
 * Thread-safety: everything on the loop thread; answers never come from inside a call.
 */
#ifndef HEARTH_STORAGED_SHARD_STREAM_H
#define HEARTH_STORAGED_SHARD_STREAM_H

#include "common/buf.h"
#include "common/err.h"
#include "common/pki.h"

enum { SHARD_REQUEST_TEXT_SIZE = 33 };

struct shard_stream;

/* What the network does for a request. */
struct shard_stream_ops {
    void (*read)(struct shard_stream *stream);
    void (*send)(struct shard_stream *stream, const struct slice *slices TAKES, size_t count);
    void (*finish)(struct shard_stream *stream, enum hearth_code code, const char *text);
};

/* What a request does about the network's answers. */
struct shard_stream_user {
    void (*message)(struct shard_stream *stream, struct buf *message TAKES);
    void (*sent)(struct shard_stream *stream);
    void (*closed)(struct shard_stream *stream);
};

struct shard_stream {
    const struct shard_stream_ops *ops;
    const struct shard_stream_user *user;  /* set by who takes the stream over */
    void *context;                         /* the user's */
    uint8_t peer_id[PKI_ID_SIZE];          /* of the session that asks */
    char request[SHARD_REQUEST_TEXT_SIZE]; /* its id, for the log */
};

static inline void shard_stream_read(struct shard_stream *stream)
{
    stream->ops->read(stream);
}

static inline void shard_stream_send(
    struct shard_stream *stream, const struct slice *slices TAKES, size_t count)
{
    stream->ops->send(stream, slices, count);
}

static inline void shard_stream_finish(
    struct shard_stream *stream, enum hearth_code code, const char *text)
{
    stream->ops->finish(stream, code, text);
}

#endif /* HEARTH_STORAGED_SHARD_STREAM_H */
