/*
 * hearth-admin restore: a backup becomes the metadata of the coordinator that runs.
 *
 *   file --chunks--> coordinator: checked --> answer;  it stops, takes it, starts --> this waits
 */
#include "common/cleanup.h"
#include "common/env.h"
#include "proto/wire_garbage.h"
#include "tools/admin_option.h"
#include "tools/admin_receive.h"
#include "tools/admin_wait.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"
#include "tools/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIMEOUT_DEFAULT_MS = 60 * 1000 };

struct restore_options {
    bool json;
    const char *timeout;
};

/* ---- sending ---- */

struct source {
    int fd;
    uint64_t size; /* as it was when it was opened */
    uint64_t done;
    uint8_t *chunk;
    struct progress *progress;
};

static enum hearth_code open_source(const char *path, struct source *source, struct hearth_err *err)
{
    struct stat status;
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &status) != 0) {
        return hearth_fail_sys(err, errno == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO, errno, "open");
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        return hearth_fail(err, HEARTH_INVALID, "it is no file with something in it");
    }
    source->size = (uint64_t)status.st_size;
    source->progress = progress_create(env_system());
    progress_expect(source->progress, 1, source->size);
    source->chunk = malloc(WIRE_BACKUP_CHUNK_MAX);
    return source->chunk != NULL ? HEARTH_OK : hearth_fail(err, HEARTH_NO_MEMORY, "chunk");
}

static enum hearth_code give_chunk(
    void *context, void *message, bool *is_last, struct hearth_err *err)
{
    struct source *source = context;
    const uint64_t left = source->size - source->done;
    const size_t wanted = left < WIRE_BACKUP_CHUNK_MAX ? (size_t)left : WIRE_BACKUP_CHUNK_MAX;
    ssize_t got = read(source->fd, source->chunk, wanted);
    if (got <= 0) {
        return got < 0 ? hearth_fail_sys(err, HEARTH_IO, errno, "read")
                       : hearth_fail(err, HEARTH_CONFLICT, "it shrinks while it is read");
    }
    *(struct wire_restore_chunk *)message = (struct wire_restore_chunk){
        .size = source->size, .bytes = view_of(source->chunk, (size_t)got)};
    source->done += (uint64_t)got;
    progress_bytes(source->progress, (uint64_t)got);
    *is_last = source->done == source->size;
    return HEARTH_OK;
}

static enum hearth_code send_file(
    struct admin *admin, const char *path, struct wire_restore_reply *reply, struct hearth_err *err)
{
    struct source source = {.fd = -1};
    struct wire_restore_chunk chunk;
    enum hearth_code code = open_source(path, &source, err);
    if (code == HEARTH_OK) {
        code = admin_send(admin, RPC_RESTORE, &chunk, give_chunk, &source, reply, err);
    }
    progress_destroy(source.progress);
    free(source.chunk);
    if (source.fd >= 0) {
        close(source.fd);
    }
    return code;
}

/* ---- waiting ---- */

/* Until one with the new epoch answers: who does not, or with the old one, is on his way. */
static bool is_back(struct admin *admin, uint64_t epoch, struct hearth_err *err)
{
    struct wire_garbage_status_reply status;
    if (admin_ask(admin, RPC_GARBAGE_STATUS, &(struct wire_empty){0}, &status, err) != HEARTH_OK) {
        return false;
    }
    if (status.recovery_epoch < epoch) {
        hearth_fail(err, HEARTH_DEADLINE, "it still answers with recovery epoch %" PRIu64,
            status.recovery_epoch);
    }
    return status.recovery_epoch >= epoch;
}

static enum hearth_code wait_until_back(
    struct admin *admin, uint64_t epoch, uint64_t timeout_ms, struct hearth_err *err)
{
    struct env *env = env_system();
    const uint64_t start_ns = env_now_ns(env);
    while (!is_back(admin, epoch, err)) {
        if (err->code == HEARTH_DENIED) {
            return hearth_err_prefix(err, "the backup is in place, and does not know this admin");
        }
        if (env_now_ns(env) - start_ns > timeout_ms * 1000000) {
            char text[FORMAT_DURATION_SIZE];
            return hearth_err_prefix(err,
                "the backup is whole, but after %s the coordinator has not come back with it",
                format_duration(timeout_ms, text));
        }
        admin_wait_show("checked; the coordinator stops, takes it, and starts");
        if (admin_wait(admin, "the restore goes on", err) != HEARTH_OK ||
            admin_begin_again(admin, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

/* ---- the verb ---- */

static void print_json(const char *path, const struct wire_restore_reply *reply)
{
    json_t *line = json_line_object();
    json_line_text(line, "file", path);
    json_line_time(line, "backup_at", reply->backup_unix_ms);
    json_line_number(line, "versions", reply->versions);
    json_line_number(line, "recovery_epoch", reply->recovery_epoch);
    json_line_bytes(line, "aside", reply->aside);
    json_line_flag(line, "garbage_held", true);
    json_line_print(line);
}

static void print_people(const char *path, const struct wire_restore_reply *reply)
{
    char when[FORMAT_TIME_SIZE];
    printf("restored:   %s, which ends at %s\n"
           "objects:    %" PRIu64 " versions\n"
           "epoch:      %" PRIu64 "\n"
           "aside:      %.*s, at the coordinator: the metadata of before\n"
           "Nothing is deleted at nodes until all are reconciled, or `hearth-admin gc release`;\n"
           "`hearth-admin fsck` lists the shards of what was stored since.\n",
        path, format_time(reply->backup_unix_ms, when), reply->versions, reply->recovery_epoch,
        VIEW_ARGS(reply->aside));
}

static enum hearth_code restore(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct restore_options *options = call->options;
    const char *path = call->arguments[0];
    struct wire_restore_reply reply;
    char aside[WIRE_TEXT_MAX + 1];
    uint64_t timeout_ms = TIMEOUT_DEFAULT_MS;
    if (admin_option_duration(admin, "timeout", options->timeout, &timeout_ms, err) != HEARTH_OK) {
        return err->code;
    }
    if (send_file(admin, path, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    snprintf(aside, sizeof(aside), "%.*s", VIEW_ARGS(reply.aside));
    reply.aside = view_text(aside); /* waiting forgets the answer */
    enum hearth_code code = wait_until_back(admin, reply.recovery_epoch, timeout_ms, err);
    admin_wait_end();
    if (code != HEARTH_OK) {
        return code;
    }
    if (options->json) {
        print_json(path, &reply);
    } else {
        print_people(path, &reply);
    }
    return HEARTH_OK;
}

static enum program_exit run_restore(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, restore, err);
}

static const struct program_option params[] = {
    {.name = "timeout",
        .value = "DURATION",
        .offset = offsetof(struct restore_options, timeout),
        .help = "once the backup is checked: wait so long for the coordinator (default 60s)"},
    OPTION_JSON(restore_options),
};

const struct program_verb hearth_admin_verb_restore = {
    .name = "restore",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = params,
    .option_count = sizeof(params) / sizeof(params[0]),
    .options_size = sizeof(struct restore_options),
    .needs_config = true,
    .help = "make a backup the metadata of the coordinator, which stops, takes it, and starts",
    .notes = "The backup is checked before anything is changed; the metadata of before is kept,\n"
             "under another name, at the coordinator. Garbage collection is held afterwards.\n",
    .run = run_restore,
};
