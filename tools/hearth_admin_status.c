/*
 * hearth-admin status: is everything well?
 */
#include "common/env.h"
#include "tools/admin_option.h"
#include "tools/admin_wait.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/option.h"
#include "tools/status_report.h"

#include <inttypes.h>

enum { TIMEOUT_DEFAULT_MS = 10 * 60 * 1000 };

struct status_options {
    bool wait_full;
    bool json;
    const char *timeout;
};

/* ---- asking, and waiting ---- */

static enum hearth_code ask_status(
    struct admin *admin, struct wire_status_reply *status, struct hearth_err *err)
{
    return admin_ask(admin, RPC_STATUS, &(struct wire_empty){0}, status, err);
}

/* What a sweep found that began before we asked says nothing about now. */
static bool is_full(const struct wire_status_reply *status, uint64_t asked_unix_ms)
{
    return status->sweep_started_unix_ms >= asked_unix_ms && status->segments_below_n == 0;
}

static enum hearth_code wait_full(struct admin *admin, uint64_t timeout_ms,
    struct wire_status_reply *status, struct hearth_err *err)
{
    struct env *env = env_system();
    uint64_t start_ns = env_now_ns(env);
    if (ask_status(admin, status, err) != HEARTH_OK) {
        return err->code;
    }
    uint64_t asked_unix_ms = status->now_unix_ms; /* the coordinator's clock, like the sweep's */
    while (!is_full(status, asked_unix_ms)) {
        if (env_now_ns(env) - start_ns > timeout_ms * 1000000) {
            char text[FORMAT_DURATION_SIZE];
            return hearth_fail(err, HEARTH_DEADLINE,
                "after %s, %" PRIu64 " of %" PRIu64 " segments are still below n",
                format_duration(timeout_ms, text), status->segments_below_n, status->segments);
        }
        admin_wait_show("%" PRIu64 " of %" PRIu64 " segments below n, %" PRIu64 " shards repaired",
            status->segments_below_n, status->segments, status->repaired_total);
        if (admin_wait(admin, "repair goes on", err) != HEARTH_OK ||
            ask_status(admin, status, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code show_status(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct status_options *options = call->options;
    struct wire_status_reply status;
    uint64_t timeout_ms = TIMEOUT_DEFAULT_MS;
    if (admin_option_duration(admin, "timeout", options->timeout, &timeout_ms, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = options->wait_full ? wait_full(admin, timeout_ms, &status, err)
                                               : ask_status(admin, &status, err);
    admin_wait_end();
    if (code != HEARTH_OK) {
        return code;
    }
    if (options->json) {
        json_line_print(status_report_json(&status));
    } else {
        status_report_print(stdout, &status);
    }
    return HEARTH_OK;
}

static enum program_exit run_status(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show_status, err);
}

static const struct program_option status_params[] = {
    {.name = "wait-full",
        .offset = offsetof(struct status_options, wait_full),
        .help = "wait until no segment is below n"},
    {.name = "timeout",
        .value = "DURATION",
        .offset = offsetof(struct status_options, timeout),
        .help = "with --wait-full: give up after so long, exit 1 (default 10min)"},
    OPTION_JSON(status_options),
};

const struct program_verb hearth_admin_verb_status = {
    .name = "status",
    .options = status_params,
    .option_count = sizeof(status_params) / sizeof(status_params[0]),
    .options_size = sizeof(struct status_options),
    .needs_config = true,
    .help = "is everything well?",
    .run = run_status,
};
