/*
 * rpc_stream_core.h - what the files of a stream share: rpc_stream.c (reading, the end),
 * rpc_stream_send.c (sending, closing, finishing) and rpc_stream_open.c (both beginnings).
 * Private to them.
 */
#ifndef HEARTH_PROTO_RPC_STREAM_CORE_H
#define HEARTH_PROTO_RPC_STREAM_CORE_H

#include "proto/rpc_core.h"

/* A batch under way, and whose. */
struct stream_tag {
    struct rpc_tag tag;
    struct rpc_stream *stream;
};

/*
 * One stream, at either end.
 *
 *   OPEN --the transport says it is over--> ENDED --last batch came back--> OVER: closed() ran
 *
 * Reads, sends, closes and finishes start batches while OPEN; afterwards they do nothing.
 */
enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_OVER };

struct rpc_stream {
    atomic_uint refs; /* the user's, and ours until closed() has run */

    /* Set once. */
    const struct rpc_method_row *row;
    struct rpc_channel *channel; /* client; NULL at the server */
    struct rpc_server *server;   /* server; NULL at the client */
    struct rpc_context context;  /* server */
    const struct rpc_stream_handlers *handlers;
    void *handler_context;
    struct stream_tag read_tag;
    struct stream_tag send_tag;
    struct stream_tag close_tag; /* client's half-close, server's status */
    struct stream_tag start_tag; /* client's metadata, when it goes alone */
    struct stream_tag end_tag;

    /* The batch's, from its start to its event. */
    grpc_byte_buffer *received;
    grpc_byte_buffer *sending_bytes;
    grpc_metadata_array initial;
    struct rpc_ending ending; /* client */
    int cancelled_at_server;

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    grpc_call *call; /* NULL once over */
    grpc_metadata metadata;
    enum stream_state state;
    unsigned batches; /* under way */
    bool started;     /* our metadata are on their way */
    bool taken;       /* the transport has them; until then sends and closes are held back */
    bool send_held;
    bool close_held;
    bool reading;
    bool sending;
    bool peer_closed; /* its half-close was told */
    bool closed_here; /* send_close or finish was called */
    bool cancelled;
    char refusal[64]; /* what the peer sent that no row allows; "": nothing */
};

static inline bool rpc_stream_at_client(const struct rpc_stream *stream)
{
    return stream->channel != NULL;
}

/* ---- the caller holds the mutex ---- */

/* Whether anything may still be asked of the transport. */
static inline bool rpc_stream_may_start(const struct rpc_stream *stream)
{
    return stream->state == STREAM_OPEN && stream->refusal[0] == '\0';
}

void rpc_stream_start_batch(
    struct rpc_stream *stream, const grpc_op *ops, size_t count, struct stream_tag *tag);

/* Adds our metadata to a batch if none carried them yet; returns the new count. */
size_t rpc_stream_add_metadata(struct rpc_stream *stream, grpc_op *ops, size_t count);

/* Sends, or holds back until the metadata are taken; `closes`: and half-closes. */
void rpc_stream_start_send(struct rpc_stream *stream, grpc_byte_buffer *bytes TAKES, bool closes);

/* Server: the status that ends the stream. */
void rpc_stream_start_status(struct rpc_stream *stream, enum hearth_code code, const char *text);

/* ---- on the pump, without the mutex ---- */

/* A batch came back and its handler has run.  `ends`: it was the one that waits for the end. */
void rpc_stream_batch_done(struct rpc_stream *stream, bool ends);

/* What the tags of their names lead to. */
void rpc_stream_on_read(struct rpc_tag *tag, bool success);
void rpc_stream_on_sent(struct rpc_tag *tag, bool success);
void rpc_stream_on_closed_here(struct rpc_tag *tag, bool success);
void rpc_stream_on_started(struct rpc_tag *tag, bool success);
void rpc_stream_on_end(struct rpc_tag *tag, bool success);

#endif /* HEARTH_PROTO_RPC_STREAM_CORE_H */
