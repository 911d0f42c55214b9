/*
 * admin.h - one run of a verb of hearth-admin: a channel to the coordinator, as the operator.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TOOLS_ADMIN_H
#define HEARTH_TOOLS_ADMIN_H

#include "common/arena.h"
#include "common/program.h"
#include "proto/rpc_methods.h"
#include "proto/rpc_stream.h"
#include "proto/wire_fleet.h"

#include <stdatomic.h>

struct admin;

typedef enum hearth_code admin_run_fn(
    struct admin *admin, const struct program_call *call, struct hearth_err *err);

/* Connects, runs, disconnects; a failure is prefixed with the verb and its arguments. */
enum program_exit admin_run(
    const struct program_call *call, admin_run_fn *run, struct hearth_err *err);

/* Wrong usage: what was typed cannot be meant. admin_run() exits with 2. Returns HEARTH_INVALID. */
__attribute__((format(printf, 3, 4))) enum hearth_code admin_usage(
    struct admin *admin, struct hearth_err *err, const char *fmt, ...);

/* Lives until the verb has run. */
struct arena *admin_arena(struct admin *admin);

/* Set by Ctrl-C. */
const atomic_bool *admin_cancel(const struct admin *admin);

/* One question, one answer, whose memory is from admin_arena().  Addresses in the configuration are
 * tried in their order, until one answers. */
enum hearth_code admin_ask(struct admin *admin, enum rpc_method method, const void *request,
    void *reply, struct hearth_err *err);

/* The coordinator was away and may be back: a new connection, the first address first. */
enum hearth_code admin_begin_again(struct admin *admin, struct hearth_err *err);

/* The stream's first message is `request`, unless NULL; handlers as in rpc_stream.h. */
enum hearth_code admin_stream(struct admin *admin, enum rpc_method method, const void *request,
    const struct rpc_stream_handlers *handlers, void *context, struct rpc_stream **out,
    struct hearth_err *err);

#endif /* HEARTH_TOOLS_ADMIN_H */
