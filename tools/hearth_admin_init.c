/*
 * hearth-admin init: an operator's identity, from an operator's invitation.
 */
#include "client/client_join.h"
#include "tools/hearth_admin_verbs.h"

#include <stdio.h>

struct init_options {
    bool replace;
};

static enum program_exit run_init(const struct program_call *call, struct hearth_err *err)
{
    const struct init_options *options = call->options;
    struct client_join join = {
        .env = env_system(),
        .invite = call->arguments[0],
        .config_path = call->config_path,
        .class = PEER_ADMIN,
        .replace = options->replace,
    };
    if (client_join(&join, err) != HEARTH_OK) {
        return program_result(hearth_err_prefix(err, "init"));
    }
    printf("This machine can run the cluster now; its configuration is %s.\n", call->config_path);
    return PROGRAM_DONE;
}

static const struct program_option init_params[] = {
    {.name = "replace",
        .offset = offsetof(struct init_options, replace),
        .help = "overwrite the configuration that is there"},
};

const struct program_verb hearth_admin_verb_init = {
    .name = "init",
    .arguments = "INVITE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = init_params,
    .option_count = sizeof(init_params) / sizeof(init_params[0]),
    .options_size = sizeof(struct init_options),
    .needs_config = true,
    .help = "become an operator of the cluster that gave the invite; writes the configuration",
    .run = run_init,
};
