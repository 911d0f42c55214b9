#include "storaged/volume_move.h"

#include "common/failpoint.h"

#include <stdlib.h>

enum { RETRY_MS = 20, CLIENTS_MS = 1000 };

static void next_chunk(struct volume_move *move);
static void read_back_chunk(struct volume_move *move);

bool volume_move_has_id(const struct volume *volume, const struct shard_id *id)
{
    const struct volume_move *move = volume->moves;
    while (move != NULL && !(move->has_id && shard_id_equal(&move->id, id))) {
        move = move->next;
    }
    return move != NULL;
}

/* ---- its end ---- */

static void unlink_move(struct volume_move *move)
{
    struct volume_move **link = &move->volume->moves;
    while (*link != move) {
        link = &(*link)->next;
    }
    *link = move->next;
}

static void end(struct volume_move *move, enum move_outcome outcome)
{
    struct volume *volume = move->volume;
    if (move->has_copy) {
        move->wish.log->copies--;
        move->wish.log->has_ghosts = move->wish.log->has_ghosts || outcome != MOVE_DONE;
    }
    if (move->has_room) {
        volume_room_give_back(move->wish.log, move->room_left);
    }
    disk_close(volume->disk, move->new_file);
    unlink_move(move);
    move->outcome = outcome;
    move->done(move);
}

static void end_damaged(struct volume_move *move, const char *reason)
{
    if (move->is_stray) {
        end(move, MOVE_DAMAGED);
        return;
    }
    volume_report(move->volume,
        &(struct volume_event){.kind = VOLUME_SHARD_DAMAGED,
            .shard = move->has_header ? &move->id : NULL,
            .locator = move->has_record ? &move->footer.locator : NULL,
            .log = move->log->number,
            .offset = move->from.offset,
            .reason = reason});
    end(move, MOVE_DAMAGED);
}

static bool is_scrub(const struct volume_move *move)
{
    return move->only_verify && !move->is_stray;
}

static bool must_stop(const struct volume_move *move)
{
    const struct volume *volume = move->volume;
    return volume->is_closing || (is_scrub(move) ? move->log->is_dropped : volume->is_read_only);
}

/* ---- waiting ---- */

static void pause_ns(struct volume_move *move, uint64_t ns, void (*then)(struct volume_move *move));

static void pause_over(struct timer *timer)
{
    struct volume_move *move =
        (struct volume_move *)((char *)timer - offsetof(struct volume_move, timer));
    move->is_waiting = false;
    if (must_stop(move)) {
        end(move, MOVE_STOPPED);
    } else if (move->waits_for_clients && volume_has_clients(move->volume)) {
        pause_ns(move, CLIENTS_MS * UINT64_C(1000000), move->after_pause);
    } else {
        move->after_pause(move);
    }
}

static void pause_ns(struct volume_move *move, uint64_t ns, void (*then)(struct volume_move *move))
{
    struct loop *loop = move->volume->loop;
    move->after_pause = then;
    move->is_waiting = true;
    move->timer.run = pause_over;
    loop_timer_set(loop, &move->timer, env_now_ns(loop_env(loop)) + ns);
}

void volume_move_wake(struct volume_move *move)
{
    if (move->is_waiting) {
        loop_timer_cancel(move->volume->loop, &move->timer);
        pause_ns(move, 0, move->after_pause);
    }
}

void volume_move_abandon(struct volume_move *move)
{
    assert(move->is_waiting);
    loop_timer_cancel(move->volume->loop, &move->timer);
    disk_close(move->volume->disk, move->new_file);
    unlink_move(move);
}

/* ---- reading from the device ---- */

static void read_direct(struct volume_move *move, struct disk_file *file, uint64_t offset,
    size_t size, void (*done)(struct disk_io *io))
{
    uint64_t start = offset & ~(uint64_t)(FORMAT_PAGE_SIZE - 1);
    size_t length = (size_t)format_round_up(offset + size - start, FORMAT_PAGE_SIZE);
    assert(length <= MOVE_BUFFER_SIZE);
    move->wanted_offset = offset;
    move->wanted_size = size;
    move->part = (struct iovec){move->buffer, length};
    move->io = (struct disk_io){.request = DISK_READ,
        .file = file,
        .offset = start,
        .iov = &move->part,
        .iov_count = 1,
        .done = done,
        .context = move};
    disk_submit(move->volume->disk, &move->io);
}

/* What was asked for, as far as it is there. */
static struct view what_was_read(const struct volume_move *move)
{
    size_t before = (size_t)(move->wanted_offset - move->io.offset);
    size_t there = move->io.error == 0 ? (size_t)move->io.size : 0;
    size_t size = there > before ? there - before : 0;
    return view_of(move->buffer + before, size < move->wanted_size ? size : move->wanted_size);
}

/* ---- read back: what the device has at the new place ---- */

static void end_unread(struct volume_move *move)
{
    end_damaged(move, "what was written to another log does not read back");
}

static void switch_entry(struct volume_move *move)
{
    if (FAILPOINT(STORAGED_COMPACT_COPIED)) {
        end(move, MOVE_FAILED);
        return;
    }
    struct shard_location to = move->from;
    to.log = move->wish.log->number;
    to.offset = move->last.offset;
    shard_index_update(move->volume->index, &move->id, &move->from, &to);
    move->wish.log->entered_bytes += to.size;
    end(move, MOVE_DONE);
}

static void last_read_back(struct disk_io *io)
{
    struct volume_move *move = io->context;
    struct view there = what_was_read(move);
    size_t size = RECORD_HEADER_SIZE + (size_t)move->last.body_size;
    if (there.size != size || memcmp(there.bytes, move->last_bytes, size) != 0) {
        end_unread(move);
    } else {
        switch_entry(move);
    }
}

static void chunk_read_back(struct disk_io *io)
{
    struct volume_move *move = io->context;
    if (!footer_chunk_verify(&move->footer, move->next_chunk, what_was_read(move))) {
        end_unread(move);
        return;
    }
    move->next_chunk++;
    read_back_chunk(move);
}

static void read_back_chunk(struct volume_move *move)
{
    if (move->from.state == SHARD_BARRED || move->next_chunk == move->footer.chunk_count) {
        read_direct(move, move->new_file, move->last.offset,
            RECORD_HEADER_SIZE + (size_t)move->last.body_size, last_read_back);
        return;
    }
    read_direct(move, move->new_file, move->chunk_offsets[move->next_chunk] + RECORD_HEADER_SIZE,
        footer_chunk_size(&move->footer, move->next_chunk), chunk_read_back);
}

static void new_log_opened(struct disk_io *io)
{
    struct volume_move *move = io->context;
    if (io->error != 0) {
        end(move, MOVE_FAILED);
        return;
    }
    move->new_file = io->file;
    move->next_chunk = 0;
    read_back_chunk(move);
}

static void open_new_log(struct volume_move *move)
{
    log_name(move->wish.log->number, move->name);
    move->io = (struct disk_io){.request = DISK_OPEN,
        .name = move->name,
        .direct = true,
        .done = new_log_opened,
        .context = move};
    disk_submit(move->volume->disk, &move->io);
}

/* The footer, or the tombstone that bars; and the last chunk before it. */
static void last_done(struct log_record *record)
{
    struct volume_move *move = record->context;
    move->record_error = record->error != 0 ? record->error : move->record_error;
    if (--move->records_busy > 0) {
        return;
    }
    if (move->record_error != 0) {
        end(move, MOVE_FAILED);
    } else {
        open_new_log(move);
    }
}

/* ---- the new place ---- */

static void append(struct volume_move *move, struct log_record *record)
{
    move->room_left -= log_record_room(record->body_size);
    move->records_busy++;
    record->context = move;
    log_writer_append(move->wish.log->writer, record);
}

/* The new log may have failed meanwhile. */
static bool can_append(const struct volume_move *move)
{
    return move->has_room && volume_log_is_open(move->wish.log);
}

/* What the shard is good for without a new place. */
static void end_verified(struct volume_move *move)
{
    end(move, move->only_verify ? MOVE_DONE : move->has_room ? MOVE_FAILED : MOVE_NO_ROOM);
}

/* In the log it is written to: for as long as the shard is there, and no longer. */
static void append_tombstone(struct volume_move *move, struct log_record *record, uint8_t *bytes,
    uint32_t footer_log, void (*done)(struct log_record *record))
{
    struct tombstone tombstone = {
        .deleted_unix_ms = trash_day_time(move->from.day, volume_now_unix_ms(move->volume)),
        .footer_log = footer_log,
    };
    tombstone_encode(&tombstone, bytes + RECORD_HEADER_SIZE);
    *record = (struct log_record){.type = RECORD_TOMBSTONE,
        .id = move->id,
        .needs_sync = true,
        .head = bytes,
        .body_size = TOMBSTONE_BODY_SIZE,
        .done = done};
    append(move, record);
}

static void footer_placed(struct log_record *record)
{
    struct volume_move *move = record->context;
    footer_encode(&move->footer, move->chunk_offsets, move->cell_sums,
        move->last_bytes + RECORD_HEADER_SIZE, record->body_size);
}

static void append_footer(struct volume_move *move)
{
    for (uint32_t cell = 0; cell < move->footer.cell_count; cell++) {
        move->cell_sums[cell] = footer_cell_sum(&move->footer, cell);
    }
    move->has_copy = true;
    move->wish.log->copies++;
    move->last = (struct log_record){.type = RECORD_SHARD,
        .id = move->id,
        .needs_sync = true,
        .head = move->last_bytes,
        .body_size = footer_body_size(move->footer.cell_count, move->footer.note.size),
        .placed = footer_placed,
        .done = last_done};
    append(move, &move->last);
}

/* ---- chunks ---- */

static void chunk_placed(struct log_record *record)
{
    struct volume_move *move = record->context;
    move->chunk_offsets[record->part] = record->offset;
}

static void chunk_done(struct log_record *record)
{
    struct volume_move *move = record->context;
    if (record->part + 1 == move->footer.chunk_count) {
        last_done(record);
        return;
    }
    move->records_busy--;
    if (record->error != 0) {
        end(move, MOVE_FAILED);
    } else {
        next_chunk(move);
    }
}

static void append_chunk(struct volume_move *move, struct view cells)
{
    bool is_last = move->next_chunk + 1 == move->footer.chunk_count;
    move->chunk = (struct log_record){.type = RECORD_CHUNK,
        .id = move->id,
        .part = move->next_chunk++,
        .head = move->chunk_head,
        .body_size = (uint32_t)cells.size,
        .pieces = {{NULL, cells}},
        .piece_count = 1,
        .placed = chunk_placed,
        .done = chunk_done};
    append(move, &move->chunk);
    if (is_last) {
        append_footer(move);
    }
}

static void chunk_read(struct disk_io *io)
{
    struct volume_move *move = io->context;
    struct view cells = what_was_read(move);
    if (!footer_chunk_verify(&move->footer, move->next_chunk, cells)) {
        end_damaged(move, "cells of a shard are not what was stored");
    } else if (can_append(move)) {
        append_chunk(move, cells);
    } else if (++move->next_chunk == move->footer.chunk_count) {
        end_verified(move);
    } else {
        next_chunk(move);
    }
}

static void read_chunk(struct volume_move *move)
{
    read_direct(move, move->file,
        footer_chunk_offset(&move->footer, move->next_chunk) + RECORD_HEADER_SIZE,
        footer_chunk_size(&move->footer, move->next_chunk), chunk_read);
}

static void next_chunk(struct volume_move *move)
{
    struct volume *volume = move->volume;
    struct volume_pace *pace = is_scrub(move) ? &volume->scrub_pace : &volume->pace;
    uint64_t size = footer_chunk_size(&move->footer, move->next_chunk);
    pause_ns(move, volume_pace_ns(volume, pace, size), read_chunk);
}

/* ---- room ---- */

static void tombstone_done(struct log_record *record)
{
    struct volume_move *move = record->context;
    move->records_busy--;
    if (record->error != 0) {
        end(move, MOVE_FAILED);
    } else {
        next_chunk(move);
    }
}

static void room_granted(struct room_wish *wish)
{
    struct volume_move *move =
        (struct volume_move *)((char *)wish - offsetof(struct volume_move, wish));
    move->has_room = wish->err.code == HEARTH_OK;
    move->room_left = move->has_room ? wish->bytes : 0;
    if (!move->has_room && !move->verify_without_room) {
        end(move, MOVE_NO_ROOM);
    } else if (move->from.state == SHARD_BARRED && !can_append(move)) {
        end_verified(move);
    } else if (move->from.state == SHARD_BARRED) {
        append_tombstone(move, &move->last, move->last_bytes, 0, last_done);
    } else if (move->from.state == SHARD_TRASHED && can_append(move)) {
        append_tombstone(
            move, &move->tombstone, move->tombstone_bytes, wish->log->number, tombstone_done);
    } else {
        next_chunk(move);
    }
}

static uint64_t room_of_shard(const struct volume_move *move)
{
    uint64_t room = log_record_room(TOMBSTONE_BODY_SIZE);
    if (move->from.state == SHARD_BARRED) {
        return room;
    }
    for (uint32_t chunk = 0; chunk < move->footer.chunk_count; chunk++) {
        room += log_record_room(footer_chunk_size(&move->footer, chunk));
    }
    return room +
        log_record_room(footer_body_size(move->footer.cell_count, move->footer.note.size));
}

static void take_room(struct volume_move *move)
{
    move->next_chunk = 0;
    if (move->only_verify) {
        move->from.state == SHARD_BARRED ? end_verified(move) : next_chunk(move);
        return;
    }
    move->wish = (struct room_wish){.bytes = room_of_shard(move),
        .kind = move->from.state == SHARD_BARRED ? ROOM_SMALL : ROOM_MOVE,
        .done = room_granted};
    volume_room_take(move->volume, &move->wish);
}

/* ---- the record ---- */

/* Whether the record in `there` is what the index points to. */
static bool record_fits(struct volume_move *move, struct view there)
{
    struct record_header header;
    if (!record_header_decode(there, move->log->seed, move->from.offset, &header) ||
        RECORD_HEADER_SIZE + (size_t)header.body_size > there.size ||
        !record_verify(
            view_of(there.bytes, RECORD_HEADER_SIZE + header.body_size), move->log->seed)) {
        return false;
    }
    move->id = header.id;
    move->has_header = true;
    if (move->from.state == SHARD_BARRED) {
        return header.type == RECORD_TOMBSTONE;
    }
    memcpy(move->record, there.bytes, RECORD_HEADER_SIZE + header.body_size);
    move->has_record = header.type == RECORD_SHARD &&
        footer_decode(view_of(move->record + RECORD_HEADER_SIZE, header.body_size), &move->footer);
    return move->has_record;
}

/* Nobody else changes the entry from here on, since we have its id. */
static void take_id(struct volume_move *move)
{
    struct volume *volume = move->volume;
    if (!move->only_verify && volume_id_is_busy(volume, &move->id)) {
        pause_ns(move, RETRY_MS * UINT64_C(1000000), take_id);
    } else if (move->is_stray) {
        take_room(move);
    } else if (!shard_index_find_at(
                   volume->index, &move->id, move->log->number, move->from.offset, &move->from)) {
        end(move, MOVE_GONE);
    } else {
        move->has_id = !move->only_verify;
        take_room(move);
    }
}

static void record_read(struct disk_io *io)
{
    struct volume_move *move = io->context;
    if (must_stop(move)) {
        end(move, MOVE_STOPPED);
    } else if (!record_fits(move, what_was_read(move))) {
        end_damaged(move, "the record of a shard does not verify");
    } else {
        take_id(move);
    }
}

void volume_move_start(struct volume_move *move)
{
    move->next = move->volume->moves;
    move->volume->moves = move;
    if (!move->only_verify && move->from.state != SHARD_BARRED) {
        move->log->has_ghosts = true; /* so that every checkpoint from now on says so */
    }
    read_direct(
        move, move->file, move->from.offset, RECORD_HEADER_SIZE + FOOTER_BODY_MAX, record_read);
}
