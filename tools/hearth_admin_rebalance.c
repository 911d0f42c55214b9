/*
 * hearth-admin rebalance plan, apply, status, pause, resume, cancel: what should lie elsewhere, and
 * bringing it there.
 */
#include "tools/admin_option.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/option.h"
#include "tools/plan_view.h"

#include <stdlib.h>

/* ---- plan ---- */

struct plan_options {
    const char *node;
    const char *owner;
    const char *network;
    const char *bucket;
    bool domains;
    const char *max_bytes;
    const char *bandwidth;
    bool json;
};

static struct view or_nothing(const char *text)
{
    return text != NULL ? view_text(text) : (struct view){0};
}

static const char *kind_of(const struct plan_options *options)
{
    bool leaves = options->node != NULL || options->owner != NULL || options->network != NULL;
    if (options->bucket != NULL) {
        return "recode";
    }
    return leaves ? "drain" : options->domains ? "domains" : "space";
}

static enum hearth_code plan_moves(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct plan_options *options = call->options;
    struct wire_rebalance_info plan;
    struct wire_rebalance_plan_request request = {.kind = view_text(kind_of(options)),
        .node = or_nothing(options->node),
        .owner = or_nothing(options->owner),
        .network = or_nothing(options->network),
        .bucket = or_nothing(options->bucket)};
    if (admin_option_bytes(admin, "max-bytes", options->max_bytes, &request.bytes_max, err) !=
            HEARTH_OK ||
        admin_option_bytes(admin, "bandwidth", options->bandwidth, &request.bandwidth, err) !=
            HEARTH_OK ||
        admin_ask(admin, RPC_REBALANCE_PLAN, &request, &plan, err) != HEARTH_OK ||
        plan_view_await_planned(admin, plan.number, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    (options->json ? plan_view_json : plan_view_print)(&plan);
    return HEARTH_OK;
}

static enum program_exit run_plan(const struct program_call *call, struct hearth_err *err)
{
    const struct plan_options *options = call->options;
    const int named = (options->node != NULL) + (options->owner != NULL) +
        (options->network != NULL) + (options->bucket != NULL) + options->domains;
    if (named > 1) {
        return program_usage(
            err, "one of --node, --owner, --network, --bucket, --domains, or none of them");
    }
    return admin_run(call, plan_moves, err);
}

static const struct program_option plan_params[] = {
    {.name = "node",
        .value = "NODE",
        .offset = offsetof(struct plan_options, node),
        .help = "everything of this node goes elsewhere"},
    {.name = "owner",
        .value = "NAME",
        .offset = offsetof(struct plan_options, owner),
        .help = "everything of this owner's nodes"},
    {.name = "network",
        .value = "NETWORK",
        .offset = offsetof(struct plan_options, network),
        .help = "everything in this network, as `node list` says it"},
    {.name = "bucket",
        .value = "NAME",
        .offset = offsetof(struct plan_options, bucket),
        .help = "this bucket's segments get the code of the profile that it has now"},
    {.name = "domains",
        .offset = offsetof(struct plan_options, domains),
        .help = "shards of a segment that share an owner or a network are parted"},
    {.name = "max-bytes",
        .value = "SIZE",
        .offset = offsetof(struct plan_options, max_bytes),
        .help = "no more than that is moved"},
    {.name = "bandwidth",
        .value = "SIZE",
        .offset = offsetof(struct plan_options, bandwidth),
        .help = "bytes a second that moves may take, like 5M"},
    OPTION_JSON(plan_options),
};

const struct program_verb hearth_admin_verb_rebalance_plan = {
    .name = "rebalance plan",
    .options = plan_params,
    .option_count = sizeof(plan_params) / sizeof(plan_params[0]),
    .options_size = sizeof(struct plan_options),
    .needs_config = true,
    .help = "what would move, how much, how long, and what that changes; nothing moves yet",
    .notes = "Without --node, --owner, --network, --bucket or --domains each node is to hold its "
             "share of\n"
             "all bytes, by its capacity.\n",
    .run = run_plan,
};

/* ---- one plan ---- */

struct one_options {
    bool wait;
    bool json;
};

static const struct program_option one_params[] = {
    {.name = "wait",
        .offset = offsetof(struct one_options, wait),
        .help = "until it does not run any more; exit 1 when it was cancelled"},
    OPTION_JSON(one_options),
};

static enum hearth_code parse_plan(
    struct admin *admin, const struct program_call *call, uint64_t *out, struct hearth_err *err)
{
    unsigned number;
    if (option_number("plan", call->arguments[0], 1, 999999999, &number, err) != PROGRAM_DONE) {
        return admin_usage(admin, err,
            "plan %s: plans have numbers, as `rebalance status` says them", call->arguments[0]);
    }
    *out = number;
    return HEARTH_OK;
}

static enum hearth_code show_plan(struct admin *admin, const struct one_options *options,
    struct wire_rebalance_info *plan, struct hearth_err *err)
{
    enum hearth_code code =
        options->wait ? plan_view_await_end(admin, plan->number, plan, err) : HEARTH_OK;
    if (code != HEARTH_OK) {
        return code;
    }
    if (options->json) {
        plan_view_json(plan);
    } else {
        plan_view_heading();
        plan_view_line(plan);
    }
    return HEARTH_OK;
}

static enum hearth_code command(
    struct admin *admin, const struct program_call *call, const char *what, struct hearth_err *err)
{
    struct wire_rebalance_command_request request = {.command = view_text(what)};
    struct wire_rebalance_info plan;
    if (parse_plan(admin, call, &request.number, err) != HEARTH_OK ||
        admin_ask(admin, RPC_REBALANCE_COMMAND, &request, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    return show_plan(admin, call->options, &plan, err);
}

#define COMMAND(verb, text)                                                                        \
    static enum hearth_code verb##_plan(                                                           \
        struct admin *admin, const struct program_call *call, struct hearth_err *err)              \
    {                                                                                              \
        return command(admin, call, #verb, err);                                                   \
    }                                                                                              \
    static enum program_exit run_##verb(const struct program_call *call, struct hearth_err *err)   \
    {                                                                                              \
        return admin_run(call, verb##_plan, err);                                                  \
    }                                                                                              \
    const struct program_verb hearth_admin_verb_rebalance_##verb = {                               \
        .name = "rebalance " #verb,                                                                \
        .arguments = "PLAN",                                                                       \
        .arguments_min = 1,                                                                        \
        .arguments_max = 1,                                                                        \
        .options = one_params,                                                                     \
        .option_count = sizeof(one_params) / sizeof(one_params[0]),                                \
        .options_size = sizeof(struct one_options),                                                \
        .needs_config = true,                                                                      \
        .help = (text),                                                                            \
        .run = run_##verb,                                                                         \
    };

COMMAND(apply, "carry a plan out; refused when the nodes have changed since it was made")
COMMAND(pause, "a plan rests at once; what is half copied moves when it goes on")
COMMAND(resume, "a paused plan goes on")
COMMAND(cancel, "a plan ends; what has moved stays, and a node that drained takes shards again")

/* ---- status ---- */

static enum hearth_code list_plans(
    struct admin *admin, const struct one_options *options, struct hearth_err *err)
{
    struct wire_rebalance_list_reply reply;
    const struct wire_rebalance_list_request request = {0};
    if (admin_ask(admin, RPC_REBALANCE_LIST, &request, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    if (!options->json) {
        plan_view_heading();
    }
    for (size_t i = 0; i < reply.plans_count; i++) {
        (options->json ? plan_view_json : plan_view_line)(&reply.plans[i]);
    }
    return HEARTH_OK;
}

static enum hearth_code show_status(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct one_options *options = call->options;
    struct wire_rebalance_info plan;
    uint64_t number;
    if (call->argument_count == 0) {
        return list_plans(admin, options, err);
    }
    if (parse_plan(admin, call, &number, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = options->wait ? plan_view_await_end(admin, number, &plan, err)
                                          : plan_view_ask(admin, number, &plan, err);
    if (code == HEARTH_OK) {
        (options->json ? plan_view_json : plan_view_print)(&plan);
    }
    return code;
}

static enum program_exit run_status(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show_status, err);
}

const struct program_verb hearth_admin_verb_rebalance_status = {
    .name = "rebalance status",
    .arguments = "[PLAN]",
    .arguments_max = 1,
    .options = one_params,
    .option_count = sizeof(one_params) / sizeof(one_params[0]),
    .options_size = sizeof(struct one_options),
    .needs_config = true,
    .help = "plans, newest first: how far each is, and how long it will take; or all about one",
    .run = run_status,
};
