#include "coordinator/service/sweep_service.h"

#include "coordinator/fleet/sweep.h"
#include "coordinator/service/admin_service.h"

const struct wire_sweep_info *sweep_service_describe(
    struct coordinator *coordinator, struct arena *arena)
{
    struct sweep_status status;
    struct wire_sweep_info *out = arena_take(arena, sizeof(*out));
    if (out == NULL) {
        return NULL;
    }
    sweep_status_get(coordinator->sweep, &status);
    *out = (struct wire_sweep_info){
        .pass = status.pass,
        .started_unix_ms = status.started_ms,
        .finished_unix_ms = status.finished_ms,
        .segments = status.segments,
        .busy_ms = status.busy_ms,
        .running = status.running,
        .running_segments = status.running_segments,
        .running_permille = status.running_permille,
    };
    return out;
}

static enum hearth_code sweep(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_sweep_request *in = request;
    struct wire_sweep_reply *out = response;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK) {
        return err->code;
    }
    if (in->begins) {
        out->begun = sweep_ask(coordinator->sweep);
    }
    out->sweep = sweep_service_describe(coordinator, context->arena);
    return out->sweep != NULL ? HEARTH_OK
                              : hearth_fail(err, HEARTH_NO_MEMORY, "state of the sweep");
}

const struct rpc_handler sweep_handlers[] = {
    {.method = RPC_SWEEP, .unary = sweep},
};
const unsigned sweep_handler_count = sizeof(sweep_handlers) / sizeof(sweep_handlers[0]);
