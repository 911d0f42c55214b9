/*
 * hearth-admin backup: the coordinator's metadata, consistent, in one file.
 */
#include "tools/admin_receive.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/local_sink.h"

#include <string.h>

static enum hearth_code write_chunk(void *context, const void *message, struct hearth_err *err)
{
    const struct wire_backup_chunk *chunk = message;
    return local_sink_write(context, chunk->bytes, err);
}

static enum hearth_code backup(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const char *path = call->arguments[0];
    struct local_sink sink;
    struct wire_backup_chunk chunk;
    if (strcmp(path, "-") == 0) {
        local_sink_open_stdout(&sink);
    } else if (local_sink_open_path(path, &sink, err) != HEARTH_OK) {
        return err->code;
    }
    if (admin_receive(admin, RPC_BACKUP, &(struct wire_empty){0}, &chunk, write_chunk, &sink,
            err) != HEARTH_OK) {
        local_sink_abandon(&sink);
        return err->code;
    }
    return local_sink_finish(&sink, err);
}

static enum program_exit run_backup(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, backup, err);
}

const struct program_verb hearth_admin_verb_backup = {
    .name = "backup",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .needs_config = true,
    .help = "write the cluster's metadata to a file (- is standard output)",
    .run = run_backup,
};
