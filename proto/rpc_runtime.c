#include "proto/rpc_runtime.h"

#include "proto/core.h"
#include "proto/link_pump.h"

#include <grpc/support/log.h>
#include <stdio.h>
#include <sys/resource.h>

enum { PUMPS_DEFAULT = 1, WORKERS_DEFAULT = 4, QUEUE_DEFAULT = 256 };

struct rpc_pump {
    grpc_completion_queue *queue;
    pthread_t thread;
};

/*
 * gRPC would write a line for each failed handshake and each bad frame, at a stranger's will.
 * What matters of it comes back to us as errors; only its own last words before an abort do not.
 */
static void log_last_words(gpr_log_func_args *args)
{
    if (strstr(args->message, "assertion failed") != NULL) {
        fprintf(stderr, "%s:%d: %s\n", args->file, args->line, args->message);
    }
}

static void *run_pump(void *context)
{
    struct rpc_pump *pump = context;
    for (;;) {
        gpr_timespec forever = gpr_inf_future(GPR_CLOCK_MONOTONIC);
        grpc_event event = grpc_completion_queue_next(pump->queue, forever, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        assert(event.type == GRPC_OP_COMPLETE);
        struct core_tag *tag = event.tag;
        tag->fire(tag, event.success != 0);
    }
}

static enum hearth_code start_pumps(
    struct rpc_runtime *runtime, unsigned count, struct hearth_err *err)
{
    runtime->pumps = calloc(count, sizeof(*runtime->pumps));
    assert(runtime->pumps != NULL); /* at start, a few bytes */
    for (unsigned i = 0; i < count; i++) {
        struct rpc_pump *pump = &runtime->pumps[i];
        pump->queue = grpc_completion_queue_create_for_next(NULL);
        int rc = pthread_create(&pump->thread, NULL, run_pump, pump);
        if (rc != 0) {
            grpc_completion_queue_shutdown(pump->queue);
            run_pump(pump);
            grpc_completion_queue_destroy(pump->queue);
            return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start pump %u of %u", i, count);
        }
        runtime->pump_count++;
    }
    return HEARTH_OK;
}

static void stop_pumps(struct rpc_runtime *runtime)
{
    for (unsigned i = 0; i < runtime->pump_count; i++) {
        grpc_completion_queue_shutdown(runtime->pumps[i].queue);
    }
    for (unsigned i = 0; i < runtime->pump_count; i++) {
        pthread_join(runtime->pumps[i].thread, NULL);
        grpc_completion_queue_destroy(runtime->pumps[i].queue);
    }
    free(runtime->pumps);
}

/*
 * When accept() finds no descriptor left, gRPC 1.51 stops accepting on that port for good
 * (docs/decisions/0002-grpc-core.md), and opening connections takes no certificate.
 */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit); /* what it cannot do changes nothing */
    }
}

enum hearth_code rpc_runtime_create(
    const struct rpc_runtime_options *options, struct rpc_runtime **out, struct hearth_err *err)
{
    struct rpc_runtime *runtime = calloc(1, sizeof(*runtime));
    assert(runtime != NULL); /* at start, a few bytes */
    runtime->env = options->env != NULL ? options->env : env_system();
    raise_descriptor_limit();
    gpr_set_log_function(log_last_words);
    grpc_init();

    unsigned workers = options->workers > 0 ? options->workers : WORKERS_DEFAULT;
    unsigned queue_max = options->queue_max > 0 ? options->queue_max : QUEUE_DEFAULT;
    unsigned pumps = options->pumps > 0 ? options->pumps : PUMPS_DEFAULT;
    enum hearth_code code = rpc_workers_create(workers, queue_max, &runtime->workers, err);
    if (code == HEARTH_OK) {
        code = start_pumps(runtime, pumps, err);
    }
    if (code == HEARTH_OK) {
        code = link_pump_create(runtime->env, &runtime->link, err);
    }
    if (code != HEARTH_OK) {
        rpc_runtime_destroy(runtime);
        return hearth_err_prefix(err, "rpc");
    }
    *out = runtime;
    return HEARTH_OK;
}

void rpc_runtime_destroy(struct rpc_runtime *runtime)
{
    if (runtime == NULL) {
        return;
    }
    rpc_workers_destroy(runtime->workers);
    link_pump_destroy(runtime->link);
    stop_pumps(runtime);
    grpc_shutdown_blocking(); /* or its threads would outlive main's return */
    free(runtime);
}

grpc_completion_queue *core_runtime_queue_at(struct rpc_runtime *runtime, unsigned index)
{
    assert(index < runtime->pump_count);
    return runtime->pumps[index].queue;
}

grpc_completion_queue *core_runtime_queue(struct rpc_runtime *runtime)
{
    unsigned turn = atomic_fetch_add_explicit(&runtime->next_pump, 1, memory_order_relaxed);
    return core_runtime_queue_at(runtime, turn % runtime->pump_count);
}

void core_batch(grpc_call *call, const grpc_op *ops, size_t count, struct core_tag *tag)
{
    grpc_call_error rc = grpc_call_start_batch(call, ops, count, tag, NULL);
    assert(rc == GRPC_CALL_OK);
}

gpr_timespec core_deadline(uint32_t deadline_ms)
{
    assert(deadline_ms > 0 && deadline_ms <= RPC_DEADLINE_MAX_MS);
    gpr_timespec left = gpr_time_from_millis(deadline_ms, GPR_TIMESPAN);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), left);
}
