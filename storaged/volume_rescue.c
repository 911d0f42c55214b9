#include "storaged/volume_move.h"

#include <stdlib.h>

/*
 * What was acknowledged from a log that failed later: is it really there?
 *
 *   each entry of the log --> volume_move: read from the device, verified, moved to the new log
 *
 * What does not verify is reported, and stays where it is.  Without room the shards are only
 * verified.  The failed log itself goes when it is compacted.
 */

enum { PAGE_ENTRIES = 16 };

struct volume_rescue {
    struct volume *volume;
    struct volume_log *log; /* the failed one */
    char name[DISK_NAME_SIZE];
    uint64_t cursor;
    struct shard_index_item items[PAGE_ENTRIES];
    unsigned item_count;
    unsigned next_item;
    struct volume_move move;
    struct disk_io io;
};

static void next_shard(struct volume_rescue *rescue);

static void destroy(struct volume_rescue *rescue)
{
    struct volume *volume = rescue->volume;
    disk_close(volume->disk, rescue->move.file);
    free(rescue->move.buffer);
    free(rescue);
    volume->rescue = NULL;
}

static void end(struct volume_rescue *rescue)
{
    struct volume *volume = rescue->volume;
    destroy(rescue);
    volume_close_if_idle(volume);
}

static void moved(struct volume_move *move)
{
    struct volume_rescue *rescue =
        (struct volume_rescue *)((char *)move - offsetof(struct volume_rescue, move));
    if (move->outcome == MOVE_STOPPED) {
        end(rescue);
        return;
    }
    rescue->next_item++;
    next_shard(rescue);
}

static void move_shard(struct volume_rescue *rescue)
{
    struct volume_move *move = &rescue->move;
    *move = (struct volume_move){.volume = rescue->volume,
        .log = rescue->log,
        .file = move->file,
        .from = rescue->items[rescue->next_item].location,
        .verify_without_room = true,
        .done = moved,
        .buffer = move->buffer};
    volume_move_start(move);
}

static void next_shard(struct volume_rescue *rescue)
{
    struct volume *volume = rescue->volume;
    if (volume->is_closing || volume->is_read_only) {
        end(rescue);
        return;
    }
    while (rescue->next_item < rescue->item_count &&
        rescue->items[rescue->next_item].location.day == TRASH_DAY_PURGED) {
        rescue->next_item++;
    }
    if (rescue->next_item < rescue->item_count) {
        move_shard(rescue);
        return;
    }
    rescue->next_item = 0;
    rescue->item_count = shard_index_walk_log(
        volume->index, rescue->log->number, &rescue->cursor, rescue->items, PAGE_ENTRIES);
    if (rescue->item_count > 0) {
        next_shard(rescue);
        return;
    }
    volume_report(
        volume, &(struct volume_event){.kind = VOLUME_LOG_VERIFIED, .log = rescue->log->number});
    end(rescue);
}

void volume_rescue_stop(struct volume *volume)
{
    if (volume->rescue != NULL) {
        volume_move_wake(&volume->rescue->move);
    }
}

void volume_rescue_abandon(struct volume *volume)
{
    if (volume->rescue != NULL) {
        volume_move_abandon(&volume->rescue->move);
        destroy(volume->rescue);
    }
}

/* ---- begin ---- */

static void opened(struct disk_io *io)
{
    struct volume_rescue *rescue = io->context;
    if (io->error != 0) {
        end(rescue);
        return;
    }
    rescue->move.file = io->file;
    next_shard(rescue);
}

void volume_rescue_start(struct volume *volume, struct volume_log *log)
{
    struct volume_rescue *rescue = volume->rescue == NULL ? calloc(1, sizeof(*rescue)) : NULL;
    void *buffer = NULL;
    if (rescue == NULL || posix_memalign(&buffer, FORMAT_PAGE_SIZE, MOVE_BUFFER_SIZE) != 0) {
        free(rescue);
        return;
    }
    rescue->volume = volume;
    rescue->log = log;
    rescue->move.buffer = buffer;
    log_name(log->number, rescue->name);
    volume->rescue = rescue;
    rescue->io = (struct disk_io){.request = DISK_OPEN,
        .name = rescue->name,
        .direct = true,
        .done = opened,
        .context = rescue};
    disk_submit(volume->disk, &rescue->io);
}
