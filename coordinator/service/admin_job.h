/*
 * admin_job.h - something long that the coordinator does for an admin and tells message by message.
 *
 *   opened --> slot --> thread: run(job) --admin_job_send, one at a time--> finish
 *
 * One at a time of each kind: until its end is told the next is answered HEARTH_BUSY.  A reader
 * that is slow holds up nobody else.
 *
 * Thread-safety: opened on any thread; a job's functions on the job's.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ADMIN_JOB_H
#define HEARTH_COORDINATOR_SERVICE_ADMIN_JOB_H

#include "common/arena.h"
#include "coordinator/coordinator.h"
#include "proto/rpc_server.h"

struct admin_slot; /* of one kind of job */
struct admin_job;

typedef enum hearth_code admin_job_fn(struct admin_job *job, struct hearth_err *err);

/* `name` is static, and begins what is told when a job fails.  NULL: out of memory. */
struct admin_slot *admin_slot_create(
    struct coordinator *coordinator, const char *name, admin_job_fn *run);

/* Waits for the one that runs: its stream must have been ended (the server stopped). Accepts NULL.
 */
void admin_slot_destroy(struct admin_slot *slot);

/* For an rpc_opened_fn: begins a job for this stream. */
enum hearth_code admin_job_open(struct admin_slot *slot, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err);

/* ---- inside run() ---- */

struct coordinator *admin_job_coordinator(const struct admin_job *job);
const char *admin_job_peer(const struct admin_job *job); /* its id as text */

/* The client's next message, decoded; its memory from the arena.  HEARTH_CANCELLED: it left, or
 * sends no more. */
enum hearth_code admin_job_request(
    struct admin_job *job, struct arena *arena, void *out, struct hearth_err *err);

/* One message of the method's response type.  HEARTH_CANCELLED: the reader left. */
enum hearth_code admin_job_send(struct admin_job *job, const void *message, struct hearth_err *err);

/* Nobody listens any more. */
bool admin_job_is_over(struct admin_job *job);

#endif /* HEARTH_COORDINATOR_SERVICE_ADMIN_JOB_H */
