#include "storaged/volume_state.h"

#include "storaged/volume_load.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LOG_SIZE_DEFAULT = 1024 * 1024 * 1024,
    RESERVE_BYTES_DEFAULT = 1024 * 1024,
    LOG_SIZE_LEAST = 128 * 1024 * 1024, /* has room for the largest shard */
    LOGS_OF_A_CAPACITY = 16,            /* so that one of them is not all there is */
    PACE_DEFAULT = 16 * 1024 * 1024,
    ALLOCATE_BYTES_DEFAULT = 1024 * 1024,
    CHECKPOINT_BYTES_DEFAULT = 256 * 1024 * 1024,
    CHECKPOINT_RECORDS_DEFAULT = 16 * 1024,
};

/* ---- answers, events, and who may do what ---- */

static void run_answer(struct task *task)
{
    struct volume_wait *wait =
        (struct volume_wait *)((char *)task - offsetof(struct volume_wait, owned_by_volume.task));
    wait->done(wait);
}

void volume_answer(struct volume *volume, struct volume_wait *wait)
{
    wait->owned_by_volume.task.run = run_answer;
    loop_post(volume->loop, &wait->owned_by_volume.task);
}

void volume_report(struct volume *volume, const struct volume_event *event)
{
    if (volume->options.on_event != NULL) {
        volume->options.on_event(volume->options.on_event_context, event);
    }
}

bool volume_id_is_busy(const struct volume *volume, const struct shard_id *id)
{
    return volume_put_has_id(volume, id) || volume_trash_has_id(volume, id) ||
        volume_move_has_id(volume, id);
}

enum hearth_code volume_check_writable(const struct volume *volume, struct hearth_err *err)
{
    if (volume->is_closing) {
        return hearth_fail(err, HEARTH_CANCELLED, "the volume is being closed");
    }
    if (volume->is_read_only) {
        return hearth_fail(err, HEARTH_IO, "the volume is read-only since its second failed write");
    }
    return HEARTH_OK;
}

/* ---- opening ---- */

static uint32_t default_log_size(uint64_t capacity)
{
    uint64_t part = capacity / LOGS_OF_A_CAPACITY & ~(uint64_t)(FORMAT_PAGE_SIZE - 1);
    if (capacity == 0 || part > LOG_SIZE_DEFAULT) {
        return LOG_SIZE_DEFAULT;
    }
    return part < LOG_SIZE_LEAST ? LOG_SIZE_LEAST : (uint32_t)part;
}

static void set_defaults(struct volume_options *options)
{
    if (options->log_size_max == 0) {
        options->log_size_max = default_log_size(options->capacity_bytes);
    }
    if (options->pace_bytes_per_s == 0) {
        options->pace_bytes_per_s = PACE_DEFAULT;
    }
    if (options->reserve_bytes == 0) {
        options->reserve_bytes = RESERVE_BYTES_DEFAULT;
    }
    if (options->allocate_bytes == 0) {
        options->allocate_bytes = ALLOCATE_BYTES_DEFAULT;
    }
    if (options->checkpoint_bytes == 0) {
        options->checkpoint_bytes = CHECKPOINT_BYTES_DEFAULT;
    }
    if (options->checkpoint_records == 0) {
        options->checkpoint_records = CHECKPOINT_RECORDS_DEFAULT;
    }
    assert(options->log_size_max % FORMAT_PAGE_SIZE == 0);
    assert((uint64_t)options->log_size_max <= SHARD_INDEX_OFFSET_MAX);
    assert(LOG_FIRST_RECORD + (uint64_t)options->reserve_bytes < options->log_size_max);
}

static enum hearth_code take_lock(struct volume *volume, struct hearth_err *err)
{
    struct disk_io io = {.request = DISK_LOCK, .name = "lock"};
    disk_run_blocking(volume->disk, &io);
    if (io.error == EWOULDBLOCK) {
        return hearth_fail(err, HEARTH_BUSY, "another process has the volume open");
    }
    if (io.error != 0) {
        return hearth_fail_sys(err, HEARTH_IO, io.error, "lock the volume");
    }
    volume->lock = io.file;
    return HEARTH_OK;
}

/* What a checkpoint under way left behind; if it stays, the next checkpoint fails, no more. */
static void remove_temporary(struct volume *volume)
{
    struct disk_io io = {.request = DISK_UNLINK, .name = "index.tmp"};
    disk_run_blocking(volume->disk, &io);
}

static enum hearth_code open_steps(
    struct volume *volume, struct volume_files *files, struct hearth_err *err)
{
    if (take_lock(volume, err) != HEARTH_OK ||
        volume_files_list(volume->disk, files, err) != HEARTH_OK ||
        shard_index_create(&volume->index, err) != HEARTH_OK ||
        volume_superblock_open(volume, files->log_count > 0, err) != HEARTH_OK) {
        return err->code;
    }
    if (files->has_temporary) {
        remove_temporary(volume);
    }
    return volume_recover(volume, files, err);
}

enum hearth_code volume_open_blocking(
    const struct volume_options *options, struct volume **out, struct hearth_err *err)
{
    assert(loop_is_current(options->loop));
    struct volume *volume = calloc(1, sizeof(*volume));
    if (volume == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open a volume");
    }
    volume->options = *options;
    volume->purge_until_unix_ms = options->purge_until_unix_ms;
    volume->disk = options->disk;
    volume->loop = options->loop;
    set_defaults(&volume->options);
    volume->pace.bytes_per_s = volume->options.pace_bytes_per_s;
    struct volume_files files = {0};
    enum hearth_code code = open_steps(volume, &files, err);
    free(files.logs);
    if (code != HEARTH_OK) {
        volume_destroy(volume);
        return code;
    }
    volume_tidy_start(volume);
    *out = volume;
    return HEARTH_OK;
}

/* ---- closing ---- */

static bool has_work(const struct volume *volume)
{
    return volume->put_count > 0 || volume->trash_count > 0 || volume->get_count > 0 ||
        volume->list_count > 0 || volume->retiring_count > 0 || volume->rescue != NULL ||
        volume->compaction != NULL || volume->scrub != NULL || volume->room.is_busy ||
        volume->room.oldest != NULL;
}

/* Whether all have given their writers up. */
static bool finish_logs(struct volume *volume)
{
    bool are_finished = true;
    volume->room.active = NULL;
    for (uint32_t i = 0; i < volume->log_count; i++) {
        struct volume_log *log = volume->logs[i];
        if (log->takes_puts) {
            volume_log_finish(log);
        }
        are_finished = are_finished && log->writer == NULL && !log->is_settling;
    }
    return are_finished;
}

void volume_close_if_idle(struct volume *volume)
{
    if (volume->close_wait == NULL || has_work(volume) || !finish_logs(volume) ||
        volume->checkpoint != NULL) {
        return;
    }
    if (!volume->is_final_checkpoint_begun) {
        volume->is_final_checkpoint_begun = true;
        volume_checkpoint_start(volume);
    }
    if (volume->checkpoint == NULL) {
        volume->close_wait->err = (struct hearth_err){.code = HEARTH_OK};
        volume_answer(volume, volume->close_wait);
        volume->close_wait = NULL;
    }
}

void volume_close(struct volume *volume, struct volume_wait *wait)
{
    assert(loop_is_current(volume->loop));
    assert(!volume->is_closing);
    volume->is_closing = true;
    volume->close_wait = wait;
    volume_rescue_stop(volume);
    volume_tidy_stop(volume);
    volume_scrub_stop(volume);
    volume_close_if_idle(volume);
}

void volume_destroy(struct volume *volume)
{
    if (volume == NULL) {
        return;
    }
    volume_rescue_abandon(volume);
    volume_compact_abandon(volume);
    volume_scrub_abandon(volume);
    loop_timer_cancel(volume->loop, &volume->survey_timer);
    assert(!has_work(volume) && volume->checkpoint == NULL);
    for (uint32_t i = 0; i < volume->log_count; i++) {
        struct volume_log *log = volume->logs[i];
        assert(!log->is_settling);
        loop_timer_cancel(volume->loop, &log->mark_timer);
        log_writer_destroy(log->writer);
        disk_close(volume->disk, log->file);
        free(log);
    }
    free(volume->logs);
    shard_index_destroy(volume->index);
    gone_logs_fini(&volume->gone);
    disk_close(volume->disk, volume->lock);
    free(volume);
}

/* ---- time ---- */

void volume_confirm_purge(struct volume *volume, uint64_t until_unix_ms)
{
    assert(loop_is_current(volume->loop));
    volume->purge_until_unix_ms = until_unix_ms;
}

void volume_learn_time(struct volume *volume, uint64_t coordinator_unix_ms)
{
    assert(loop_is_current(volume->loop));
    volume_clock_learn(&volume->clock, loop_env(volume->loop), coordinator_unix_ms);
}

uint64_t volume_now_unix_ms(const struct volume *volume)
{
    return volume_clock_now(&volume->clock, loop_env(volume->loop));
}

/* ---- facts ---- */

uint64_t volume_usage_bytes(const struct volume *volume)
{
    const struct volume_usage *usage = &volume->usage;
    uint64_t bytes = VOLUME_SUPERBLOCKS * (uint64_t)FORMAT_PAGE_SIZE;
    return bytes + usage->logs + usage->index[0] + usage->index[1] + usage->temporary;
}

void volume_set_capacity(struct volume *volume, uint64_t bytes)
{
    assert(loop_is_current(volume->loop));
    volume->options.capacity_bytes = bytes;
}

void volume_stats(const struct volume *volume, struct volume_stats *out)
{
    const struct shard_totals *totals = shard_index_totals(volume->index);
    *out = (struct volume_stats){.shards = totals->count[SHARD_LIVE],
        .trashed = totals->count[SHARD_TRASHED],
        .barred = totals->count[SHARD_BARRED],
        .live_bytes = totals->bytes[SHARD_LIVE],
        .trash_bytes = totals->bytes[SHARD_TRASHED],
        .trash_today_bytes = totals->trash_of_day[trash_day_of(volume_now_unix_ms(volume))],
        .used_bytes = volume_usage_bytes(volume),
        .free_bytes = volume_room_free(volume),
        .logs = volume->log_count,
        .compacted = volume->compacted,
        .scrubbed = volume->scrubbed,
        .is_scrubbing = volume->scrub != NULL,
        .is_moving = volume->compaction != NULL || volume->rescue != NULL,
        .read_only = volume->is_read_only};
}

/* The newest log may be gone: then whatever was in it is older than what comes next. */
static uint64_t newest_sequence(const struct volume *volume)
{
    uint64_t gone = gone_logs_last(&volume->gone);
    uint64_t there = 0;
    if (volume->log_count > 0) {
        const struct volume_log *log = volume->logs[volume->log_count - 1];
        there = log->writer != NULL ? log_writer_position(log->writer).durable : log->durable;
    }
    return gone >= there >> 32 && gone > 0 ? sequence_of((uint32_t)gone, UINT32_MAX) : there;
}

void volume_identity(const struct volume *volume, struct volume_identity *out)
{
    memcpy(out->uuid, volume->superblock.uuid, VOLUME_UUID_SIZE);
    out->start_counter = volume->superblock.start_counter;
    out->sequence = newest_sequence(volume);
}
