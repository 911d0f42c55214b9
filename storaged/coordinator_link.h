/*
 * coordinator_link.h - the seam between a heartbeat and the coordinator.
 *
 *   coordinator_rpc.c                     the coordinators' addresses, tried in turn
 *   tests/unit/test_heartbeat.c           a coordinator the test plays
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_COORDINATOR_LINK_H
#define HEARTH_STORAGED_COORDINATOR_LINK_H

#include "common/err.h"
#include "proto/wire_messages.h"

struct coordinator_link;

/* One report and its answer. */
struct coordinator_call {
    const struct wire_heartbeat_request *request; /* borrowed by send() */
    /*
     * On the loop, once, not inside send().  err.code is the outcome; with HEARTH_OK `reply` is
     * borrowed until this returns.
     */
    void (*done)(struct coordinator_call *call, const struct wire_heartbeat_reply *reply);
    struct hearth_err err;
};

struct coordinator_link_ops {
    void (*send)(struct coordinator_link *link, struct coordinator_call *call);
    void (*cancel)(struct coordinator_link *link);
};

struct coordinator_link {
    const struct coordinator_link_ops *ops;
};

/* One call at a time; takes it until done(). */
static inline void coordinator_link_send(
    struct coordinator_link *link, struct coordinator_call *call)
{
    link->ops->send(link, call);
}

/* A call under way ends soon, HEARTH_CANCELLED unless it was answered first; without one, nothing.
 */
static inline void coordinator_link_cancel(struct coordinator_link *link)
{
    link->ops->cancel(link);
}

#endif /* HEARTH_STORAGED_COORDINATOR_LINK_H */
