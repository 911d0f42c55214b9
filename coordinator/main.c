/*
 * main.c - hearth-coordinator: `init` makes a cluster, `rebuild` a lost one; without a verb it
 * serves.
 */
#include "common/log.h"
#include "common/program.h"
#include "coordinator/init.h"
#include "coordinator/rescue/kit_nodes.h"
#include "coordinator/rescue/rebuild.h"
#include "coordinator/rescue/restore.h"
#include "coordinator/server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* ---- init ---- */

#define FIELD(name) offsetof(struct init_options, name)

static const struct program_option init_options[] = {
    {"dir", 0, "DIR", true, FIELD(dir), "the folder to make; refused when a cluster is there"},
    {"listen", 0, "HOST:PORT", false, FIELD(listen), "where members are answered"},
    {"enrol", 0, "HOST:PORT", false, FIELD(enrol), "where those with an invitation join"},
    {"advertise", 0, "HOST", false, FIELD(advertise),
        "what others dial, when it listens on all addresses; default: this machine's name"},
    {"profile", 0, "NAME", false, FIELD(profile), "redundancy of buckets that name none"},
    {"heartbeat", 0, "TIME", false, FIELD(heartbeat), "how often nodes report: 30s, 1s"},
    {"allow-colocation", 0, NULL, false, FIELD(allow_colocation),
        "for development: shards of a segment may share an owner or a network"},
};

static enum program_exit run_init(const struct program_call *call, struct hearth_err *err)
{
    return program_result(coordinator_init(call->options, env_system(), stdout, err));
}

/* ---- kit, rebuild ---- */

static enum program_exit run_kit(const struct program_call *call, struct hearth_err *err)
{
    struct settings settings;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code =
        config_load(call->program->config, call->config_path, &arena, &settings, err);
    if (code == HEARTH_OK) {
        code = kit_print_with_nodes(&settings, env_system(), stdout, err);
    }
    arena_fini(&arena);
    return program_result(code);
}

#undef FIELD
#define FIELD(name) offsetof(struct rebuild_options, name)

static const struct program_option rebuild_options[] = {
    {"kit", 0, "FILE", true, FIELD(kit), "the recovery kit; - is standard input"},
    {"dir", 0, "DIR", true, FIELD(init.dir), "the folder to make; what is there of it is kept"},
    {"nodes", 0, "HOST:PORT,...", false, FIELD(nodes), "nodes beside those of the kit"},
    {"wait", 0, "TIME", false, FIELD(wait),
        "listen so long where the old coordinator did, for nodes that call it: 2min"},
    {"accept-older", 0, NULL, false, FIELD(accepts_older),
        "when the newest shipment cannot be read: the newest that can"},
    {"listen", 0, "HOST:PORT", false, FIELD(init.listen), "as for init"},
    {"enrol", 0, "HOST:PORT", false, FIELD(init.enrol), "as for init"},
    {"advertise", 0, "HOST", false, FIELD(init.advertise), "as for init"},
    {"profile", 0, "NAME", false, FIELD(init.profile), "as for init"},
    {"heartbeat", 0, "TIME", false, FIELD(init.heartbeat), "as for init"},
    {"allow-colocation", 0, NULL, false, FIELD(init.allow_colocation), "as for init"},
};

static enum program_exit run_rebuild(const struct program_call *call, struct hearth_err *err)
{
    return program_result(coordinator_rebuild(call->options, env_system(), stdout, err));
}

/* ---- restore ---- */

struct restore_options {
    bool replace;
};

static const struct program_option restore_params[] = {
    {"replace", 0, NULL, false, offsetof(struct restore_options, replace),
        "what is there is put aside, under another name"},
};

static enum program_exit run_restore(const struct program_call *call, struct hearth_err *err)
{
    const struct restore_options *options = call->options;
    struct settings settings;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code =
        config_load(call->program->config, call->config_path, &arena, &settings, err);
    if (code == HEARTH_OK) {
        code = coordinator_restore(
            &settings, call->arguments[0], options->replace, env_system(), stdout, err);
    }
    arena_fini(&arena);
    return program_result(code);
}

/* ---- serve ---- */

static void log_started(const struct server *server)
{
    log_write(LOG_PROCESS_STARTED,
        "program=hearth-coordinator version=" HEARTH_VERSION
        " port=%u enrolment_port=%u admin_port=%u",
        server_port(server), server_enrolment_port(server), server_admin_port(server));
}

/* *is_stopped: by a signal, not for a restore. */
static void wait_for_end(int stop_fd, const struct restore_order *order, bool *is_stopped)
{
    struct pollfd ends[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = order->fd, .events = POLLIN}};
    while (poll(ends, sizeof(ends) / sizeof(ends[0]), -1) < 0) {
        assert(errno == EINTR);
    }
    *is_stopped = ends[0].revents != 0;
    log_write(LOG_PROCESS_STOPPED, "program=hearth-coordinator reason=%s",
        *is_stopped ? strsignal(program_signal_wait(stop_fd)) : "restore");
}

/* From open to close, once. */
static enum hearth_code serve_once(const struct settings *settings, int stop_fd,
    struct restore_order *order, bool *is_stopped, struct hearth_err *err)
{
    struct coordinator *coordinator;
    struct server *server;
    if (coordinator_open(settings, env_system(), &coordinator, err) != HEARTH_OK) {
        return err->code;
    }
    coordinator->restore_order = order;
    enum hearth_code code = server_start(coordinator, &server, err);
    if (code == HEARTH_OK) {
        log_started(server);
        wait_for_end(stop_fd, order, is_stopped);
        server_stop_blocking(server);
    }
    coordinator_close(coordinator);
    return code;
}

/* All is closed.  Whoever ordered it was told that it would be: also when a signal came, too. */
static void carry_out(struct restore_order *order)
{
    struct hearth_err err;
    if (restore_order_carry_out(order, &err) == HEARTH_OK) {
        log_write(LOG_RESTORED, "aside=%s", order->place.aside);
    } else {
        log_write(LOG_RESTORE_FAILED, "error=\"%s\"", err.message);
    }
}

static enum hearth_code serve(const struct settings *settings, struct hearth_err *err)
{
    struct restore_order order;
    bool is_stopped = false;
    int stop_fd;
    if (program_stop_open(&stop_fd, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = restore_order_open(&order, err);
    while (code == HEARTH_OK && !is_stopped) {
        code = serve_once(settings, stop_fd, &order, &is_stopped, err);
        if (order.is_given) {
            carry_out(&order);
        }
    }
    restore_order_close(&order);
    close(stop_fd);
    return code;
}

static enum program_exit run_serve(const struct program_call *call, struct hearth_err *err)
{
    struct settings settings;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code =
        config_load(call->program->config, call->config_path, &arena, &settings, err);
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
            .help = "serves a cluster until SIGTERM or SIGINT",
            .run = run_serve,
        },
        {
            .name = "init",
            .options = init_options,
            .option_count = sizeof(init_options) / sizeof(init_options[0]),
            .options_size = sizeof(struct init_options),
            .help = "makes a cluster: keys, metadata, configuration; prints the first invitation",
            .run = run_init,
        },
        {
            .name = "kit",
            .needs_config = true,
            .help = "prints the recovery kit, with addresses of nodes as they are now",
            .run = run_kit,
        },
        {
            .name = "restore",
            .arguments = "FILE",
            .arguments_min = 1,
            .arguments_max = 1,
            .options = restore_params,
            .option_count = sizeof(restore_params) / sizeof(restore_params[0]),
            .options_size = sizeof(struct restore_options),
            .needs_config = true,
            .help = "makes a backup the metadata; the coordinator must not run",
            .run = run_restore,
        },
        {
            .name = "rebuild",
            .options = rebuild_options,
            .option_count = sizeof(rebuild_options) / sizeof(rebuild_options[0]),
            .options_size = sizeof(struct rebuild_options),
            .help = "makes a lost coordinator again, from the recovery kit and the nodes",
            .run = run_rebuild,
        },
    };
    static const struct program program = {
        .name = "hearth-coordinator",
        .purpose =
            "knows which bytes of a Hearth cluster exist, where they are, who may touch them",
        .verbs = verbs,
        .verb_count = sizeof(verbs) / sizeof(verbs[0]),
        .config = &settings_table,
    };
    return program_main(&program, argc, argv);
}
