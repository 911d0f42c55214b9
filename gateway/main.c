/*
 * main.c - hearth-gateway: `join` lets it serve a tenant, without a verb it serves.
 */
#include "common/cleanup.h"
#include "common/log.h"
#include "common/program.h"
#include "gateway/gateway.h"
#include "gateway/tenants.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* ---- join ---- */

struct join_options {
    const char *invite;
    const char *root_key;
};

#define FIELD(name) offsetof(struct join_options, name)

static const struct program_option join_options[] = {
    {"invite", 0, "STRING", true, FIELD(invite),
        "the invitation: hearth-admin tenant invite NAME --gateway"},
    {"root-key", 0, "FILE", false, FIELD(root_key),
        "the tenant's root key, or its recovery sheet; needed when the tenant has one already"},
};

static enum hearth_code load(const struct program_call *call, struct arena *arena,
    struct settings *out, struct hearth_err *err)
{
    enum hearth_code code = config_load(call->program->config, call->config_path, arena, out, err);
    if (code == HEARTH_OK && gateway_check(out, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", call->config_path);
    }
    return code;
}

static enum program_exit run_join(const struct program_call *call, struct hearth_err *err)
{
    const struct join_options *options = call->options;
    struct settings settings;
    struct arena arena;
    char *name;
    arena_init(&arena, 0);
    enum hearth_code code = load(call, &arena, &settings, err);
    if (code == HEARTH_OK) {
        code = tenants_join(settings.tenants, options->invite, options->root_key, &name, err);
    }
    if (code == HEARTH_OK) {
        printf("joined for %s; a gateway that runs serves it after SIGHUP\n", name);
        free(name);
    }
    arena_fini(&arena);
    return program_result(code);
}

/* ---- serve ---- */

static void wait_until_stopped(struct gateway *gateway, int stop_fd, int reload_fd)
{
    struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = reload_fd, .events = POLLIN}};
    while (fds[0].revents == 0) {
        if (poll(fds, 2, -1) > 0 && fds[1].revents != 0) {
            program_signal_wait(reload_fd);
            gateway_reload(gateway);
        }
    }
    log_write(LOG_PROCESS_STOPPED, "program=hearth-gateway reason=%s",
        strsignal(program_signal_wait(stop_fd)));
}

static enum hearth_code serve(const struct settings *settings, struct hearth_err *err)
{
    struct gateway *gateway;
    CLOSES_FD int stop_fd = -1;
    CLOSES_FD int reload_fd = -1;
    if (program_stop_open(&stop_fd, err) != HEARTH_OK ||
        program_reload_open(&reload_fd, err) != HEARTH_OK ||
        gateway_start(settings, env_system(), &gateway, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_PROCESS_STARTED,
        "program=hearth-gateway version=" HEARTH_VERSION " port=%u tls_port=%u admin_port=%u",
        gateway_port(gateway), gateway_tls_port(gateway), gateway_admin_port(gateway));
    wait_until_stopped(gateway, stop_fd, reload_fd);
    gateway_stop_blocking(gateway);
    return HEARTH_OK;
}

static enum program_exit run_serve(const struct program_call *call, struct hearth_err *err)
{
    struct settings settings;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = load(call, &arena, &settings, err);
    if (code == HEARTH_OK) {
        code = serve(&settings, err);
    }
    arena_fini(&arena);
    return program_result(code);
}

int main(int argc, char **argv)
{
    static const struct program_verb verbs[] = {
        {
            .needs_config = true,
            .help = "serves S3 until SIGTERM or SIGINT; SIGHUP: new tenants, a new access log and "
                    "certificate",
            .run = run_serve,
        },
        {
            .name = "join",
            .options = join_options,
            .option_count = sizeof(join_options) / sizeof(join_options[0]),
            .options_size = sizeof(struct join_options),
            .needs_config = true,
            .help = "lets this gateway serve a tenant, by invitation",
            .run = run_join,
        },
    };
    static const struct program program = {
        .name = "hearth-gateway",
        .purpose = "S3 over HTTP for the objects of a Hearth cluster",
        .verbs = verbs,
        .verb_count = sizeof(verbs) / sizeof(verbs[0]),
        .config = &settings_table,
    };
    return program_main(&program, argc, argv);
}
