#include "coordinator/service/fsck_service.h"

#include "common/log.h"
#include "coordinator/rescue/fsck_live.h"
#include "coordinator/rescue/fsck_wire.h"

#include <assert.h>

static enum hearth_code send_finding(
    void *context, const struct fsck_finding *finding, struct hearth_err *err)
{
    const struct wire_fsck_finding row = fsck_wire_finding(finding);
    return admin_job_send(context, &(struct wire_fsck_message){.finding = &row}, err);
}

static enum hearth_code send_space(
    void *context, const struct fsck_space *space, struct hearth_err *err)
{
    const struct wire_fsck_space row = fsck_wire_space(space);
    return admin_job_send(context, &(struct wire_fsck_message){.space = &row}, err);
}

static enum hearth_code send_counts(
    struct admin_job *job, const struct fsck_counts *counts, struct hearth_err *err)
{
    struct wire_fsck_count rows[WIRE_FSCK_COUNTS_MAX];
    const struct wire_fsck_message message = {
        .counts = rows, .counts_count = fsck_wire_counts(counts, rows)};
    return admin_job_send(job, &message, err);
}

static bool is_over(void *context)
{
    return admin_job_is_over(context);
}

enum hearth_code fsck_service_run(struct admin_job *job, struct hearth_err *err)
{
    struct coordinator *coordinator = admin_job_coordinator(job);
    struct wire_fsck_request request;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = admin_job_request(job, &arena, &request, err);
    arena_fini(&arena);
    if (code != HEARTH_OK) {
        return code;
    }
    struct fsck_counts counts;
    const struct fsck_options options = {.is_deep = request.is_deep,
        .found = send_finding,
        .space = send_space,
        .is_over = is_over,
        .context = job};
    code = fsck_live_blocking(coordinator, &options, &counts, err);
    if (code == HEARTH_OK) {
        log_write(LOG_CHECKED, "problems=%ju unchecked=%ju segments=%ju deep=%d by=%s",
            (uintmax_t)counts.problems, (uintmax_t)counts.unchecked, (uintmax_t)counts.segments,
            request.is_deep, admin_job_peer(job));
        code = send_counts(job, &counts, err);
    }
    return code;
}

enum hearth_code fsck_service_opened(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    const struct coordinator *coordinator = service;
    return admin_job_open(coordinator->checks, stream, context, handlers, handler_context, err);
}
