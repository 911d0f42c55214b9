#include "storaged/volume_state.h"

#include "storaged/log_scan.h"
#include "storaged/volume_load.h"

#include <errno.h>
#include <stdlib.h>

/*
 * From the directory to an index:
 *
 *   1. the newest checkpoint that verifies gives entries, and where each log is to be scanned from
 *   2. every log is opened; those that may have grown since are synced, so that whatever is read
 *      from them stays, and then scanned, the newest first
 *   3. each record found is merged into the index
 *
 * Merging does not depend on the order of records, because a name is never used twice: a deletion
 * wins over the shard whichever is met first, and of two places of one shard the newer log wins.
 * So recovery may be cut short and done again any number of times.  It writes nothing; what was
 * torn is ignored each time, and new records go into a new log.
 */

struct scanning {
    struct volume *volume;
    struct volume_log *log;
};

/* ---- merging ---- */

/* The id of the record at a location. false: it cannot be read any more. */
static bool read_id(
    const struct volume *volume, const struct shard_location *at, struct shard_id *out)
{
    const struct volume_log *log = volume_log_find(volume, at->log);
    if (log == NULL || log->file == NULL) {
        return false;
    }
    uint8_t bytes[RECORD_HEADER_SIZE];
    struct iovec part = {bytes, sizeof(bytes)};
    struct disk_io io = {.request = DISK_READ,
        .file = log->file,
        .offset = at->offset,
        .iov = &part,
        .iov_count = 1};
    disk_run_blocking(volume->disk, &io);
    struct record_header header;
    if (io.error != 0 ||
        !record_header_decode(view_of(bytes, (size_t)io.size), log->seed, at->offset, &header)) {
        return false;
    }
    *out = header.id;
    return true;
}

struct entry {
    struct shard_location location;
    bool is_readable;
};

/*
 * The entry of the id so far.  One that cannot be read is taken for it, since 56 bits of its id
 * fit: a shard that was deleted must not come back to life because its record rots.
 */
static bool find_entry(const struct volume *volume, const struct shard_id *id, struct entry *out)
{
    struct shard_probe probe = {0};
    while (shard_index_next(volume->index, id, &probe, &out->location)) {
        struct shard_id found;
        out->is_readable = read_id(volume, &out->location, &found);
        if (!out->is_readable || shard_id_equal(&found, id)) {
            return true;
        }
    }
    return false;
}

/* Of two places of a shard the one in the older log does not count. */
static void note_ghost(const struct volume *volume, uint32_t older)
{
    struct volume_log *log = volume_log_find(volume, older);
    if (log != NULL) {
        log->has_ghosts = true;
    }
}

static enum hearth_code merge_shard(const struct scanning *scanning,
    const struct record_header *header, struct view body, struct hearth_err *err)
{
    struct volume *volume = scanning->volume;
    struct shard_footer footer;
    struct shard_location same;
    struct entry before;
    if (!footer_decode(body, &footer) ||
        shard_index_find_at(
            volume->index, &header->id, scanning->log->number, header->offset, &same)) {
        return HEARTH_OK;
    }
    struct shard_location here = {.state = SHARD_LIVE,
        .log = scanning->log->number,
        .offset = header->offset,
        .size = footer_shard_size(&footer)};
    if (!find_entry(volume, &header->id, &before)) {
        return shard_index_insert(volume->index, &header->id, &here, err);
    }
    bool is_barred = before.location.state == SHARD_BARRED;
    if (is_barred || before.location.log < here.log || !before.is_readable) {
        here.state = is_barred ? SHARD_TRASHED : before.location.state;
        here.day = before.location.day;
        shard_index_update(volume->index, &header->id, &before.location, &here);
    }
    if (!is_barred && before.location.log != here.log) {
        note_ghost(volume, before.location.log < here.log ? before.location.log : here.log);
    }
    return HEARTH_OK;
}

static void move_to_trash(struct volume *volume, const struct shard_id *id,
    const struct shard_location *before, uint8_t day)
{
    if (before->state == SHARD_LIVE) {
        struct shard_location after = *before;
        after.state = SHARD_TRASHED;
        after.day = day;
        shard_index_update(volume->index, id, before, &after);
    }
}

static enum hearth_code merge_tombstone(const struct scanning *scanning,
    const struct record_header *header, struct view body, struct hearth_err *err)
{
    struct volume *volume = scanning->volume;
    struct tombstone tombstone;
    struct entry before;
    if (!tombstone_decode(body, &tombstone)) {
        return HEARTH_OK;
    }
    uint8_t day = trash_day_of(tombstone.deleted_unix_ms);
    volume_clock_saw(&volume->clock, tombstone.deleted_unix_ms);
    /* The place it names saves reading whose entry it is; a moved shard is searched for. */
    if ((tombstone.footer_offset != 0 &&
            shard_index_find_at(volume->index, &header->id, tombstone.footer_log,
                tombstone.footer_offset, &before.location)) ||
        find_entry(volume, &header->id, &before)) {
        move_to_trash(volume, &header->id, &before.location, day);
        return HEARTH_OK;
    }
    struct shard_location here = {
        .state = SHARD_BARRED, .log = scanning->log->number, .offset = header->offset, .day = day};
    return shard_index_insert(volume->index, &header->id, &here, err);
}

static void merge_retired(const struct volume *volume, struct view body)
{
    struct retired retired;
    if (!retired_decode(body, &retired)) {
        return;
    }
    struct volume_log *log = volume_log_find(volume, (uint32_t)(retired.good_until >> 32));
    if (log != NULL) {
        log->is_retired = true;
        log->good_until = retired.good_until;
    }
}

static enum hearth_code merge(
    void *context, const struct record_header *header, struct view body, struct hearth_err *err)
{
    const struct scanning *scanning = context;
    switch (header->type) {
    case RECORD_SHARD: return merge_shard(scanning, header, body, err);
    case RECORD_TOMBSTONE: return merge_tombstone(scanning, header, body, err);
    case RECORD_RETIRED: merge_retired(scanning->volume, body); return HEARTH_OK;
    case RECORD_CHUNK:
    case RECORD_MARK: break;
    }
    return HEARTH_OK;
}

/* ---- scanning one log ---- */

static void damaged(void *context, uint64_t offset, uint64_t size)
{
    const struct scanning *scanning = context;
    scanning->log->is_damaged = true;
    volume_report(scanning->volume,
        &(struct volume_event){.kind = VOLUME_RECORDS_ROTTED,
            .log = scanning->log->number,
            .offset = offset,
            .size = size,
            .reason = "synced records do not verify"});
}

static void sync_log(struct volume_log *log)
{
    struct disk_io sync = {.request = DISK_SYNC, .file = log->file};
    disk_run_blocking(log->volume->disk, &sync);
    if (sync.error != 0) {
        volume_count_failure(log->volume, "sync a log before reading it", sync.error);
    }
}

enum log_owner {
    LOG_OURS,
    LOG_BLANK, /* zeros: the process ended before it wrote anything */
    LOG_ALIEN, /* something else: another volume's, or another log under this name */
};

static bool is_blank(struct view bytes)
{
    size_t at = 0;
    while (at < bytes.size && bytes.bytes[at] == 0) {
        at++;
    }
    return at == bytes.size;
}

static enum log_owner owner_of(const struct volume_log *log)
{
    uint8_t bytes[LOG_HEADER_SIZE];
    struct iovec part = {bytes, sizeof(bytes)};
    struct disk_io io = {.request = DISK_READ, .file = log->file, .iov = &part, .iov_count = 1};
    disk_run_blocking(log->volume->disk, &io);
    struct view there = view_of(bytes, io.error == 0 ? (size_t)io.size : 0);
    struct log_header header;
    struct hearth_err err;
    if (log_header_decode(there, log->seed, &header, &err) == HEARTH_OK) {
        return LOG_OURS;
    }
    return io.error == 0 && is_blank(there) ? LOG_BLANK : LOG_ALIEN;
}

/*
 * A header that does not verify is no loss by itself, but says that the disk rots; without a record
 * behind it the file is none of ours, and not ours to remove.
 */
static void check_header(struct volume_log *log, bool has_records)
{
    enum log_owner owner = owner_of(log);
    if (owner == LOG_OURS || (owner == LOG_BLANK && !has_records)) {
        return;
    }
    log->is_damaged = !has_records;
    volume_report(log->volume,
        &(struct volume_event){.kind = VOLUME_RECORDS_ROTTED,
            .log = log->number,
            .size = LOG_FIRST_RECORD,
            .reason = has_records ? "the header of a log does not verify"
                                  : "the file is no log of this volume"});
}

static enum hearth_code scan_log(struct volume_log *log, struct hearth_err *err)
{
    char name[DISK_NAME_SIZE];
    log_name(log->number, name);
    sync_log(log);
    struct disk_io open = {.request = DISK_OPEN, .name = name, .direct = true};
    disk_run_blocking(log->volume->disk, &open);
    if (open.error != 0) {
        return hearth_fail_sys(err, HEARTH_IO, open.error, "open %s", name);
    }
    struct scanning scanning = {log->volume, log};
    struct log_scan scan = {.disk = log->volume->disk,
        .file = open.file,
        .size = open.size,
        .number = log->number,
        .seed = log->seed,
        .from = log->end,
        .durable = log->durable,
        .good_until = log->good_until,
        .record = merge,
        .damaged = damaged,
        .context = &scanning};
    enum hearth_code code = log_scan_run(&scan, err);
    disk_close(log->volume->disk, open.file);
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "scan %s", name);
    }
    if (log->end == LOG_FIRST_RECORD) {
        check_header(log, scan.record_count > 0);
    }
    log->end = scan.end;
    log->durable = scan.last_sequence;
    log->volume->bytes_since_checkpoint += scan.end - scan.from;
    log->volume->records_since_checkpoint += scan.record_count;
    return HEARTH_OK;
}

/* ---- all logs ---- */

static enum hearth_code open_log(struct volume_log *log, struct hearth_err *err)
{
    char name[DISK_NAME_SIZE];
    log_name(log->number, name);
    struct disk_io open = {.request = DISK_OPEN, .name = name};
    disk_run_blocking(log->volume->disk, &open);
    if (open.error == 0) {
        log->file = open.file;
        log->bytes = open.size;
        log->volume->usage.logs += open.size;
        return HEARTH_OK;
    }
    if (open.error != ENOENT) {
        return hearth_fail_sys(err, HEARTH_IO, open.error, "open %s", name);
    }
    volume_report(log->volume,
        &(struct volume_event){.kind = VOLUME_RECORDS_ROTTED,
            .log = log->number,
            .size = log->end,
            .reason = "the log is not there"});
    return HEARTH_OK;
}

static enum hearth_code add_log(struct volume *volume, uint32_t number, struct hearth_err *err)
{
    if (volume_log_find(volume, number) == NULL && volume_log_add(volume, number, NULL) == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open log-%08x", number);
    }
    return HEARTH_OK;
}

static void take_description(struct volume_log *log, const struct checkpoint_log *from)
{
    log->end = from->scan_from;
    log->durable = from->durable;
    log->is_retired = from->flags & CHECKPOINT_LOG_RETIRED;
    log->good_until = from->good_until;
    log->checked_unix_ms = from->checked_unix_ms;
    log->is_settled = from->flags & CHECKPOINT_LOG_CLOSED;
    log->is_damaged = from->flags & CHECKPOINT_LOG_DAMAGED;
    log->has_ghosts = from->flags & CHECKPOINT_LOG_GHOSTS;
}

static enum hearth_code note_gone(
    struct volume *volume, const struct checkpoint_log *from, struct hearth_err *err)
{
    bool is_range = from->flags & CHECKPOINT_LOG_GONE;
    uint64_t end = is_range ? from->scan_from : from->number + UINT64_C(1);
    if (end > from->number && end <= UINT32_MAX &&
        !gone_logs_add(&volume->gone, from->number, (uint32_t)end)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "note that logs are gone");
    }
    return HEARTH_OK;
}

static enum hearth_code add_loaded_log(
    struct volume *volume, const struct checkpoint_log *from, struct hearth_err *err)
{
    if ((from->flags & (CHECKPOINT_LOG_DROPPED | CHECKPOINT_LOG_GONE)) != 0) {
        return note_gone(volume, from, err);
    }
    if (add_log(volume, from->number, err) != HEARTH_OK) {
        return err->code;
    }
    take_description(volume_log_find(volume, from->number), from);
    return HEARTH_OK;
}

static enum hearth_code add_found_log(
    struct volume *volume, uint32_t number, struct hearth_err *err)
{
    if (add_log(volume, number, err) != HEARTH_OK) {
        return err->code;
    }
    /* Its name may be there still, or again: it only waits to be removed (volume_compact.c). */
    struct volume_log *log = volume_log_find(volume, number);
    log->is_dropped = gone_logs_have(&volume->gone, number);
    log->forgotten = volume->checkpoint_generation;
    return HEARTH_OK;
}

static enum hearth_code add_all_logs(struct volume *volume, const struct volume_files *files,
    const struct volume_loaded *loaded, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (uint32_t i = 0; i < loaded->log_count && code == HEARTH_OK; i++) {
        code = add_loaded_log(volume, &loaded->logs[i], err);
    }
    for (uint32_t i = 0; i < files->log_count && code == HEARTH_OK; i++) {
        code = add_found_log(volume, files->logs[i], err);
    }
    return code;
}

static enum hearth_code open_and_scan(struct volume *volume, struct hearth_err *err)
{
    for (uint32_t i = 0; i < volume->log_count; i++) {
        if (open_log(volume->logs[i], err) != HEARTH_OK) {
            return err->code;
        }
    }
    for (uint32_t i = volume->log_count; i-- > 0;) {
        struct volume_log *log = volume->logs[i];
        if (log->is_dropped && log->file != NULL) {
            check_header(log, false);
        } else if (!log->is_settled && log->file != NULL && scan_log(log, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

enum hearth_code volume_recover(
    struct volume *volume, const struct volume_files *files, struct hearth_err *err)
{
    struct volume_loaded loaded = {0};
    enum hearth_code code = volume_load_index(volume, files, &loaded, err);
    if (code == HEARTH_OK) {
        code = add_all_logs(volume, files, &loaded, err);
    }
    if (code == HEARTH_OK && !loaded.is_usable && volume->log_count > 0) {
        volume_report(volume,
            &(struct volume_event){
                .kind = VOLUME_INDEX_REBUILT, .reason = "no checkpoint verifies"});
    }
    free(loaded.logs);
    if (code == HEARTH_OK) {
        code = open_and_scan(volume, err);
    }
    if (code == HEARTH_OK) {
        uint32_t newest = volume->log_count > 0 ? volume->logs[volume->log_count - 1]->number : 0;
        volume->room.next_log = newest < loaded.next_log ? loaded.next_log : newest + 1;
    }
    return code;
}
