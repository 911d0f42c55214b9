#include "storaged/volume_move.h"

#include "common/failpoint.h"

#include <stdlib.h>

/*
 * Every shard is read back from the device and verified, long before all its copies can have
 * rotted.
 *
 *   the log that was verified longest ago --> each entry of it: volume_move, only_verify --> its
 * time
 *
 * A log is due after 20 days, so that all are through in 30 also when a few are slow.  Its time
 * goes into the checkpoints of the index, so a restart repeats one log at most.  What does not
 * verify is reported by volume_move, and stays where it is.
 *
 * It reads just fast enough for the whole volume in 15 days, and not at all while clients wait,
 * unless the log is overdue.  One log, one chunk at a time.
 */

enum { PAGE_ENTRIES = 64 };

#define DUE_MS      (20 * TRASH_DAY_MS)
#define OVERDUE_MS  (27 * TRASH_DAY_MS)
#define PASS_S      (15 * TRASH_DAY_MS / 1000)
#define BYTES_PER_S UINT64_C(1048576) /* at least */

struct volume_scrub {
    struct volume *volume;
    struct volume_log *log; /* held */
    char name[DISK_NAME_SIZE];
    uint64_t cursor;
    struct shard_index_item items[PAGE_ENTRIES];
    unsigned item_count;
    unsigned next_item;
    bool is_overdue;
    struct volume_move move;
    struct disk_io io;
};

static void next_shard(struct volume_scrub *scrub);

static void destroy(struct volume_scrub *scrub)
{
    struct volume *volume = scrub->volume;
    disk_close(volume->disk, scrub->move.file);
    volume_log_let_go(scrub->log);
    free(scrub->move.buffer);
    free(scrub);
    volume->scrub = NULL;
}

static void end(struct volume_scrub *scrub)
{
    struct volume *volume = scrub->volume;
    destroy(scrub);
    volume_close_if_idle(volume);
}

/* ---- one log ---- */

static void verified(struct volume_move *move)
{
    struct volume_scrub *scrub =
        (struct volume_scrub *)((char *)move - offsetof(struct volume_scrub, move));
    if (move->outcome == MOVE_STOPPED) {
        end(scrub);
        return;
    }
    scrub->next_item++;
    next_shard(scrub);
}

static void verify_shard(struct volume_scrub *scrub)
{
    struct volume_move *move = &scrub->move;
    *move = (struct volume_move){.volume = scrub->volume,
        .log = scrub->log,
        .file = move->file,
        .from = scrub->items[scrub->next_item].location,
        .only_verify = true,
        .waits_for_clients = !scrub->is_overdue,
        .done = verified,
        .buffer = move->buffer};
    volume_move_start(move);
}

static void finish_log(struct volume_scrub *scrub)
{
    struct volume *volume = scrub->volume;
    (void)FAILPOINT(STORAGED_SCRUB_VERIFIED);
    scrub->log->checked_unix_ms = volume_now_unix_ms(volume);
    volume->has_news = true;
    volume->scrubbed++;
    end(scrub);
    volume_scrub_when_due(volume);
}

/* It may have been moved, deleted or purged since the walk met it. */
static bool still_counts(const struct volume_scrub *scrub, struct shard_index_item *item)
{
    return shard_index_has_item(scrub->volume->index, item) &&
        item->location.day != TRASH_DAY_PURGED;
}

static void next_shard(struct volume_scrub *scrub)
{
    struct volume *volume = scrub->volume;
    if (volume->is_closing || scrub->log->is_dropped) {
        end(scrub);
        return;
    }
    for (;;) {
        while (scrub->next_item < scrub->item_count &&
            !still_counts(scrub, &scrub->items[scrub->next_item])) {
            scrub->next_item++;
        }
        if (scrub->next_item < scrub->item_count) {
            verify_shard(scrub);
            return;
        }
        scrub->next_item = 0;
        scrub->item_count = shard_index_walk_log(
            volume->index, scrub->log->number, &scrub->cursor, scrub->items, PAGE_ENTRIES);
        if (scrub->item_count == 0) {
            finish_log(scrub);
            return;
        }
    }
}

static void opened(struct disk_io *io)
{
    struct volume_scrub *scrub = io->context;
    if (io->error != 0) {
        end(scrub);
        return;
    }
    scrub->move.file = io->file;
    next_shard(scrub);
}

static void start(struct volume *volume, struct volume_log *log, bool is_overdue)
{
    struct volume_scrub *scrub = calloc(1, sizeof(*scrub));
    void *buffer = NULL;
    if (scrub == NULL || posix_memalign(&buffer, FORMAT_PAGE_SIZE, MOVE_BUFFER_SIZE) != 0) {
        free(scrub);
        return;
    }
    scrub->volume = volume;
    scrub->log = log;
    scrub->is_overdue = is_overdue;
    scrub->move.buffer = buffer;
    volume_log_hold(log);
    volume->scrub = scrub;
    log_name(log->number, scrub->name);
    scrub->io = (struct disk_io){.request = DISK_OPEN,
        .name = scrub->name,
        .direct = true,
        .done = opened,
        .context = scrub};
    disk_submit(volume->disk, &scrub->io);
}

/* ---- which log, and when ---- */

/* A log that is being written to is as new as can be when it is met first. */
static void date(struct volume_log *log, uint64_t now)
{
    if (log->checked_unix_ms == 0 && volume_log_is_open(log)) {
        log->checked_unix_ms = now;
    }
}

static struct volume_log *oldest_log(const struct volume *volume, uint64_t now)
{
    struct volume_log *oldest = NULL;
    for (uint32_t i = 0; i < volume->log_count; i++) {
        struct volume_log *log = volume->logs[i];
        date(log, now);
        if (log->file != NULL && !log->is_dropped &&
            (oldest == NULL || log->checked_unix_ms < oldest->checked_unix_ms)) {
            oldest = log;
        }
    }
    return oldest;
}

void volume_scrub_when_due(struct volume *volume)
{
    uint64_t now = volume_now_unix_ms(volume);
    if (now == 0 || volume->scrub != NULL || volume->is_closing) {
        return;
    }
    struct volume_log *log = oldest_log(volume, now);
    if (log == NULL || log->checked_unix_ms + DUE_MS > now) {
        return;
    }
    uint64_t wanted = volume->usage.logs / PASS_S;
    volume->scrub_pace.bytes_per_s = wanted > BYTES_PER_S ? wanted : BYTES_PER_S;
    start(volume, log, log->checked_unix_ms != 0 && log->checked_unix_ms + OVERDUE_MS < now);
}

void volume_scrub_stop(struct volume *volume)
{
    if (volume->scrub != NULL) {
        volume_move_wake(&volume->scrub->move);
    }
}

void volume_scrub_abandon(struct volume *volume)
{
    if (volume->scrub != NULL) {
        volume_move_abandon(&volume->scrub->move);
        destroy(volume->scrub);
    }
}
