#include "storaged/log_walk.h"
#include "storaged/volume_carry.h"
#include "storaged/volume_drop.h"
#include "storaged/volume_stray.h"

#include <stdlib.h>

/*
 * One log emptied and dropped (D8).
 *
 *   OPENING --> WAITING --no checkpoint under way--> EMPTYING --no shard that counts is left-->
 *   CARRYING --end of the log--> STRAYS --none counts--> DROPPING --> end
 *
 *   EMPTYING  each live shard, young trash and young bar is copied, synced, read back, verified,
 *             and only then the index turns to it (volume_move.h).  Purged trash stays.
 *   CARRYING  tombstones, and notes on failed logs, that are still needed are written again
 *             (volume_carry.h).  Every footer is met on the way.
 *   STRAYS    a shard that the index does not know keeps the log (volume_stray.h).
 *   DROPPING  the log is forgotten and unlinked (volume_drop.h).
 *
 * Damage, no room, a write that failed: the log stays.  Until DROPPING nothing is lost by stopping:
 * what was moved was moved, the rest is where it was.
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
    COMPACT_WAITING,
    COMPACT_EMPTYING,
    COMPACT_CARRYING,
    COMPACT_STRAYS,
    COMPACT_DROPPING,
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
    struct volume_strays strays;
    struct room_wish wish;
    struct log_record carried;
    uint8_t carried_bytes[RECORD_HEADER_SIZE + TOMBSTONE_BODY_SIZE];

    struct volume_drop drop;
    struct disk_io io;
};

static_assert(
    (int)RETIRED_BODY_SIZE <= (int)TOMBSTONE_BODY_SIZE, "carried_bytes has room for both");

/* ---- its end ---- */

static void destroy(struct volume_compaction *compaction)
{
    struct volume *volume = compaction->volume;
    disk_close(volume->disk, compaction->file);
    volume_strays_fini(&compaction->strays);
    free(compaction->movers);
    free(compaction->buffers);
    free(compaction);
    volume->compaction = NULL;
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

static void end_kept(struct volume_compaction *compaction, const struct shard_id *shard,
    const char *reason, uint64_t retry_ms)
{
    volume_report(compaction->volume,
        &(struct volume_event){.kind = VOLUME_LOG_KEPT,
            .shard = shard,
            .log = compaction->log->number,
            .size = compaction->log->bytes,
            .reason = reason});
    end_in_vain(compaction, retry_ms);
}

static void end_damaged(struct volume_compaction *compaction, const char *reason)
{
    end_kept(compaction, NULL, reason, DAMAGED_RETRY_MS);
}

/* ---- dropping ---- */

static void dropped(struct volume_drop *drop, enum drop_outcome outcome)
{
    struct volume_compaction *compaction = drop->context;
    if (outcome == DROP_IN_VAIN) {
        end_in_vain(compaction, FAILED_RETRY_MS);
    } else {
        end(compaction);
    }
}

static void begin_dropping(struct volume_compaction *compaction)
{
    compaction->state = COMPACT_DROPPING;
    compaction->drop =
        (struct volume_drop){.log = compaction->log, .done = dropped, .context = compaction};
    volume_drop_start(&compaction->drop);
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

/* ---- strays ---- */

static void strays_looked(struct volume_strays *strays)
{
    struct volume_compaction *compaction = strays->context;
    if (strays->was_stopped) {
        end(compaction);
    } else if (strays->met_shard) {
        end_kept(compaction, &strays->first, "a shard in the log was unknown to the index",
            strays->has_ghosts ? DAMAGED_RETRY_MS : FAILED_RETRY_MS);
    } else if (strays->met_damage) {
        end_damaged(compaction, "records in the log that the index does not know do not verify");
    } else {
        begin_dropping(compaction);
    }
}

static void look_at_strays(struct volume_compaction *compaction)
{
    compaction->state = COMPACT_STRAYS;
    compaction->strays.file = compaction->file;
    volume_strays_look(&compaction->strays, compaction->walk.durable);
}

static void end_walk(struct volume_compaction *compaction)
{
    if (compaction->walk.misses_synced) {
        compaction->log->is_damaged = true;
        end_damaged(compaction, "synced records of the log do not verify");
    } else {
        look_at_strays(compaction);
    }
}

static void found(struct log_walk *walk, const struct record_header *header, struct view body)
{
    struct volume_compaction *compaction = walk->context;
    if (must_stop(compaction)) {
        end(compaction);
    } else if (header == NULL) {
        end_walk(compaction);
    } else if (!volume_was_acknowledged(compaction->log, header)) {
        log_walk_next(walk);
    } else if (header->type == RECORD_SHARD) {
        volume_strays_note(&compaction->strays, header) ? log_walk_next(walk)
                                                        : end_in_vain(compaction, FAILED_RETRY_MS);
    } else if (volume_must_carry(compaction->log, header, body)) {
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

/* A checkpoint under way has noted already that none of the log's shards is found elsewhere. */
static void begin_emptying(struct volume_compaction *compaction)
{
    if (compaction->volume->checkpoint == NULL) {
        compaction->state = COMPACT_EMPTYING;
        start_moves(compaction);
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
    compaction->state = COMPACT_WAITING;
    begin_emptying(compaction);
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
    compaction->strays = (struct volume_strays){.volume = volume,
        .log = log,
        .buffer = compaction->buffers,
        .has_ghosts = log->has_ghosts, /* before this adds some */
        .done = strays_looked,
        .context = compaction};
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
        begin_dropping(compaction);
        return;
    }
    compaction->io = (struct disk_io){.request = DISK_OPEN,
        .name = compaction->name,
        .direct = true,
        .done = opened,
        .context = compaction};
    disk_submit(volume->disk, &compaction->io);
}

static void wake_moves(struct volume_compaction *compaction)
{
    for (unsigned i = 0; i < MOVES_AT_ONCE; i++) {
        if (compaction->movers[i].is_busy) {
            volume_move_wake(&compaction->movers[i].move);
        }
    }
}

void volume_compact_wake(struct volume *volume)
{
    struct volume_compaction *compaction = volume->compaction;
    if (compaction == NULL) {
        return;
    }
    switch (compaction->state) {
    case COMPACT_OPENING:
    case COMPACT_CARRYING: break;
    case COMPACT_WAITING: begin_emptying(compaction); break;
    case COMPACT_EMPTYING: wake_moves(compaction); break;
    case COMPACT_STRAYS: volume_strays_wake(&compaction->strays); break;
    case COMPACT_DROPPING: volume_drop_wake(&compaction->drop); break;
    }
}

void volume_compact_abandon(struct volume *volume)
{
    struct volume_compaction *compaction = volume->compaction;
    if (compaction == NULL) {
        return;
    }
    if (compaction->state == COMPACT_STRAYS) {
        volume_strays_abandon(&compaction->strays);
    }
    for (unsigned i = 0; i < MOVES_AT_ONCE; i++) {
        if (compaction->movers[i].is_busy) {
            volume_move_abandon(&compaction->movers[i].move);
        }
    }
    destroy(compaction);
}
