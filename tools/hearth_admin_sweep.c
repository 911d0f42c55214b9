/*
 * hearth-admin sweep run: a pass over all segments at once, and when asked, its end.
 */
#include "common/env.h"
#include "tools/admin_wait.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/option.h"
#include "tools/sweep_report.h"

#include <inttypes.h>
#include <stdio.h>

struct run_options {
    bool wait;
    bool json;
};

static enum hearth_code ask(
    struct admin *admin, bool begins, struct wire_sweep_reply *reply, struct hearth_err *err)
{
    return admin_ask(admin, RPC_SWEEP, &(struct wire_sweep_request){.begins = begins}, reply, err);
}

static void show_waiting(const struct wire_sweep_info *sweep)
{
    admin_wait_show("pass %" PRIu64 ": %" PRIu64 " segments, %" PRIu32 ".%" PRIu32 " %%",
        sweep->running, sweep->running_segments, sweep->running_permille / 10,
        sweep->running_permille % 10);
}

/* A pass that was under way before does not count: it says nothing about now. */
static enum hearth_code wait_for(
    struct admin *admin, uint64_t pass, struct wire_sweep_reply *reply, struct hearth_err *err)
{
    while (reply->sweep->pass < pass) {
        show_waiting(reply->sweep);
        if (admin_wait(admin, "the pass goes on", err) != HEARTH_OK ||
            ask(admin, false, reply, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static void print_begun(uint64_t pass, bool json)
{
    if (json) {
        json_t *line = json_line_object();
        json_line_number(line, "begun", pass);
        json_line_print(line);
    } else {
        printf("pass %" PRIu64 " begins\n", pass);
    }
}

static void print_ended(const struct wire_sweep_info *sweep, bool json)
{
    char text[SWEEP_REPORT_SIZE];
    uint64_t now_unix_ms = env_unix_ms(env_system());
    if (json) {
        json_line_print(sweep_report_json(sweep, now_unix_ms));
    } else {
        printf("%s\n", sweep_report_text(sweep, now_unix_ms, text));
    }
}

static enum hearth_code sweep(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct run_options *options = call->options;
    struct wire_sweep_reply reply;
    if (ask(admin, true, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    uint64_t pass = reply.begun;
    if (!options->wait) {
        print_begun(pass, options->json);
        return HEARTH_OK;
    }
    enum hearth_code code = wait_for(admin, pass, &reply, err);
    admin_wait_end();
    if (code == HEARTH_OK) {
        print_ended(reply.sweep, options->json);
    }
    return code;
}

static enum program_exit run_sweep(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, sweep, err);
}

static const struct program_option run_params[] = {
    {.name = "wait",
        .offset = offsetof(struct run_options, wait),
        .help = "until that pass has ended"},
    OPTION_JSON(run_options),
};

const struct program_verb hearth_admin_verb_sweep_run = {
    .name = "sweep run",
    .options = run_params,
    .option_count = sizeof(run_params) / sizeof(run_params[0]),
    .options_size = sizeof(struct run_options),
    .needs_config = true,
    .help = "look at all segments now, without rests; every duty sees them",
    .run = run_sweep,
};
