/*
 * admin_receive.h - all messages of a stream of the coordinator, one after the other; and the
 * other way: many up, one answer.
 *
 *   pump thread: message --> inbox (one) --> this thread: take(), ask for the next
 *   this thread: give() --> stream;  pump thread: sent --> this thread: the next
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TOOLS_ADMIN_RECEIVE_H
#define HEARTH_TOOLS_ADMIN_RECEIVE_H

#include "tools/admin.h"

/* A message of the method's response type, borrowed for the call.  Non-OK ends the stream. */
typedef enum hearth_code admin_take_fn(void *context, const void *message, struct hearth_err *err);

/* `room`: memory for one decoded message.  HEARTH_CANCELLED: Ctrl-C. */
enum hearth_code admin_receive(struct admin *admin, enum rpc_method method, const void *request,
    void *room, admin_take_fn *take, void *context, struct hearth_err *err);

/* Fills the next message of the method's request type; its bytes are borrowed until the next call.
 * *is_last: none follows it.  Non-OK ends the stream. */
typedef enum hearth_code admin_give_fn(
    void *context, void *message, bool *is_last, struct hearth_err *err);

/* `room`: memory for one message to send.  The answer's memory is from admin_arena().
 * HEARTH_CANCELLED: Ctrl-C. */
enum hearth_code admin_send(struct admin *admin, enum rpc_method method, void *room,
    admin_give_fn *give, void *context, void *reply, struct hearth_err *err);

#endif /* HEARTH_TOOLS_ADMIN_RECEIVE_H */
