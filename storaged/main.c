/*
 * main.c - hearth-storaged: `init` makes a node of an invitation, `inspect` reads a volume, without
 * a verb it serves.
 */
#include "common/cleanup.h"
#include "common/log.h"
#include "common/program.h"
#include "storaged/inspect.h"
#include "storaged/node_init.h"
#include "storaged/reload.h"
#include "storaged/storaged.h"

#include <malloc.h>
#include <signal.h>

/* ---- init ---- */

struct init_options {
    const char *dir;
    const char *invite;
    const char *listen;
    const char *advertise;
    const char *capacity;
};

#define FIELD(name) offsetof(struct init_options, name)

static const struct program_option init_options[] = {
    {"dir", 0, "DIR", true, FIELD(dir), "the folder to make"},
    {"invite", 0, "STRING", true, FIELD(invite), "the invitation"},
    {"listen", 0, "HOST:PORT", false, FIELD(listen), "default " SETTINGS_LISTEN},
    {"advertise", 0, "HOST:PORT", false, FIELD(advertise), "how clients reach it from outside"},
    {"capacity", 0, "BYTES", false, FIELD(capacity), "the most it may occupy: 500G, 2T"},
};

static enum program_exit run_init(const struct program_call *call, struct hearth_err *err)
{
    const struct init_options *options = call->options;
    struct node_init init = {
        .dir = options->dir,
        .invite = options->invite,
        .listen = options->listen,
        .advertise = options->advertise,
    };
    if (options->capacity != NULL &&
        config_parse_bytes(options->capacity, &init.capacity_bytes, err) != HEARTH_OK) {
        return program_usage(err, "--capacity %s", err->message);
    }
    if (node_init_blocking(&init, env_system(), err) != HEARTH_OK) {
        hearth_err_prefix(err, "init %s", options->dir);
        return PROGRAM_FAILED;
    }
    return PROGRAM_DONE;
}

/* ---- serve ---- */

static enum hearth_code run_until_it_ends(struct storaged *storaged, const char *path,
    struct settings *settings, int stop_fd, int reload_fd, struct hearth_err *err)
{
    enum storaged_event event;
    while ((event = storaged_run(storaged, stop_fd, reload_fd)) == STORAGED_RELOAD) {
        program_signal_wait(reload_fd);
        reload_settings(storaged, path, settings);
    }
    if (event == STORAGED_VOLUME_GONE) {
        log_write(LOG_VOLUME_GONE, "volume=%s", settings->volume);
        return hearth_fail(err, HEARTH_IO,
            "serve: the volume %s is not there any more: was its disk unmounted?",
            settings->volume);
    }
    log_write(LOG_PROCESS_STOPPED, "program=hearth-storaged reason=%s",
        strsignal(program_signal_wait(stop_fd)));
    return HEARTH_OK;
}

static enum hearth_code serve_until_stopped(
    const char *path, struct settings *settings, int stop_fd, int reload_fd, struct hearth_err *err)
{
    struct storaged *storaged;
    if (storaged_start(settings, env_system(), &storaged, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = run_until_it_ends(storaged, path, settings, stop_fd, reload_fd, err);
    storaged_stop(storaged);
    return code;
}

static enum hearth_code serve(const char *path, struct settings *settings, struct hearth_err *err)
{
    CLOSES_FD int stop_fd = -1;
    CLOSES_FD int reload_fd = -1;
    if (program_stop_open(&stop_fd, err) != HEARTH_OK ||
        program_reload_open(&reload_fd, err) != HEARTH_OK) {
        return err->code;
    }
    return serve_until_stopped(path, settings, stop_fd, reload_fd, err);
}

/*
 * Cells come and go by the thousand: their memory is not given back to the kernel and asked for
 * again each time, which took a tenth of a second of a node's CPU for each GiB it stored.
 */
static void tune_heap(void)
{
    enum { ARENAS = 2, KEPT_BYTES = 4 << 20, STEP_BYTES = 1 << 20, MAPPED_BYTES = 1 << 20 };
    mallopt(
        M_ARENA_MAX, ARENAS); /* one per thread would be a third of the 64 MiB a node may take */
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_TOP_PAD, STEP_BYTES);
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
}

static enum program_exit run_serve(const struct program_call *call, struct hearth_err *err)
{
    struct settings settings;
    struct arena arena;
    tune_heap();
    arena_init(&arena, 0);
    enum hearth_code code =
        config_load(call->program->config, call->config_path, &arena, &settings, err);
    if (code == HEARTH_OK) {
        code = serve(call->config_path, &settings, err);
    }
    arena_fini(&arena);
    return program_result(code);
}

int main(int argc, char **argv)
{
    const struct program_verb verbs[] = {
        {
            .needs_config = true,
            .help = "serves shards until SIGTERM or SIGINT; SIGHUP: reads its limits again",
            .run = run_serve,
        },
        {
            .name = "init",
            .options = init_options,
            .option_count = sizeof(init_options) / sizeof(init_options[0]),
            .options_size = sizeof(struct init_options),
            .help = "makes a node: key, certificate, configuration, empty volume",
            .run = run_init,
        },
        inspect_verb,
    };
    const struct program program = {
        .name = "hearth-storaged",
        .purpose = "keeps shards of a Hearth cluster on this machine's disk",
        .verbs = verbs,
        .verb_count = sizeof(verbs) / sizeof(verbs[0]),
        .config = &storaged_settings_table,
    };
    return program_main(&program, argc, argv);
}
