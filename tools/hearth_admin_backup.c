/*
 * hearth-admin backup: the coordinator's metadata, consistent, in one file.
 */
#include "common/env.h"
#include "tools/admin_receive.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/local_sink.h"
#include "tools/option.h"
#include "tools/progress.h"

#include <stdio.h>
#include <string.h>

struct backup_options {
    bool json;
};

struct receiving {
    struct local_sink sink;
    struct progress *progress;
    uint64_t bytes;
};

static enum hearth_code write_chunk(void *context, const void *message, struct hearth_err *err)
{
    struct receiving *receiving = context;
    const struct wire_backup_chunk *chunk = message;
    receiving->bytes += chunk->bytes.size;
    progress_bytes(receiving->progress, chunk->bytes.size);
    return local_sink_write(&receiving->sink, chunk->bytes, err);
}

static enum hearth_code receive(
    struct admin *admin, const char *path, struct receiving *receiving, struct hearth_err *err)
{
    struct wire_backup_chunk chunk;
    if (strcmp(path, "-") == 0) {
        local_sink_open_stdout(&receiving->sink);
    } else if (local_sink_open_path(path, &receiving->sink, err) != HEARTH_OK) {
        return err->code;
    }
    if (admin_receive(admin, RPC_BACKUP, &(struct wire_empty){0}, &chunk, write_chunk, receiving,
            err) != HEARTH_OK) {
        local_sink_abandon(&receiving->sink);
        return err->code;
    }
    return local_sink_finish(&receiving->sink, err);
}

/* On standard output, which is the backup's own when that goes there. */
static void print_done(const char *path, uint64_t bytes, bool json)
{
    char text[FORMAT_BYTES_SIZE];
    if (strcmp(path, "-") == 0) {
        return;
    }
    if (json) {
        json_t *line = json_line_object();
        json_line_text(line, "file", path);
        json_line_number(line, "bytes", bytes);
        json_line_print(line);
    } else {
        printf("%s: %s of metadata; who has it and the master key has the cluster\n", path,
            format_bytes(bytes, text));
    }
}

static enum hearth_code backup(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct backup_options *options = call->options;
    const char *path = call->arguments[0];
    struct receiving receiving = {.progress = progress_create(env_system())};
    enum hearth_code code = receive(admin, path, &receiving, err);
    progress_destroy(receiving.progress);
    if (code == HEARTH_OK) {
        print_done(path, receiving.bytes, options->json);
    }
    return code;
}

static enum program_exit run_backup(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, backup, err);
}

static const struct program_option params[] = {
    OPTION_JSON(backup_options),
};

const struct program_verb hearth_admin_verb_backup = {
    .name = "backup",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = params,
    .option_count = sizeof(params) / sizeof(params[0]),
    .options_size = sizeof(struct backup_options),
    .needs_config = true,
    .help = "write the cluster's metadata to a file (- is standard output)",
    .run = run_backup,
};
