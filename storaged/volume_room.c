#include "storaged/volume_state.h"

#include "common/failpoint.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Room is set aside before a shard's first cell is taken, so that a full disk is noticed while the
 * client can still go elsewhere.  Wishes are granted in order:
 *
 *   wish --fits the active log's file--> granted
 *        --fits the log, not its file--> the file grows
 *        --does not fit the log-------> a new log:
 *                  create -> allocate -> header -> sync -> sync directory -> active
 *
 * A put leaves the reserve free at the end of the log; small wishes (tombstones) may use it, so
 * that deleting works when nothing else does, and moves half of it, so that compaction does.
 */

enum {
    /* A file grows by half of itself, but never by more: what is allocated is not free. */
    GROWTH_MAX = 64 * 1024 * 1024,
};

static void grant_oldest(struct volume *volume);

/* ---- answering ---- */

static struct room_wish *take_oldest(struct volume_room *room)
{
    struct room_wish *wish = room->oldest;
    room->oldest = wish->next;
    return wish;
}

static void refuse(struct room_wish *wish, enum hearth_code code, int error, const char *what)
{
    hearth_fail_sys(&wish->err, code, error, "%s", what);
    wish->done(wish);
}

static void refuse_oldest(struct volume *volume, enum hearth_code code, int error, const char *what)
{
    if (code == HEARTH_NO_SPACE) {
        volume->room.was_refused = true;
        volume_tidy_soon(volume);
    }
    refuse(take_oldest(&volume->room), code, error, what);
}

/* The wish is taken first: a second failure makes the volume read-only and refuses all others. */
static void fail_oldest(struct volume *volume, int error, const char *what)
{
    struct room_wish *wish = take_oldest(&volume->room);
    volume_count_failure(volume, what, error);
    refuse(wish, HEARTH_IO, error, what);
}

static bool is_no_space(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

void volume_room_refuse_all(struct volume *volume)
{
    while (!volume->room.is_busy && volume->room.oldest != NULL) {
        refuse_oldest(
            volume, HEARTH_IO, 0, "the volume is read-only since its second failed write");
    }
}

static uint64_t at_least(uint64_t value, uint64_t least)
{
    return value > least ? value : least;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* ---- capacity ---- */

/*
 * Kept free of puts, so that a full volume can be compacted: as much as a log may keep.
 * Too low: nothing can be moved out of any log. Too high: capacity that nobody can use.
 */
static uint64_t compaction_bytes(const struct volume *volume)
{
    return at_most(volume->options.log_size_max, volume->options.capacity_bytes / 8);
}

/* What is on disk already and promised to nobody does not count as taken. */
uint64_t volume_room_free(const struct volume *volume)
{
    uint64_t capacity = volume->options.capacity_bytes;
    const struct volume_log *active = volume->room.active;
    uint64_t taken = volume_usage_bytes(volume) + volume->options.reserve_bytes +
        compaction_bytes(volume) - (active != NULL ? log_writer_room(active->writer) : 0);
    if (capacity == 0) {
        return UINT64_MAX;
    }
    return taken < capacity ? capacity - taken : 0;
}

/* By how much the files may become longer without exceeding the capacity. */
static uint64_t growth_allowed(const struct volume *volume)
{
    uint64_t capacity = volume->options.capacity_bytes;
    uint64_t used = volume_usage_bytes(volume);
    return capacity == 0 ? UINT64_MAX : used < capacity ? capacity - used : 0;
}

/* The owner has lowered it: what is allocated already is not used up either. */
static bool is_over_capacity(const struct volume *volume)
{
    uint64_t capacity = volume->options.capacity_bytes;
    return capacity != 0 && volume_usage_bytes(volume) > capacity;
}

/* Tombstones may have used what was kept free: then a compaction passes the capacity for a while.
 */
uint64_t volume_room_for_moves(const struct volume *volume)
{
    const struct volume_log *active = volume->room.active;
    uint64_t allowed = growth_allowed(volume);
    return allowed == UINT64_MAX ? UINT64_MAX
                                 : allowed + compaction_bytes(volume) +
            (active != NULL ? log_writer_room(active->writer) : 0);
}

/* Whether the oldest wish may make the files longer by so much; deletes are what frees room. */
static bool has_capacity(const struct volume *volume, uint64_t growth)
{
    switch (volume->room.oldest->kind) {
    case ROOM_PUT:
        return !is_over_capacity(volume) &&
            (growth == 0 || growth + compaction_bytes(volume) <= growth_allowed(volume));
    case ROOM_MOVE: return growth <= growth_allowed(volume) + compaction_bytes(volume);
    case ROOM_SMALL: break;
    }
    return true;
}

/* What a wish needs of a log besides what is written and promised there. */
static uint64_t needed_bytes(const struct volume *volume, const struct room_wish *wish)
{
    switch (wish->kind) {
    case ROOM_PUT: return wish->bytes + volume->options.reserve_bytes;
    case ROOM_MOVE: return wish->bytes + volume->options.reserve_bytes / 2;
    case ROOM_SMALL: break;
    }
    return wish->bytes;
}

bool volume_room_fits_a_log(const struct volume *volume, uint64_t bytes)
{
    uint64_t taken = LOG_FIRST_RECORD + (uint64_t)volume->options.reserve_bytes;
    return bytes <= volume->options.log_size_max - taken;
}

/* ---- a longer file ---- */

static void grew(struct disk_io *io);

static void grow_to(struct volume *volume, uint64_t size)
{
    struct volume_room *room = &volume->room;
    uint64_t allocated = log_writer_position(room->active->writer).allocated;
    room->wanted = size;
    room->is_busy = true;
    room->io = (struct disk_io){.request = DISK_ALLOCATE,
        .file = room->active->file,
        .offset = allocated,
        .size = size - allocated,
        .done = grew,
        .context = volume};
    disk_submit(volume->disk, &room->io);
}

static void grew(struct disk_io *io)
{
    struct volume *volume = io->context;
    struct volume_room *room = &volume->room;
    room->is_busy = false;
    if (room->active == NULL) {
        grant_oldest(volume); /* the log failed meanwhile */
        return;
    }
    if (io->error == 0) {
        volume->usage.logs += room->wanted - log_writer_position(room->active->writer).allocated;
        log_writer_grew(room->active->writer, room->wanted);
    } else if (is_no_space(io->error) && room->wanted > room->needed) {
        grow_to(volume, room->needed);
        return;
    } else if (is_no_space(io->error)) {
        refuse_oldest(volume, HEARTH_NO_SPACE, io->error, "lengthen a log");
    } else {
        fail_oldest(volume, io->error, "lengthen a log");
    }
    grant_oldest(volume);
}

static void grow(struct volume *volume, uint64_t needed)
{
    uint64_t allocated = log_writer_position(volume->room.active->writer).allocated;
    uint64_t step = at_most(at_least(allocated / 2, volume->options.allocate_bytes), GROWTH_MAX);
    step = at_most(step, growth_allowed(volume) & ~(uint64_t)(FORMAT_PAGE_SIZE - 1));
    uint64_t wanted = at_most(at_least(allocated + step, needed), volume->options.log_size_max);
    volume->room.needed = needed;
    grow_to(volume, format_round_up(wanted, FORMAT_PAGE_SIZE));
}

/* ---- a new log ---- */

static void end_creation(struct volume *volume)
{
    struct volume_room *room = &volume->room;
    free(room->new_page);
    room->new_page = NULL;
    room->new_file = NULL;
    room->is_busy = false;
}

static void refuse_after_creation(struct volume *volume, int error)
{
    end_creation(volume);
    if (is_no_space(error)) {
        refuse_oldest(volume, HEARTH_NO_SPACE, error, "make a new log");
    } else if (error == ENOMEM) { /* ours, not the disk's: it does not count as its failure */
        refuse_oldest(volume, HEARTH_NO_MEMORY, error, "make a new log");
    } else {
        fail_oldest(volume, error, "make a new log");
    }
    grant_oldest(volume);
}

static void remains_removed(struct disk_io *io)
{
    /* Whether it worked or not: the number is not used again, so what is left harms nobody. */
    struct volume *volume = io->context;
    refuse_after_creation(volume, volume->room.creation_error);
}

static void creation_step(
    struct volume *volume, enum disk_request request, void (*done)(struct disk_io *io))
{
    struct volume_room *room = &volume->room;
    room->io = (struct disk_io){.request = request,
        .name = room->new_name,
        .file = room->new_file,
        .done = done,
        .context = volume};
}

static void creation_failed(struct volume *volume, int error)
{
    struct volume_room *room = &volume->room;
    disk_close(volume->disk, room->new_file);
    room->new_file = NULL;
    room->creation_error = error;
    creation_step(volume, DISK_UNLINK, remains_removed);
    disk_submit(volume->disk, &room->io);
}

static void became_durable(struct disk_io *io)
{
    struct volume *volume = io->context;
    struct volume_room *room = &volume->room;
    if (io->error != 0) {
        creation_failed(volume, io->error);
        return;
    }
    struct volume_log *log = volume_log_add(volume, room->next_log - 1, room->new_file);
    if (log == NULL) {
        creation_failed(volume, ENOMEM);
        return;
    }
    bool is_open = volume_log_open(log, room->wanted);
    volume->usage.logs += room->wanted;
    end_creation(volume);
    if (!is_open) {
        log->bytes = room->wanted;
        refuse_oldest(volume, HEARTH_NO_MEMORY, 0, "make a new log");
    } else {
        struct volume_log *full = room->active;
        room->active = log;
        if (full != NULL) {
            volume_log_finish(full);
        }
    }
    grant_oldest(volume);
}

static void header_synced(struct disk_io *io)
{
    struct volume *volume = io->context;
    if (io->error != 0 || FAILPOINT(STORAGED_LOG_CREATED)) {
        creation_failed(volume, io->error != 0 ? io->error : EIO);
        return;
    }
    creation_step(volume, DISK_SYNC_DIR, became_durable);
    disk_submit(volume->disk, &volume->room.io);
}

static void header_written(struct disk_io *io)
{
    struct volume *volume = io->context;
    if (io->error != 0 || io->size != FORMAT_PAGE_SIZE) {
        creation_failed(volume, io->error != 0 ? io->error : EIO);
        return;
    }
    creation_step(volume, DISK_SYNC, header_synced);
    disk_submit(volume->disk, &volume->room.io);
}

static void write_header(struct disk_io *io)
{
    struct volume *volume = io->context;
    struct volume_room *room = &volume->room;
    if (io->error != 0) {
        creation_failed(volume, io->error);
        return;
    }
    creation_step(volume, DISK_WRITE, header_written);
    room->new_parts[0] = (struct iovec){room->new_page, FORMAT_PAGE_SIZE};
    room->io.iov = room->new_parts;
    room->io.iov_count = 1;
    disk_submit(volume->disk, &room->io);
}

static void allocate_new(struct disk_io *io)
{
    struct volume *volume = io->context;
    struct volume_room *room = &volume->room;
    if (io->error != 0) {
        refuse_after_creation(volume, io->error);
        return;
    }
    room->new_file = io->file;
    creation_step(volume, DISK_ALLOCATE, write_header);
    room->io.size = room->wanted;
    disk_submit(volume->disk, &room->io);
}

static void create_log(struct volume *volume)
{
    struct volume_room *room = &volume->room;
    room->new_page = calloc(1, FORMAT_PAGE_SIZE);
    if (room->new_page == NULL || room->next_log > SHARD_INDEX_LOG_MAX) {
        end_creation(volume);
        refuse_oldest(volume, HEARTH_NO_MEMORY, 0, "make a new log");
        grant_oldest(volume);
        return;
    }
    uint64_t needed = LOG_FIRST_RECORD + needed_bytes(volume, room->oldest);
    uint64_t spare =
        at_most((uint64_t)volume->options.allocate_bytes + volume->options.reserve_bytes,
            growth_allowed(volume) - at_most(growth_allowed(volume), needed));
    room->wanted =
        format_round_up(at_most(needed + spare, volume->options.log_size_max), FORMAT_PAGE_SIZE);
    struct log_header header = {.number = room->next_log,
        .size_max = volume->options.log_size_max,
        .start_counter = volume->superblock.start_counter,
        .created_unix_ms = env_unix_ms(loop_env(volume->loop))};
    memcpy(header.uuid, volume->superblock.uuid, VOLUME_UUID_SIZE);
    log_header_encode(&header, log_seed(volume->superblock.salt, room->next_log), room->new_page);
    log_name(room->next_log, room->new_name);
    room->next_log++;
    room->is_busy = true;
    creation_step(volume, DISK_CREATE, allocate_new);
    disk_submit(volume->disk, &room->io);
}

uint32_t volume_room_next_log(const struct volume *volume)
{
    const struct volume_room *room = &volume->room;
    return room->new_page != NULL ? room->next_log - 1 : room->next_log;
}

/* ---- wishes ---- */

static void grant(struct volume *volume)
{
    struct room_wish *wish = take_oldest(&volume->room);
    struct volume_log *log = volume->room.active;
    log_writer_reserve(log->writer, wish->bytes);
    log->users++;
    wish->log = log;
    volume->room.was_refused = volume->room.was_refused && wish->kind != ROOM_PUT;
    wish->err = (struct hearth_err){.code = HEARTH_OK};
    wish->done(wish);
}

static void grant_oldest(struct volume *volume)
{
    struct volume_room *room = &volume->room;
    while (room->oldest != NULL && !room->is_busy) {
        if (volume->is_read_only) {
            volume_room_refuse_all(volume);
            break;
        }
        struct log_position at = {0};
        if (room->active != NULL) {
            at = log_writer_position(room->active->writer);
        }
        uint64_t needed = format_round_up(
            at.end + at.reserved + needed_bytes(volume, room->oldest), FORMAT_PAGE_SIZE);
        bool is_full = room->active == NULL || needed > volume->options.log_size_max;
        uint64_t growth = is_full   ? LOG_FIRST_RECORD + needed_bytes(volume, room->oldest)
            : needed > at.allocated ? needed - at.allocated
                                    : 0;
        if (!has_capacity(volume, growth)) {
            refuse_oldest(volume, HEARTH_NO_SPACE, 0, "the capacity of the volume is used up");
        } else if (is_full) {
            create_log(volume);
        } else if (growth > 0) {
            grow(volume, needed);
        } else {
            grant(volume);
        }
    }
    volume_close_if_idle(volume);
}

void volume_room_take_first(struct volume *volume, struct room_wish *wish)
{
    wish->next = volume->room.oldest;
    volume->room.oldest = wish;
    grant_oldest(volume);
}

void volume_room_take(struct volume *volume, struct room_wish *wish)
{
    struct room_wish **link = &volume->room.oldest;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    wish->next = NULL;
    *link = wish;
    grant_oldest(volume);
}

void volume_room_give_back(struct volume_log *log, uint64_t unused)
{
    assert(log->users > 0);
    log->users--;
    if (!log_writer_has_failed(log->writer)) {
        log_writer_release(log->writer, unused);
    }
    volume_log_settle(log);
}
