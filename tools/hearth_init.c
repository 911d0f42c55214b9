/*
 * hearth init, hearth key export: becoming a customer, and keeping what opens the data.
 */
#include "tools/errand.h"
#include "tools/hearth_verbs.h"

#include <stdio.h>

struct init_options {
    const char *root_key;
    bool replace;
};

static enum program_exit run_init(const struct program_call *call, struct hearth_err *err)
{
    const struct init_options *options = call->options;
    struct hearth_init_options init = {
        .invite = call->arguments[0],
        .config_path = call->config_path,
        .root_key_path = options->root_key,
        .replace = options->replace,
    };
    if (hearth_init_client(&init, err) != HEARTH_OK) {
        return program_result(hearth_err_prefix(err, "init"));
    }
    printf("This machine can use the cluster now; its configuration is %s.\n", call->config_path);
    if (options->root_key == NULL) {
        printf("A new root key was made beside it. Without that key nobody can read your objects,\n"
               "not even the operator. Print it and keep the paper:\n\n"
               "    hearth --config %s key export\n",
            call->config_path);
    }
    return PROGRAM_DONE;
}

static const struct program_option init_params[] = {
    {.name = "root-key",
        .value = "FILE",
        .offset = offsetof(struct init_options, root_key),
        .help = "use this root key (a key file or a recovery sheet) instead of a new one"},
    {.name = "replace",
        .offset = offsetof(struct init_options, replace),
        .help = "overwrite the configuration that is there; a root key never is"},
};

const struct program_verb hearth_verb_init = {
    .name = "init",
    .arguments = "INVITE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = init_params,
    .option_count = sizeof(init_params) / sizeof(init_params[0]),
    .options_size = sizeof(struct init_options),
    .needs_config = true,
    .help = "join the cluster that gave the invite; writes the configuration",
    .run = run_init,
};

static enum hearth_code print_sheet(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    (void)call;
    (void)err;
    char sheet[HEARTH_SHEET_SIZE];
    hearth_key_export(errand_hearth(errand), sheet);
    fputs(sheet, stdout);
    return HEARTH_OK;
}

static enum program_exit run_key_export(const struct program_call *call, struct hearth_err *err)
{
    return errand_run(call, &(struct errand_options){0}, print_sheet, err);
}

const struct program_verb hearth_verb_key_export = {
    .name = "key export",
    .needs_config = true,
    .help = "print the recovery sheet: the root key, on paper",
    .run = run_key_export,
};
