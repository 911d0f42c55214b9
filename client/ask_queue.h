/*
 * ask_queue.h - questions of one kind that have to wait travel together.
 *
 *   a thread: ask --fewer than ASK_CALLS under way--> a call of its own ------------> answer
 *               \--as many as that--> waits ... a call ends: all who wait in one ---> answers
 *
 * A lookup or a put of something small costs the coordinator and us less than the call around it.
 * Who asks alone is asked for at once; the more ask at the same time, the less each costs.  Every
 * question keeps its own authorisation, its own answer and its own failure.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_ASK_QUEUE_H
#define HEARTH_CLIENT_ASK_QUEUE_H

#include "proto/rpc_channel.h"

enum {
    ASK_CALLS = 2,          /* under way; one that takes long must not hold up all others */
    ASK_WAITING_MAX = 1024, /* then HEARTH_BUSY */
};

struct ask_queue;

struct ask_queue_options {
    struct rpc_channel *channel; /* borrowed, until no question is under way */
    const char *address;         /* of the other end, for messages; copied */
    uint32_t deadline_ms;        /* of a call */
    enum rpc_method one;         /* the call for one question */
    enum rpc_method many;        /* and for many */
};

/* NULL: out of memory. */
struct ask_queue *ask_queue_create(const struct ask_queue_options *options);

/* No question may be under way. Accepts NULL. */
void ask_queue_destroy(struct ask_queue *queue);

/* As rpc_call_blocking() with `one`. */
enum hearth_code ask_queue_ask(struct ask_queue *queue, const void *request, struct arena *arena,
    void *reply, struct hearth_err *err);

/* How many wait for a call to end. */
unsigned ask_queue_waiting(struct ask_queue *queue);

#endif /* HEARTH_CLIENT_ASK_QUEUE_H */
