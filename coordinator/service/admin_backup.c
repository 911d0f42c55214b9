#include "coordinator/service/admin_backup.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#define BACKUP_FILE "backup.partial" /* in the directory of the metadata; gone once it is open */

/* The copy, open, and already without a name: whatever happens, nothing stays behind. */
static enum hearth_code make_copy(struct coordinator *coordinator, int *out, struct hearth_err *err)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/" BACKUP_FILE, coordinator->settings->metadata);
    if (length >= (int)sizeof(path)) {
        return hearth_fail(err, HEARTH_INVALID, "path of " BACKUP_FILE " is too long");
    }
    unlink(path); /* of a process that was killed */
    if (meta_backup(coordinator->store, path, err) != HEARTH_OK) {
        return err->code;
    }
    *out = open(path, O_RDONLY | O_CLOEXEC);
    const int failed = errno;
    unlink(path);
    return *out >= 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_IO, failed, "open %s", path);
}

static enum hearth_code send_copy(
    struct admin_job *job, int fd, uint8_t *chunk, struct hearth_err *err)
{
    uint64_t sent = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, WIRE_BACKUP_CHUNK_MAX);
        if (got < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "read the copy");
        }
        if (got == 0) {
            log_write(LOG_BACKUP_SENT, "bytes=%ju by=%s", (uintmax_t)sent, admin_job_peer(job));
            return HEARTH_OK;
        }
        const struct wire_backup_chunk message = {.bytes = view_of(chunk, (size_t)got)};
        if (admin_job_send(job, &message, err) != HEARTH_OK) {
            return err->code;
        }
        sent += (uint64_t)got;
    }
}

enum hearth_code admin_backup_run(struct admin_job *job, struct hearth_err *err)
{
    CLOSES_FD int fd = -1;
    FREES uint8_t *chunk = malloc(WIRE_BACKUP_CHUNK_MAX);
    if (chunk == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "chunk");
    }
    if (make_copy(admin_job_coordinator(job), &fd, err) != HEARTH_OK) {
        return err->code;
    }
    return send_copy(job, fd, chunk, err);
}

enum hearth_code admin_backup_opened(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    const struct coordinator *coordinator = service;
    return admin_job_open(coordinator->backups, stream, context, handlers, handler_context, err);
}
