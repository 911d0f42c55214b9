/*
 * hearth-admin node drain, node undrain, node remove: a node that leaves in good order.
 */
#include "tools/admin_option.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/node_find.h"
#include "tools/option.h"
#include "tools/plan_view.h"

/* ---- drain ---- */

struct drain_options {
    const char *bandwidth;
    bool wait;
    bool json;
};

static enum hearth_code drain(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct drain_options *options = call->options;
    struct wire_node_drain_request request = {.node = view_text(call->arguments[0])};
    struct wire_rebalance_info plan;
    if (admin_option_bytes(admin, "bandwidth", options->bandwidth, &request.bandwidth, err) !=
            HEARTH_OK ||
        admin_ask(admin, RPC_NODE_DRAIN, &request, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = options->wait ? plan_view_await_end(admin, plan.number, &plan, err)
                                          : plan_view_await_planned(admin, plan.number, &plan, err);
    if (code == HEARTH_OK) {
        (options->json ? plan_view_json : plan_view_print)(&plan);
    }
    return code;
}

static enum program_exit run_drain(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, drain, err);
}

static const struct program_option drain_params[] = {
    {.name = "bandwidth",
        .value = "SIZE",
        .offset = offsetof(struct drain_options, bandwidth),
        .help = "bytes a second that moves may take, like 5M"},
    {.name = "wait",
        .offset = offsetof(struct drain_options, wait),
        .help =
            "until the node is empty; that is ten minutes after its last shard at the earliest"},
    OPTION_JSON(drain_options),
};

const struct program_verb hearth_admin_verb_node_drain = {
    .name = "node drain",
    .arguments = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = drain_params,
    .option_count = sizeof(drain_params) / sizeof(drain_params[0]),
    .options_size = sizeof(struct drain_options),
    .needs_config = true,
    .help =
        "a node takes no more shards, and what it has goes to others; it serves readers meanwhile",
    .notes =
        "It is a plan like those of `rebalance`: status, pause, resume and cancel are there.\n",
    .run = run_drain,
};

/* ---- undrain ---- */

struct undrain_options {
    bool json;
};

static enum hearth_code undrain(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct undrain_options *options = call->options;
    const struct wire_node_undrain_request request = {.node = view_text(call->arguments[0])};
    struct wire_empty reply;
    enum hearth_code code = admin_ask(admin, RPC_NODE_UNDRAIN, &request, &reply, err);
    return code == HEARTH_OK ? node_find_and_list(admin, call->arguments[0], options->json, err)
                             : code;
}

static enum program_exit run_undrain(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, undrain, err);
}

static const struct program_option undrain_params[] = {
    OPTION_JSON(undrain_options),
};

const struct program_verb hearth_admin_verb_node_undrain = {
    .name = "node undrain",
    .arguments = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = undrain_params,
    .option_count = sizeof(undrain_params) / sizeof(undrain_params[0]),
    .options_size = sizeof(struct undrain_options),
    .needs_config = true,
    .help = "it stays after all and takes shards again; its plan is cancelled",
    .run = run_undrain,
};

/* ---- remove ---- */

struct remove_options {
    bool force;
    const char *confirm;
    bool json;
};

static enum hearth_code remove_node(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct remove_options *options = call->options;
    const struct wire_node_remove_request request = {.node = view_text(call->arguments[0]),
        .by_force = options->force,
        .confirmed = options->confirm != NULL ? view_text(options->confirm) : (struct view){0}};
    struct wire_empty reply;
    enum hearth_code code = admin_ask(admin, RPC_NODE_REMOVE, &request, &reply, err);
    return code == HEARTH_OK ? node_find_and_list(admin, call->arguments[0], options->json, err)
                             : code;
}

static enum program_exit run_remove(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, remove_node, err);
}

static const struct program_option remove_params[] = {
    {.name = "force",
        .offset = offsetof(struct remove_options, force),
        .help = "although it still holds data, which repair makes anew from the others"},
    {.name = "confirm",
        .value = "ID",
        .offset = offsetof(struct remove_options, confirm),
        .help = "with --force: 8 or more digits of its id, as `node show` says it"},
    OPTION_JSON(remove_options),
};

const struct program_verb hearth_admin_verb_node_remove = {
    .name = "node remove",
    .arguments = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = remove_params,
    .option_count = sizeof(remove_params) / sizeof(remove_params[0]),
    .options_size = sizeof(struct remove_options),
    .needs_config = true,
    .help = "a drained node is gone for ever: its key is not renewed, it cannot come back",
    .run = run_remove,
};
