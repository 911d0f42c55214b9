/*
 * lookup_queue.h - lookups that have to wait travel together.
 *
 *   a thread: ask --fewer than LOOKUP_CALLS under way--> a call of its own ---------> answer
 *               \--as many as that--> waits ... a call ends: all who wait in one ---> answers
 *
 * A lookup of something small costs the coordinator and us less than the call around it.  Who asks
 * alone is answered as before; the more ask at once, the less each costs.  Every question keeps its
 * own authorisation, its own answer and its own failure.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_LOOKUP_QUEUE_H
#define HEARTH_CLIENT_LOOKUP_QUEUE_H

#include "proto/rpc_channel.h"
#include "proto/wire_messages.h"

enum {
    LOOKUP_CALLS = 2,           /* under way; one that takes long must not hold up all others */
    LOOKUPS_WAITING_MAX = 1024, /* then HEARTH_BUSY */
};

struct lookup_queue;

struct lookup_queue_options {
    struct rpc_channel *channel; /* borrowed, until no question is under way */
    const char *address;         /* of the other end, for messages; copied */
    uint32_t deadline_ms;        /* of a call */
};

/* NULL: out of memory. */
struct lookup_queue *lookup_queue_create(const struct lookup_queue_options *options);

/* No question may be under way. Accepts NULL. */
void lookup_queue_destroy(struct lookup_queue *queue);

/* As rpc_call_blocking() with RPC_LOOKUP. */
enum hearth_code lookup_queue_ask(struct lookup_queue *queue,
    const struct wire_lookup_request *request, struct arena *arena, struct wire_lookup_reply *reply,
    struct hearth_err *err);

/* How many wait for a call to end. */
unsigned lookup_queue_waiting(struct lookup_queue *queue);

#endif /* HEARTH_CLIENT_LOOKUP_QUEUE_H */
