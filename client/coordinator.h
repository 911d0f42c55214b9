/*
 * coordinator.h - the seam between the library and the coordinator: one question, one answer.
 *
 * coordinator_net_rpc.c asks the real one; tests/lib/fake_coordinator.c invents one, and decides
 * which answers get lost.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_COORDINATOR_H
#define HEARTH_CLIENT_COORDINATOR_H

#include "common/arena.h"
#include "common/err.h"
#include "proto/rpc_methods.h"
#include "proto/wire_messages.h"

struct coordinator;

struct coordinator_ops {
    /*
     * One attempt, which blocks for at most a few seconds.  `request` and `reply` are the structs
     * of the method's row; on HEARTH_OK the reply's memory is from `arena`.  HEARTH_UNREACHABLE:
     * the question certainly had no effect.  HEARTH_UNKNOWN, HEARTH_DEADLINE: it may have had.
     */
    enum hearth_code (*ask)(struct coordinator *coordinator, enum rpc_method method,
        const void *request, struct arena *arena, void *reply, struct hearth_err *err);

    /* A session is about to be opened: the moment to renew what we show to the coordinator. */
    void (*refresh)(struct coordinator *coordinator);
};

struct coordinator {
    const struct coordinator_ops *ops;
};

static inline enum hearth_code coordinator_ask(struct coordinator *coordinator,
    enum rpc_method method, const void *request, struct arena *arena, void *reply,
    struct hearth_err *err)
{
    return coordinator->ops->ask(coordinator, method, request, arena, reply, err);
}

#endif /* HEARTH_CLIENT_COORDINATOR_H */
