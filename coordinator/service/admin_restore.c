#include "coordinator/service/admin_restore.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/rescue/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

/* What has come of a file. */
struct arrival {
    struct restore_place *place;
    int fd;
    uint64_t size; /* 0: the first message says it */
    uint64_t done;
};

/* All of its room at once: a disk that is too full says so before anything was sent. */
static enum hearth_code begin(
    struct arrival *arrival, const struct wire_restore_chunk *first, struct hearth_err *err)
{
    arrival->size = first->size;
    if (arrival->size == 0 || arrival->size > INT64_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "a file of %" PRIu64 " bytes", arrival->size);
    }
    int failed = posix_fallocate(arrival->fd, 0, (off_t)arrival->size);
    return failed == 0 ? HEARTH_OK
                       : hearth_fail_sys(err, HEARTH_IO, failed, "room for %" PRIu64 " bytes in %s",
                             arrival->size, arrival->place->folder);
}

static enum hearth_code take_chunk(
    struct arrival *arrival, const struct wire_restore_chunk *chunk, struct hearth_err *err)
{
    if (arrival->size == 0 && begin(arrival, chunk, err) != HEARTH_OK) {
        return err->code;
    }
    if (chunk->bytes.size == 0 || chunk->bytes.size > arrival->size - arrival->done) {
        return hearth_fail(err, HEARTH_INVALID, "%zu bytes after %" PRIu64 " of %" PRIu64,
            chunk->bytes.size, arrival->done, arrival->size);
    }
    arrival->done += chunk->bytes.size;
    return restore_place_write(arrival->place, arrival->fd, chunk->bytes, err);
}

static enum hearth_code take_all(
    struct admin_job *job, struct arrival *arrival, struct hearth_err *err)
{
    enum hearth_code code;
    do {
        struct arena arena;
        struct wire_restore_chunk chunk;
        arena_init(&arena, 0);
        code = admin_job_request(job, &arena, &chunk, err);
        if (code == HEARTH_OK) {
            code = take_chunk(arrival, &chunk, err);
        }
        arena_fini(&arena);
    } while (code == HEARTH_OK && arrival->done < arrival->size);
    return code;
}

/* A plain copy of a database may lack what is in its log: it was never a backup. */
static enum hearth_code check(struct coordinator *coordinator, const struct arrival *arrival,
    struct meta_backup_facts *facts, struct hearth_err *err)
{
    struct meta_settings settings;
    if (meta_settings_get(coordinator->store, &settings, err) != HEARTH_OK ||
        restore_place_check(arrival->place, arrival->fd, coordinator->cluster->id,
            settings.recovery_epoch, facts, err) != HEARTH_OK) {
        return err->code;
    }
    return facts->was_marked
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "it was not made by a backup of this cluster");
}

static enum hearth_code stage(struct admin_job *job, struct restore_place *place,
    struct meta_backup_facts *facts, struct hearth_err *err)
{
    CLOSES_FD int fd = -1;
    if (restore_place_open(place, &fd, err) != HEARTH_OK) {
        return err->code;
    }
    struct arrival arrival = {.place = place, .fd = fd};
    return take_all(job, &arrival, err) == HEARTH_OK
        ? check(admin_job_coordinator(job), &arrival, facts, err)
        : err->code;
}

static enum hearth_code answer(struct admin_job *job, const struct restore_place *place,
    const struct meta_backup_facts *facts, struct hearth_err *err)
{
    const struct wire_restore_reply reply = {
        .recovery_epoch = facts->recovery_epoch,
        .backup_unix_ms = facts->clock_ms,
        .versions = facts->versions,
        .aside = view_text(place->aside),
    };
    return admin_job_send(job, &reply, err);
}

/* The slot makes it one at a time, and whoever has the slot sees what the one before him gave. */
enum hearth_code admin_restore_run(struct admin_job *job, struct hearth_err *err)
{
    struct coordinator *coordinator = admin_job_coordinator(job);
    struct restore_order *order = coordinator->restore_order;
    struct restore_place place;
    struct meta_backup_facts facts;
    if (order == NULL) {
        return hearth_fail(err, HEARTH_NOT_READY, "nobody would carry it out");
    }
    if (order->is_given) {
        return hearth_fail(err, HEARTH_BUSY, "another is being put in place");
    }
    enum hearth_code code =
        restore_place_init(&place, coordinator->settings->metadata, coordinator->env, err);
    if (code != HEARTH_OK) {
        return code;
    }
    code = stage(job, &place, &facts, err);
    if (code == HEARTH_OK) {
        code = answer(job, &place, &facts, err);
    }
    if (code != HEARTH_OK) {
        restore_place_discard(&place);
        return code;
    }
    log_write(
        LOG_RESTORE_STAGED, "epoch=%" PRIu64 " by=%s", facts.recovery_epoch, admin_job_peer(job));
    restore_order_give(order, &place);
    return HEARTH_OK;
}

enum hearth_code admin_restore_opened(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    const struct coordinator *coordinator = service;
    return admin_job_open(coordinator->restores, stream, context, handlers, handler_context, err);
}
