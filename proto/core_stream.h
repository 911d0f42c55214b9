/*
 * core_stream_core.h - what the files of a stream share: core_stream.c (reading, the end),
 * core_stream_send.c (sending, closing, finishing) and core_stream_open.c (both beginnings).
 * Private to them.
 */
#ifndef HEARTH_PROTO_CORE_STREAM_H
#define HEARTH_PROTO_CORE_STREAM_H

#include "proto/core.h"

/* A batch under way, and whose. */
struct stream_tag {
    struct core_tag tag;
    struct core_stream *stream;
};

/*
 * One stream, at either end.
 *
 *   OPEN --the transport says it is over--> ENDED --last batch came back--> OVER: closed() ran
 *
 * Reads, sends, closes and finishes start batches while OPEN; afterwards they do nothing.
 */
enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_OVER };

struct core_stream {
    struct rpc_stream base; /* first */
    atomic_uint refs;       /* the user's, and ours until closed() has run */

    /* Set once. */
    struct core_channel *channel; /* client; NULL at the server */
    struct core_server *server;   /* server; NULL at the client */
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
    struct core_ending ending; /* client */
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

static inline bool core_stream_at_client(const struct core_stream *stream)
{
    return stream->channel != NULL;
}

/* What the user calls; the rest of the table is in core_stream_open.c. */
void core_stream_read(struct rpc_stream *stream);
void core_stream_send(struct rpc_stream *stream, const struct slice *slices TAKES, size_t count);
void core_stream_send_close(struct rpc_stream *stream);
void core_stream_finish(struct rpc_stream *stream, enum hearth_code code, const char *text);
void core_stream_cancel(struct rpc_stream *stream);
void core_stream_release(struct rpc_stream *stream);

/* ---- the caller holds the mutex ---- */

/* Whether anything may still be asked of the transport. */
static inline bool core_stream_may_start(const struct core_stream *stream)
{
    return stream->state == STREAM_OPEN && stream->refusal[0] == '\0';
}

void core_stream_start_batch(
    struct core_stream *stream, const grpc_op *ops, size_t count, struct stream_tag *tag);

/* Adds our metadata to a batch if none carried them yet; returns the new count. */
size_t core_stream_add_metadata(struct core_stream *stream, grpc_op *ops, size_t count);

/* Sends, or holds back until the metadata are taken; `closes`: and half-closes. */
void core_stream_start_send(struct core_stream *stream, grpc_byte_buffer *bytes TAKES, bool closes);

/* Server: the status that ends the stream. */
void core_stream_start_status(struct core_stream *stream, enum hearth_code code, const char *text);

/* ---- on the pump, without the mutex ---- */

/* A batch came back and its handler has run.  `ends`: it was the one that waits for the end. */
void core_stream_batch_done(struct core_stream *stream, bool ends);

/* What the tags of their names lead to. */
void core_stream_on_read(struct core_tag *tag, bool success);
void core_stream_on_sent(struct core_tag *tag, bool success);
void core_stream_on_closed_here(struct core_tag *tag, bool success);
void core_stream_on_started(struct core_tag *tag, bool success);
void core_stream_on_end(struct core_tag *tag, bool success);

#endif /* HEARTH_PROTO_CORE_STREAM_H */
