#include "storaged/volume_state.h"

#include <stdlib.h>

enum { MARK_DELAY_MS = 1000 };

/* ---- the logs of a volume ---- */

/* The place of `number` in the order of logs, whether it is there or not. */
static uint32_t position_of(const struct volume *volume, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = volume->log_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (volume->logs[middle]->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct volume_log *volume_log_find(const struct volume *volume, uint32_t number)
{
    uint32_t at = position_of(volume, number);
    bool found = at < volume->log_count && volume->logs[at]->number == number;
    return found ? volume->logs[at] : NULL;
}

static bool make_room_for_log(struct volume *volume)
{
    if (volume->log_count < volume->log_capacity) {
        return true;
    }
    uint32_t capacity = volume->log_capacity * 2 + 16;
    struct volume_log **logs = realloc(volume->logs, capacity * sizeof(*logs));
    if (logs == NULL) {
        return false;
    }
    volume->logs = logs;
    volume->log_capacity = capacity;
    return true;
}

static void vouch(struct timer *timer);
static void settle(struct task *task);

struct volume_log *volume_log_add(
    struct volume *volume, uint32_t number, struct disk_file *file TAKES)
{
    struct volume_log *log = calloc(1, sizeof(*log));
    if (log == NULL || !make_room_for_log(volume)) {
        free(log);
        return NULL;
    }
    log->volume = volume;
    log->number = number;
    log->seed = log_seed(volume->superblock.salt, number);
    log->file = file;
    log->durable = sequence_of(number, 0);
    log->end = LOG_FIRST_RECORD;
    log->vouched = log->durable;
    log->mark_timer.run = vouch;
    log->settling.run = settle;
    uint32_t at = position_of(volume, number);
    memmove(&volume->logs[at + 1], &volume->logs[at],
        (volume->log_count - at) * sizeof(volume->logs[0]));
    volume->logs[at] = log;
    volume->log_count++;
    return log;
}

static void free_when_unread(struct volume_log *log)
{
    if (log->readers == 0 && volume_log_find(log->volume, log->number) != log) {
        log->volume->usage.logs -= log->bytes;
        disk_close(log->volume->disk, log->file);
        free(log);
    }
}

void volume_log_hold(struct volume_log *log)
{
    log->readers++;
}

void volume_log_let_go(struct volume_log *log)
{
    assert(log->readers > 0);
    log->readers--;
    free_when_unread(log);
}

void volume_log_remove(struct volume_log *log)
{
    struct volume *volume = log->volume;
    uint32_t at = position_of(volume, log->number);
    assert(volume->logs[at] == log && log->writer == NULL && !log->is_settling);
    volume->log_count--;
    memmove(&volume->logs[at], &volume->logs[at + 1],
        (volume->log_count - at) * sizeof(volume->logs[0]));
    free_when_unread(log);
}

/* ---- marks: the last batch before an idle time has no later record to vouch for it ---- */

static void mark_done(struct log_record *record)
{
    struct volume_log *log =
        (struct volume_log *)((char *)record - offsetof(struct volume_log, mark));
    log->mark_is_busy = false;
    volume_log_settle(log);
}

/* Whether something synced is perhaps not vouched for, and there is room to do so. */
static bool needs_mark(const struct volume_log *log)
{
    if (!volume_log_is_open(log) || log->mark_is_busy) {
        return false;
    }
    struct log_position at = log_writer_position(log->writer);
    return at.durable > log->vouched && at.sequence != log->mark.sequence &&
        log_writer_room(log->writer) >= log_record_room(MARK_BODY_SIZE);
}

static void append_mark(struct volume_log *log, bool needs_sync)
{
    log_writer_reserve(log->writer, log_record_room(MARK_BODY_SIZE));
    log->vouched = log_writer_position(log->writer).durable;
    log->mark_is_busy = true;
    log->mark = (struct log_record){.type = RECORD_MARK,
        .needs_sync = needs_sync,
        .head = log->mark_bytes,
        .body_size = MARK_BODY_SIZE,
        .done = mark_done};
    log_writer_append(log->writer, &log->mark);
}

static void vouch(struct timer *timer)
{
    struct volume_log *log =
        (struct volume_log *)((char *)timer - offsetof(struct volume_log, mark_timer));
    if (needs_mark(log)) {
        append_mark(log, false);
    }
}

/* ---- a writer's life ---- */

static void count_for_checkpoint(struct volume_log *log)
{
    struct log_position at = log_writer_position(log->writer);
    log->volume->bytes_since_checkpoint += at.durable_end - log->counted_end;
    log->volume->records_since_checkpoint += at.durable - log->counted;
    log->counted_end = at.durable_end;
    log->counted = at.durable;
}

static void on_sync(void *context)
{
    struct volume_log *log = context;
    count_for_checkpoint(log);
    uint64_t now_ns = env_now_ns(loop_env(log->volume->loop));
    loop_timer_set(log->volume->loop, &log->mark_timer, now_ns + MARK_DELAY_MS * UINT64_C(1000000));
    volume_checkpoint_when_due(log->volume);
}

static void on_failure(void *context, int error)
{
    volume_log_failed(context, error);
}

bool volume_log_open(struct volume_log *log, uint64_t allocated)
{
    struct volume *volume = log->volume;
    struct log_writer_options options = {.disk = volume->disk,
        .loop = volume->loop,
        .file = log->file,
        .number = log->number,
        .seed = log->seed,
        .allocated = allocated,
        .on_failure = on_failure,
        .on_sync = on_sync,
        .context = log};
    log->writer = log_writer_create(&options);
    log->bytes = allocated;
    log->is_of_this_run = true;
    log->counted_end = LOG_FIRST_RECORD;
    log->counted = log->durable;
    log->takes_puts = log->writer != NULL;
    return log->takes_puts;
}

bool volume_log_is_open(const struct volume_log *log)
{
    return log->writer != NULL && !log_writer_has_failed(log->writer);
}

static void give_up_writer(struct volume_log *log)
{
    struct log_position at = log_writer_position(log->writer);
    log->bytes = at.allocated;
    log->end = at.end;
    log->durable = at.durable;
    loop_timer_cancel(log->volume->loop, &log->mark_timer);
    log_writer_destroy(log->writer);
    log->writer = NULL;
}

static void settle(struct task *task)
{
    struct volume_log *log =
        (struct volume_log *)((char *)task - offsetof(struct volume_log, settling));
    log->is_settling = false;
    bool is_over = log->writer != NULL && !log->takes_puts && log->users == 0 &&
        !log_writer_is_busy(log->writer);
    if (is_over && needs_mark(log)) {
        append_mark(log, true);
    } else if (is_over) {
        give_up_writer(log);
    }
    volume_close_if_idle(log->volume);
}

/* Later, because whoever calls may have been called by the writer. */
void volume_log_settle(struct volume_log *log)
{
    if (!log->is_settling) {
        log->is_settling = true;
        loop_post(log->volume->loop, &log->settling);
    }
}

void volume_log_finish(struct volume_log *log)
{
    log->takes_puts = false;
    volume_log_settle(log);
}
