#include "coordinator/service/fsck_service.h"

#include "common/log.h"
#include "coordinator/repair/repair_session.h"
#include "coordinator/rescue/fsck.h"
#include "proto/wire_fsck.h"

#include <assert.h>

static enum hearth_code send_finding(
    void *context, const struct fsck_finding *finding, struct hearth_err *err)
{
    const struct wire_fsck_finding row = {
        .kind = view_text(fsck_kind_text(finding->kind)),
        .node = finding->node,
        .segment_id = finding->segment == NULL ? (struct view){0} : meta_id_view(finding->segment),
        .slot = finding->slot,
        .shard_id =
            finding->shard == NULL ? (struct view){0} : view_of(finding->shard, SHARD_ID_SIZE),
        .text = view_text(finding->text),
    };
    return admin_job_send(context, &(struct wire_fsck_message){.finding = &row}, err);
}

static enum hearth_code send_space(
    void *context, const struct fsck_space *space, struct hearth_err *err)
{
    const struct wire_fsck_space row = {.node = space->node,
        .is_reached = space->is_reached,
        .reported_bytes = space->reported_bytes,
        .listed_bytes = space->listed_bytes,
        .named_bytes = space->named_bytes,
        .listed_shards = space->listed_shards,
        .named_shards = space->named_shards,
        .trash_bytes = space->trash_bytes};
    return admin_job_send(context, &(struct wire_fsck_message){.space = &row}, err);
}

static enum hearth_code send_counts(
    struct admin_job *job, const struct fsck_counts *counts, struct hearth_err *err)
{
    const struct wire_fsck_count rows[] = {
#define ROW(name) {view_text(#name), counts->name}
        ROW(objects),
        ROW(bytes),
        ROW(segments),
        ROW(segments_below_n),
        ROW(nodes),
        ROW(nodes_reached),
        ROW(shards),
        ROW(verified),
        ROW(listed),
        ROW(in_flight),
        ROW(strays),
        ROW(orphans),
        ROW(unchecked),
        ROW(problems),
#undef ROW
    };
    static_assert(sizeof(rows) / sizeof(rows[0]) <= WIRE_FSCK_COUNTS_MAX, "they fit");
    const struct wire_fsck_message message = {
        .counts = rows, .counts_count = sizeof(rows) / sizeof(rows[0])};
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
    const struct fsck_options options = {.coordinator = coordinator,
        .inventory = coordinator->inventory,
        .cells = {.coordinator = coordinator,
            .net = coordinator->session->net,
            .session_id = view_of(coordinator->session->id, sizeof(coordinator->session->id))},
        .is_deep = request.is_deep,
        .found = send_finding,
        .space = send_space,
        .is_over = is_over,
        .context = job};
    code = fsck_run_blocking(&options, &counts, err);
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
