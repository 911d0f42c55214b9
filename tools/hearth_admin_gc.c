/*
 * hearth-admin gc status, gc release: what waits to be trashed, and letting it.
 */
#include "tools/admin.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"

#include <inttypes.h>
#include <stdio.h>

struct status_options {
    bool json;
};

/* ---- status ---- */

static void print_json(const struct wire_status_reply *status)
{
    json_t *line = json_line_object();
    json_line_flag(line, "held", status->garbage_held);
    json_line_number(line, "intents_open", status->intents_open);
    json_line_number(line, "bodies_doomed", status->bodies_doomed);
    json_line_number(line, "shards_dead", status->shards_dead);
    json_line_print(line);
}

static enum hearth_code show_status(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct status_options *options = call->options;
    struct wire_status_reply status;
    if (admin_ask(admin, RPC_STATUS, &(struct wire_empty){0}, &status, err) != HEARTH_OK) {
        return err->code;
    }
    if (options->json) {
        print_json(&status);
        return HEARTH_OK;
    }
    printf("%" PRIu64 " uploads open, %" PRIu64 " bodies doomed, %" PRIu64 " shards to trash%s\n",
        status.intents_open, status.bodies_doomed, status.shards_dead,
        status.garbage_held ? "; held since a backup was restored, until gc release" : "");
    return HEARTH_OK;
}

static enum program_exit run_status(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show_status, err);
}

static const struct program_option status_params[] = {
    {.name = "json", .offset = offsetof(struct status_options, json), .help = "one JSON object"},
};

const struct program_verb hearth_admin_verb_gc_status = {
    .name = "gc status",
    .options = status_params,
    .option_count = sizeof(status_params) / sizeof(status_params[0]),
    .options_size = sizeof(struct status_options),
    .needs_config = true,
    .help = "what is on its way to the trash, and whether that is held",
    .run = run_status,
};

/* ---- release ---- */

static enum hearth_code release(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    (void)call;
    struct wire_empty reply;
    return admin_ask(admin, RPC_GARBAGE_RELEASE, &(struct wire_empty){0}, &reply, err);
}

static enum program_exit run_release(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, release, err);
}

const struct program_verb hearth_admin_verb_gc_release = {
    .name = "gc release",
    .needs_config = true,
    .help = "after a backup was restored: give up what was written after it, and trash again",
    .run = run_release,
};
