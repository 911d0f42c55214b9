#include "storaged/log_walk.h"
#include "storaged/volume_move.h"

#include <errno.h>
#include <stdlib.h>

/*
 * One log emptied and dropped (D8).
 *
 *   OPENING --> EMPTYING --no shard that counts is left--> CARRYING --end of the log--> FORGETTING
 *                  |                                          |                             |
 *                  +-- damage, no room, a write failed: the log stays ----------------------+
 *                                                                                           |
 *      end <-- UNLINKING <-- no checkpoint on disk names the log -- CHECKPOINTS <-----------+
 *
 *   EMPTYING     each live shard, young trash and young bar is copied, synced, read back, verified,
 *                and only then the index turns to it (volume_move.h).  Purged trash stays.
 *   CARRYING     tombstones, and notes on failed logs, that are still needed are written again.
 *   FORGETTING   purged entries leave the index; from now on no checkpoint names the log.
 *   CHECKPOINTS  a checkpoint without the log is durable, and older ones that name it are removed.
 *                Where none can be written (a full disk) all are removed: they are caches.
 *   UNLINKING    name gone, directory synced; the file goes with its last reader.
 *
 * Until FORGETTING nothing is lost by stopping: what was moved was moved, the rest is where it was.
 * A crash before UNLINKING finds the log again.  When the checkpoint it loads does not name it, it
 * is dropped then; otherwise it counts as before, and its shards that were moved count once, in the
 * newer log.
 *
 * Which tombstones are still needed.  One is written into the log of the shard it deletes or a
 * newer one, and whoever moves trash writes another beside it.  So one that lies in this log is
 * needed only while another log holds the shard it deletes:
 *   - the log it names still has an entry of trash for its id; or
 *   - some log holds shards that are found elsewhere (`has_ghosts`), so that nobody knows.
 * A bar is its own entry, and was moved with the shards, or is over 7 days old; no order for its id
 * can be valid any more.
 */

enum {
    PAGE_ENTRIES = 64,
    /*
     * Too low: small shards take a page each, since they do not share batches.
     * Too high: memory, 310 KiB each.
     */
    MOVES_AT_ONCE = 8,
    DAMAGED_RETRY_MS = 24 * 3600 * 1000, /* until somebody has had the damage repaired */
    FAILED_RETRY_MS = 600 * 1000,
};

enum compact_state {
    COMPACT_OPENING,
    COMPACT_EMPTYING,
    COMPACT_CARRYING,
    COMPACT_CHECKPOINTS,
    COMPACT_UNLINKING,
};

struct mover {
    struct volume_move move; /* first */
    struct volume_compaction *compaction;
    bool is_busy;
};

struct volume_compaction {
    struct volume *volume;
    struct volume_log *log;
    enum compact_state state;
    char name[DISK_NAME_SIZE];
    struct disk_file *file; /* direct */

    uint64_t cursor;
    struct shard_index_item items[PAGE_ENTRIES];
    unsigned item_count;
    unsigned next_item;
    struct mover *movers;
    uint8_t *buffers; /* MOVE_BUFFER_SIZE each */
    unsigned busy;    /* movers */
    bool met_damage;
    bool has_failed; /* no room, or the new log failed */

    struct log_walk walk;
    struct room_wish wish;
    struct log_record carried;
    uint8_t carried_bytes[RECORD_HEADER_SIZE + TOMBSTONE_BODY_SIZE];

    bool tried_checkpoint;
    bool awaits_checkpoint;
    unsigned slot; /* of a checkpoint being removed */
    struct disk_io io;
};

static_assert(
    (int)RETIRED_BODY_SIZE <= (int)TOMBSTONE_BODY_SIZE, "carried_bytes has room for both");

/* ---- its end ---- */

static void destroy(struct volume_compaction *compaction)
{
    struct volume *volume = compaction->volume;
    disk_close(volume->disk, compaction->file);
    free(compaction->movers);
    free(compaction->buffers);
    free(compaction);
    volume->compaction = NULL;
    volume->checkpoints_are_removed = false;
}

static void end(struct volume_compaction *compaction)
{
    struct volume *volume = compaction->volume;
    destroy(compaction);
    volume_tidy_goes_on(volume);
    volume_close_if_idle(volume);
}

static bool must_stop(const struct volume_compaction *compaction)
{
    return compaction->volume->is_closing || compaction->volume->is_read_only;
}

/* The log stays as it is. */
static void end_in_vain(struct volume_compaction *compaction, uint64_t retry_ms)
{
    uint64_t now_ns = env_now_ns(loop_env(compaction->volume->loop));
    compaction->log->not_before_ns = now_ns + retry_ms * UINT64_C(1000000);
    end(compaction);
}

static void end_damaged(struct volume_compaction *compaction, const char *reason)
{
    volume_report(compaction->volume,
        &(struct volume_event){.kind = VOLUME_LOG_KEPT,
            .log = compaction->log->number,
            .size = compaction->log->bytes,
            .reason = reason});
    end_in_vain(compaction, DAMAGED_RETRY_MS);
}

static void step(struct volume_compaction *compaction, enum disk_request request, const char *name,
    void (*done)(struct disk_io *io))
{
    compaction->io =
        (struct disk_io){.request = request, .name = name, .done = done, .context = compaction};
    disk_submit(compaction->volume->disk, &compaction->io);
}

/* ---- unlinking ---- */

static void name_is_gone(struct disk_io *io)
{
    struct volume_compaction *compaction = io->context;
    struct volume *volume = compaction->volume;
    struct volume_log *log = compaction->log;
    volume->compacted++;
    volume_report(volume,
        &(struct volume_event){
            .kind = VOLUME_LOG_COMPACTED, .log = log->number, .size = log->bytes});
    volume_log_remove(log);
    volume_scrub_stop(volume); /* if that is what still reads it */
    end(compaction);
}

static void unlinked(struct disk_io *io)
{
    struct volume_compaction *compaction = io->context;
    if (io->error != 0 && io->error != ENOENT) {
        end_in_vain(compaction, FAILED_RETRY_MS);
        return;
    }
    /* If this fails the name may come back, to be dropped again: nothing counts on its absence. */
    step(compaction, DISK_SYNC_DIR, NULL, name_is_gone);
}

static void no_checkpoint_names_it(struct disk_io *io)
{
    struct volume_compaction *compaction = io->context;
    if (io->error != 0 || must_stop(compaction)) {
        end_in_vain(compaction, FAILED_RETRY_MS);
        return;
    }
    compaction->state = COMPACT_UNLINKING;
    step(compaction, DISK_UNLINK, compaction->name, unlinked);
}

/* ---- checkpoints ---- */

static void remove_stale_checkpoint(struct volume_compaction *compaction);

static void stale_removed(struct disk_io *io)
{
    struct volume_compaction *compaction = io->context;
    struct volume *volume = compaction->volume;
    if (io->error != 0 && io->error != ENOENT) {
        end_in_vain(compaction, FAILED_RETRY_MS);
        return;
    }
    volume->checkpoints[compaction->slot] = 0;
    volume->usage.index[compaction->slot] = 0;
    remove_stale_checkpoint(compaction);
}

static void remove_stale_checkpoint(struct volume_compaction *compaction)
{
    struct volume *volume = compaction->volume;
    for (unsigned slot = 0; slot < VOLUME_CHECKPOINTS; slot++) {
        if (volume->usage.index[slot] > 0 &&
            volume->checkpoints[slot] < compaction->log->forgotten) {
            compaction->slot = slot;
            step(compaction, DISK_UNLINK, slot == 0 ? "index.0" : "index.1", stale_removed);
            return;
        }
    }
    step(compaction, DISK_SYNC_DIR, NULL, no_checkpoint_names_it);
}

/* Again whenever a checkpoint has ended. */
static void see_to_checkpoints(struct volume_compaction *compaction)
{
    struct volume *volume = compaction->volume;
    if (must_stop(compaction)) {
        end(compaction);
        return;
    }
    if (volume->checkpoint == NULL && !compaction->tried_checkpoint &&
        volume->checkpoint_generation < compaction->log->forgotten) {
        compaction->tried_checkpoint = true;
        volume_checkpoint_start(volume);
    }
    compaction->awaits_checkpoint = volume->checkpoint != NULL;
    if (!compaction->awaits_checkpoint) {
        volume->checkpoints_are_removed = true;
        remove_stale_checkpoint(compaction);
    }
}

/* ---- forgetting ---- */

/* false: an entry is left that counts. */
static bool remove_purged(struct volume_compaction *compaction)
{
    struct volume *volume = compaction->volume;
    uint64_t cursor = 0;
    unsigned count;
    while ((count = shard_index_walk_log(volume->index, compaction->log->number, &cursor,
                compaction->items, PAGE_ENTRIES)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            if (compaction->items[i].location.day != TRASH_DAY_PURGED) {
                return false;
            }
            bool was_there = shard_index_remove_item(volume->index, &compaction->items[i]);
            assert(was_there);
        }
    }
    return true;
}

static void forget(struct volume_compaction *compaction)
{
    struct volume *volume = compaction->volume;
    if (!remove_purged(compaction)) {
        end_in_vain(compaction, FAILED_RETRY_MS);
        return;
    }
    compaction->log->is_dropped = true;
    compaction->log->forgotten =
        volume->checkpoint_generation + (volume->checkpoint != NULL ? 2 : 1);
    compaction->state = COMPACT_CHECKPOINTS;
    see_to_checkpoints(compaction);
}

/* ---- carrying ---- */

static void carried(struct log_record *record)
{
    struct volume_compaction *compaction = record->context;
    volume_room_give_back(compaction->wish.log, 0);
    if (record->error != 0 || must_stop(compaction)) {
        end_in_vain(compaction, FAILED_RETRY_MS);
    } else {
        log_walk_next(&compaction->walk);
    }
}

static void append_carried(struct room_wish *wish)
{
    struct volume_compaction *compaction =
        (struct volume_compaction *)((char *)wish - offsetof(struct volume_compaction, wish));
    if (wish->err.code != HEARTH_OK) {
        end_in_vain(compaction, FAILED_RETRY_MS);
    } else {
        log_writer_append(wish->log->writer, &compaction->carried);
    }
}

static void carry(
    struct volume_compaction *compaction, const struct record_header *header, struct view body)
{
    assert(body.size <= TOMBSTONE_BODY_SIZE);
    memcpy(compaction->carried_bytes + RECORD_HEADER_SIZE, body.bytes, body.size);
    compaction->carried = (struct log_record){.type = header->type,
        .id = header->id,
        .needs_sync = true,
        .head = compaction->carried_bytes,
        .body_size = header->body_size,
        .done = carried,
        .context = compaction};
    compaction->wish = (struct room_wish){
        .bytes = log_record_room(header->body_size), .kind = ROOM_SMALL, .done = append_carried};
    volume_room_take(compaction->volume, &compaction->wish);
}

static bool others_have_ghosts(const struct volume_compaction *compaction)
{
    const struct volume *volume = compaction->volume;
    for (uint32_t i = 0; i < volume->log_count; i++) {
        const struct volume_log *log = volume->logs[i];
        if (log != compaction->log && log->has_ghosts && !log->is_dropped) {
            return true;
        }
    }
    return false;
}

/* The rule is at the top of this file. */
static bool tombstone_is_needed(
    const struct volume_compaction *compaction, const struct shard_id *id, struct view body)
{
    struct tombstone tombstone;
    if (!tombstone_decode(body, &tombstone)) {
        return false;
    }
    if (others_have_ghosts(compaction)) {
        return true;
    }
    bool is_bar = tombstone.footer_log == 0;
    struct shard_probe probe = {0};
    struct shard_location at;
    while (shard_index_next(compaction->volume->index, id, &probe, &at)) {
        if (at.state == SHARD_TRASHED && at.log != compaction->log->number &&
            (is_bar || at.log == tombstone.footer_log)) {
            return true;
        }
    }
    return false;
}

static bool retired_is_needed(const struct volume_compaction *compaction, struct view body)
{
    struct retired retired;
    if (!retired_decode(body, &retired)) {
        return false;
    }
    uint32_t number = (uint32_t)(retired.good_until >> 32);
    return number != compaction->log->number && volume_log_find(compaction->volume, number) != NULL;
}

/* What follows in a log that failed was acknowledged to nobody. */
static bool was_acknowledged(const struct volume_log *log, const struct record_header *header)
{
    return !log->is_retired || header->sequence <= log->good_until;
}

static bool is_needed(const struct volume_compaction *compaction,
    const struct record_header *header, struct view body)
{
    if (!was_acknowledged(compaction->log, header)) {
        return false;
    }
    return header->type == RECORD_TOMBSTONE ? tombstone_is_needed(compaction, &header->id, body)
                                            : retired_is_needed(compaction, body);
}

static void found(struct log_walk *walk, const struct record_header *header, struct view body)
{
    struct volume_compaction *compaction = walk->context;
    if (must_stop(compaction)) {
        end(compaction);
    } else if (header == NULL && walk->misses_synced) {
        compaction->log->is_damaged = true;
        end_damaged(compaction, "synced records of the log do not verify");
    } else if (header == NULL) {
        forget(compaction);
    } else if (is_needed(compaction, header, body)) {
        carry(compaction, header, body);
    } else {
        log_walk_next(walk);
    }
}

static void begin_carrying(struct volume_compaction *compaction)
{
    compaction->state = COMPACT_CARRYING;
    compaction->walk = (struct log_walk){.disk = compaction->volume->disk,
        .file = compaction->file,
        .number = compaction->log->number,
        .seed = compaction->log->seed,
        .end = compaction->log->end,
        .buffer = compaction->buffers,
        .found = found,
        .context = compaction};
    static_assert((int)LOG_WALK_WINDOW <= (int)MOVE_BUFFER_SIZE, "a buffer serves both");
    log_walk_begin(&compaction->walk);
    log_walk_next(&compaction->walk);
}

/* ---- emptying ---- */

static void start_moves(struct volume_compaction *compaction);

static void moved(struct volume_move *move)
{
    struct mover *mover = (struct mover *)move;
    struct volume_compaction *compaction = mover->compaction;
    mover->is_busy = false;
    compaction->busy--;
    compaction->met_damage = compaction->met_damage || move->outcome == MOVE_DAMAGED;
    compaction->has_failed = compaction->has_failed || move->outcome == MOVE_NO_ROOM ||
        move->outcome == MOVE_FAILED || move->outcome == MOVE_STOPPED;
    start_moves(compaction);
}

static struct mover *idle_mover(struct volume_compaction *compaction)
{
    unsigned i = 0;
    while (compaction->movers[i].is_busy) {
        i++;
        assert(i < MOVES_AT_ONCE);
    }
    return &compaction->movers[i];
}

static void start_move(struct volume_compaction *compaction, const struct shard_location *from)
{
    struct mover *mover = idle_mover(compaction);
    mover->move = (struct volume_move){.volume = compaction->volume,
        .log = compaction->log,
        .file = compaction->file,
        .from = *from,
        .done = moved,
        .buffer = compaction->buffers + (size_t)(mover - compaction->movers) * MOVE_BUFFER_SIZE};
    mover->is_busy = true;
    compaction->busy++;
    volume_move_start(&mover->move);
}

/* The next entry that counts. NULL: there is none. */
static struct shard_index_item *next_item(struct volume_compaction *compaction)
{
    const struct shard_index *index = compaction->volume->index;
    for (;;) {
        while (compaction->next_item < compaction->item_count) {
            struct shard_index_item *item = &compaction->items[compaction->next_item++];
            if (shard_index_has_item(index, item) && item->location.day != TRASH_DAY_PURGED) {
                return item;
            }
        }
        compaction->next_item = 0;
        compaction->item_count = shard_index_walk_log(
            index, compaction->log->number, &compaction->cursor, compaction->items, PAGE_ENTRIES);
        if (compaction->item_count == 0) {
            return NULL;
        }
    }
}

static void end_emptying(struct volume_compaction *compaction)
{
    if (must_stop(compaction)) {
        end(compaction);
    } else if (compaction->has_failed) {
        end_in_vain(compaction, FAILED_RETRY_MS);
    } else if (compaction->met_damage) {
        end_damaged(compaction, "shards in the log do not verify");
    } else {
        begin_carrying(compaction);
    }
}

static void start_moves(struct volume_compaction *compaction)
{
    bool is_over = false;
    while (!is_over && compaction->busy < MOVES_AT_ONCE) {
        struct shard_index_item *item =
            must_stop(compaction) || compaction->has_failed ? NULL : next_item(compaction);
        is_over = item == NULL;
        if (!is_over) {
            start_move(compaction, &item->location);
        }
    }
    if (is_over && compaction->busy == 0) {
        end_emptying(compaction);
    }
}

static void opened(struct disk_io *io)
{
    struct volume_compaction *compaction = io->context;
    if (io->error != 0) {
        end_in_vain(compaction, FAILED_RETRY_MS);
        return;
    }
    compaction->file = io->file;
    compaction->state = COMPACT_EMPTYING;
    start_moves(compaction);
}

/* ---- begin, wake, stop ---- */

static struct volume_compaction *create(struct volume *volume, struct volume_log *log)
{
    struct volume_compaction *compaction = calloc(1, sizeof(*compaction));
    if (compaction == NULL) {
        return NULL;
    }
    void *buffers = NULL;
    compaction->movers = calloc(MOVES_AT_ONCE, sizeof(*compaction->movers));
    if (compaction->movers == NULL ||
        posix_memalign(&buffers, FORMAT_PAGE_SIZE, (size_t)MOVES_AT_ONCE * MOVE_BUFFER_SIZE) != 0) {
        free(compaction->movers);
        free(compaction);
        return NULL;
    }
    compaction->volume = volume;
    compaction->log = log;
    compaction->buffers = buffers;
    for (unsigned i = 0; i < MOVES_AT_ONCE; i++) {
        compaction->movers[i].compaction = compaction;
    }
    log_name(log->number, compaction->name);
    return compaction;
}

void volume_compact_start(struct volume *volume, struct volume_log *log)
{
    assert(volume->compaction == NULL && log->writer == NULL && log->users == 0);
    struct volume_compaction *compaction = create(volume, log);
    if (compaction == NULL) {
        return;
    }
    volume->compaction = compaction;
    if (log->is_dropped) {
        compaction->state = COMPACT_CHECKPOINTS;
        see_to_checkpoints(compaction);
        return;
    }
    compaction->io = (struct disk_io){.request = DISK_OPEN,
        .name = compaction->name,
        .direct = true,
        .done = opened,
        .context = compaction};
    disk_submit(volume->disk, &compaction->io);
}

void volume_compact_wake(struct volume *volume)
{
    struct volume_compaction *compaction = volume->compaction;
    if (compaction == NULL) {
        return;
    }
    if (compaction->awaits_checkpoint && volume->checkpoint == NULL) {
        see_to_checkpoints(compaction);
        return;
    }
    for (unsigned i = 0; i < MOVES_AT_ONCE; i++) {
        if (compaction->movers[i].is_busy) {
            volume_move_wake(&compaction->movers[i].move);
        }
    }
}

void volume_compact_abandon(struct volume *volume)
{
    struct volume_compaction *compaction = volume->compaction;
    if (compaction == NULL) {
        return;
    }
    for (unsigned i = 0; i < MOVES_AT_ONCE; i++) {
        if (compaction->movers[i].is_busy) {
            volume_move_abandon(&compaction->movers[i].move);
        }
    }
    destroy(compaction);
}
