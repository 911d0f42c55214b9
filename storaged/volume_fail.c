#include "storaged/volume_state.h"

#include <errno.h>
#include <stdlib.h>

/*
 * A log that failed is never written or synced again.  Its last records were acknowledged to nobody
 * and may be there or not, so before anything else is acknowledged in another log, that log says
 * how far the failed one counts (RETIRED).  Then its shards are read back and moved
 * (volume_rescue.c).
 *
 * A full disk retires a log, too, when its file system noticed only during the write; but that is
 * no failure of the disk.
 */
struct retiring {
    struct volume *volume;
    struct room_wish wish;
    struct log_record record;
    uint8_t bytes[RECORD_HEADER_SIZE + RETIRED_BODY_SIZE];
};

static bool is_no_space(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

static void become_read_only(struct volume *volume, const char *reason)
{
    if (!volume->is_read_only) {
        volume->is_read_only = true;
        volume_report(volume, &(struct volume_event){.kind = VOLUME_READ_ONLY, .reason = reason});
        volume_room_refuse_all(volume);
    }
}

void volume_count_failure(struct volume *volume, const char *what, int error)
{
    volume->failures++;
    if (volume->failures > 1) {
        struct hearth_err err;
        hearth_fail_sys(&err, HEARTH_IO, error, "%s", what);
        become_read_only(volume, err.message);
    }
}

static void retired(struct log_record *record)
{
    struct retiring *retiring =
        (struct retiring *)((char *)record - offsetof(struct retiring, record));
    struct volume *volume = retiring->volume;
    volume_room_give_back(retiring->wish.log, 0);
    volume->retiring_count--;
    free(retiring);
    volume_close_if_idle(volume);
}

static void append_retired(struct room_wish *wish)
{
    struct retiring *retiring = (struct retiring *)((char *)wish - offsetof(struct retiring, wish));
    if (wish->err.code == HEARTH_OK) {
        log_writer_append(wish->log->writer, &retiring->record);
        return;
    }
    /* Without the record a restart could take back what was refused: nothing more may be promised.
     */
    struct volume *volume = retiring->volume;
    volume->retiring_count--;
    become_read_only(volume, "cannot record how far a failed log counts");
    free(retiring);
}

static void retire(struct volume_log *log, int error)
{
    struct volume *volume = log->volume;
    struct retiring *retiring = calloc(1, sizeof(*retiring));
    if (retiring == NULL) {
        become_read_only(volume, "no memory to record how far a failed log counts");
        return;
    }
    volume->retiring_count++;
    retiring->volume = volume;
    retiring->record = (struct log_record){.type = RECORD_RETIRED,
        .needs_sync = true,
        .head = retiring->bytes,
        .body_size = RETIRED_BODY_SIZE,
        .done = retired};
    struct retired body = {.good_until = log->good_until, .error = (uint32_t)error};
    retired_encode(&body, retiring->bytes + RECORD_HEADER_SIZE);
    retiring->wish = (struct room_wish){
        .bytes = log_record_room(RETIRED_BODY_SIZE), .kind = ROOM_SMALL, .done = append_retired};
    volume_room_take_first(volume, &retiring->wish);
}

void volume_log_failed(struct volume_log *log, int error)
{
    struct volume *volume = log->volume;
    log->takes_puts = false;
    log->is_retired = true;
    log->good_until = log_writer_position(log->writer).durable;
    if (volume->room.active == log) {
        volume->room.active = NULL;
    }
    struct hearth_err err;
    hearth_fail_sys(&err, HEARTH_IO, error, "write or sync a log");
    volume_report(volume,
        &(struct volume_event){
            .kind = VOLUME_LOG_FAILED, .log = log->number, .reason = err.message});
    if (!is_no_space(error)) {
        volume_count_failure(volume, "write or sync a log", error);
    }
    if (!volume->is_read_only) {
        retire(log, error);
    }
    if (!volume->is_read_only && !is_no_space(error)) {
        volume_rescue_start(volume, log);
    }
    volume_log_settle(log);
}
