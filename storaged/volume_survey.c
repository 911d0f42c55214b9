#include "storaged/volume_state.h"

#include "common/failpoint.h"

/*
 * What is worth tidying, found without reading the disk: one walk over the index, some milliseconds
 * for a million shards, an hour apart, and whenever a log was compacted or room was refused.  What
 * else is due every hour begins here, too: a checkpoint, the scrub.
 *
 * Trash is purged here: its entry is marked, and from then on its bytes are dead.
 */

enum {
    FIRST_SURVEY_MS = 60 * 1000, /* a start has better things to do */
    SURVEY_MS = 3600 * 1000,
    CLOSED_SURVEY_MS = 1000,       /* once the log that was written to is closed */
    REFUSED_SURVEY_MS = 10 * 1000, /* after a refusal for lack of room, at most so often */
    /*
     * A log is compacted when one part in so many of its file is dead.
     * Too low: dead bytes stay for long.  Too high: the same shards are copied again and again.
     */
    DEAD_PART = 4,
    DEAD_PART_SHORT_OF_ROOM = 10,
    BUSY_FACTOR = 4, /* slower, while clients wait */
};

/* ---- when ---- */

static void survey_in_ms(struct volume *volume, uint64_t ms)
{
    uint64_t now_ns = env_now_ns(loop_env(volume->loop));
    loop_timer_set(volume->loop, &volume->survey_timer, now_ns + ms * UINT64_C(1000000));
}

/* ---- pace ---- */

bool volume_has_clients(const struct volume *volume)
{
    return volume->put_count > 0 || volume->get_count > 0;
}

uint64_t volume_pace_ns(struct volume *volume, struct volume_pace *pace, uint64_t bytes)
{
    uint64_t now_ns = env_now_ns(loop_env(volume->loop));
    uint64_t cost_ns = bytes * UINT64_C(1000000000) / pace->bytes_per_s *
        (volume_has_clients(volume) ? BUSY_FACTOR : 1);
    uint64_t free_ns = pace->free_ns > now_ns ? pace->free_ns : now_ns;
    pace->free_ns = free_ns + cost_ns;
    return free_ns - now_ns;
}

/* ---- the walk ---- */

struct survey {
    struct volume *volume;
    bool may_purge;
    uint64_t now_unix_ms;
};

/* All of the day it became trash is covered by a confirmation. A bar holds no bytes. */
static bool is_confirmed(const struct survey *survey, const struct shard_location *at)
{
    uint64_t day = trash_day_time(at->day, survey->now_unix_ms) / TRASH_DAY_MS;
    return at->state == SHARD_BARRED || at->day == TRASH_DAY_PURGED ||
        (day + 1) * TRASH_DAY_MS <= survey->volume->purge_until_unix_ms;
}

static void visit(void *context, struct shard_location *at)
{
    const struct survey *survey = context;
    bool is_trash = at->state != SHARD_LIVE;
    if (is_trash && survey->may_purge && trash_day_is_over(at->day, survey->now_unix_ms) &&
        is_confirmed(survey, at)) {
        at->day = TRASH_DAY_PURGED;
        (void)FAILPOINT(STORAGED_PURGE_MARKED);
    }
    struct volume_log *log = volume_log_find(survey->volume, at->log);
    if (log != NULL && !(is_trash && at->day == TRASH_DAY_PURGED)) {
        log->kept_bytes += at->size;
    }
}

static void count_kept(struct volume *volume)
{
    struct survey survey = {.volume = volume,
        .may_purge = volume_clock_may_purge(&volume->clock, loop_env(volume->loop)),
        .now_unix_ms = volume_now_unix_ms(volume)};
    for (uint32_t i = 0; i < volume->log_count; i++) {
        volume->logs[i]->kept_bytes = 0;
    }
    shard_index_visit(volume->index, visit, &survey);
}

/* ---- the choice ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool is_short_of_room(const struct volume *volume)
{
    uint64_t capacity = volume->options.capacity_bytes;
    return volume->room.was_refused || (capacity != 0 && volume_room_free(volume) < capacity / 8);
}

/*
 * What compacting the log would free.  Of a log made since the start only deaths count: what its
 * pages are padded with would be padding again, and the same shards be moved for ever.
 */
static uint64_t gain_of(const struct volume_log *log)
{
    uint64_t had = log->is_of_this_run ? log->entered_bytes : log->bytes;
    return had > log->kept_bytes ? had - log->kept_bytes : 0;
}

static bool is_worth_it(const struct volume *volume, const struct volume_log *log, uint64_t size)
{
    uint64_t part = is_short_of_room(volume) ? DEAD_PART_SHORT_OF_ROOM : DEAD_PART;
    return gain_of(log) >= larger(size / part, volume->options.allocate_bytes);
}

static bool may_be_compacted(const struct volume *volume, const struct volume_log *log)
{
    return log->writer == NULL && !log->is_settling && log->users == 0 && log->file != NULL &&
        !log->is_damaged && env_now_ns(loop_env(volume->loop)) >= log->not_before_ns &&
        (log->is_dropped || log->kept_bytes <= volume_room_for_moves(volume));
}

/*
 * The log that is written to is compacted like any other, after it was closed: on a small volume it
 * is all there is.
 */
static void close_active_when_dead(struct volume *volume)
{
    struct volume_log *active = volume->room.active;
    if (active == NULL || volume->room.is_busy || active->users > 0) {
        return;
    }
    uint64_t end = log_writer_position(active->writer).end;
    bool is_large = end > volume->options.log_size_max / 2;
    if ((is_large || is_short_of_room(volume)) && is_worth_it(volume, active, end)) {
        volume->room.active = NULL;
        volume_log_finish(active);
        survey_in_ms(volume, CLOSED_SURVEY_MS);
    }
}

/* The one with the largest part of it dead. */
static bool is_better(const struct volume_log *a, const struct volume_log *b)
{
    return b == NULL || a->is_dropped ||
        (double)a->kept_bytes / (double)a->bytes < (double)b->kept_bytes / (double)b->bytes;
}

struct volume_log *volume_survey(struct volume *volume)
{
    struct volume_log *best = NULL;
    count_kept(volume);
    close_active_when_dead(volume);
    for (uint32_t i = 0; i < volume->log_count; i++) {
        struct volume_log *log = volume->logs[i];
        if (may_be_compacted(volume, log) &&
            (log->is_dropped || log->kept_bytes == 0 || is_worth_it(volume, log, log->bytes)) &&
            is_better(log, best)) {
            best = log;
        }
    }
    return best;
}

/* ---- a look ---- */

static void look(struct volume *volume)
{
    if (volume->is_closing || volume->is_read_only || volume->compaction != NULL ||
        volume->rescue != NULL) {
        return;
    }
    volume->surveyed_at_ns = env_now_ns(loop_env(volume->loop));
    struct volume_log *log = volume_survey(volume);
    if (log != NULL) {
        volume_compact_start(volume, log);
    }
}

static void run_survey(struct timer *timer)
{
    struct volume *volume =
        (struct volume *)((char *)timer - offsetof(struct volume, survey_timer));
    survey_in_ms(volume, SURVEY_MS);
    look(volume);
    volume_checkpoint_when_new(volume);
    volume_scrub_when_due(volume);
}

void volume_tidy(struct volume *volume)
{
    assert(loop_is_current(volume->loop));
    look(volume);
}

void volume_tidy_start(struct volume *volume)
{
    volume->survey_timer.run = run_survey;
    survey_in_ms(volume, FIRST_SURVEY_MS);
}

void volume_tidy_goes_on(struct volume *volume)
{
    look(volume);
}

void volume_tidy_soon(struct volume *volume)
{
    uint64_t now_ns = env_now_ns(loop_env(volume->loop));
    uint64_t due_ns = volume->surveyed_at_ns + REFUSED_SURVEY_MS * UINT64_C(1000000);
    if (!volume->is_closing && volume->compaction == NULL) {
        survey_in_ms(volume, due_ns > now_ns ? (due_ns - now_ns) / 1000000 : 0);
    }
}

void volume_tidy_stop(struct volume *volume)
{
    loop_timer_cancel(volume->loop, &volume->survey_timer);
    volume_compact_wake(volume);
}
