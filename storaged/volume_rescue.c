#include "storaged/volume_state.h"

#include <stdlib.h>

/*
 * What was acknowledged from a log that failed later: is it really there?
 *
 *   each entry of the log --> read its footer from the device --> take room
 *      --> each chunk: read from the device, verify, append to the new log
 *      --> footer (and tombstone) durable there --> the index points to the new place (D8)
 *
 * What does not verify is reported, and stays where it is.  Without room the shards are only
 * verified.  One chunk at a time: clients come first.
 */

enum {
    BUFFER_SIZE = (RECORD_HEADER_SIZE + CHUNK_BODY_MAX + 2 * FORMAT_PAGE_SIZE) / FORMAT_PAGE_SIZE *
        FORMAT_PAGE_SIZE,
    PAGE_ENTRIES = 16,
    RETRY_MS = 20,
};

struct volume_rescue {
    struct volume *volume;
    struct volume_log *log; /* the failed one */
    struct disk_file *file; /* of it, direct */
    char name[DISK_NAME_SIZE];
    uint64_t cursor;
    struct shard_index_item items[PAGE_ENTRIES];
    unsigned item_count;
    unsigned next_item;

    /* The shard in turn. */
    bool has_id;
    struct shard_id id;
    struct shard_location from;
    struct shard_footer footer; /* borrows from `record` */
    uint8_t record[RECORD_HEADER_SIZE + FOOTER_BODY_MAX];
    uint32_t next_chunk;
    struct room_wish wish;
    bool has_room; /* otherwise it is only verified */
    uint64_t room_left;
    unsigned records_busy;
    int error; /* of a record */

    struct log_record chunk;
    uint8_t chunk_head[RECORD_HEADER_SIZE];
    uint64_t chunk_offsets[CHUNKS_MAX];
    uint64_t cell_sums[VOLUME_CELLS_MAX];
    struct log_record last; /* the footer, or a tombstone that bars */
    uint8_t last_bytes[RECORD_HEADER_SIZE + FOOTER_BODY_MAX];
    struct log_record tombstone; /* of a shard in the trash */
    uint8_t tombstone_bytes[RECORD_HEADER_SIZE + TOMBSTONE_BODY_SIZE];

    struct timer retry; /* while somebody else has the shard */
    bool is_waiting;
    struct disk_io io;
    struct iovec part;
    uint64_t wanted_offset;
    size_t wanted_size;
    uint8_t *buffer; /* aligned for direct reads */
};

static void next_shard(struct volume_rescue *rescue);

bool volume_rescue_has_id(const struct volume *volume, const struct shard_id *id)
{
    return volume->rescue != NULL && volume->rescue->has_id &&
        shard_id_equal(&volume->rescue->id, id);
}

/* ---- its end ---- */

static void end(struct volume_rescue *rescue)
{
    struct volume *volume = rescue->volume;
    disk_close(volume->disk, rescue->file);
    free(rescue->buffer);
    free(rescue);
    volume->rescue = NULL;
    volume_close_if_idle(volume);
}

static void end_shard(struct volume_rescue *rescue)
{
    if (rescue->has_room) {
        volume_room_give_back(rescue->wish.log, rescue->room_left);
        rescue->has_room = false;
    }
    rescue->has_id = false;
    rescue->next_item++;
    next_shard(rescue);
}

static void shard_damaged(struct volume_rescue *rescue, const char *reason)
{
    volume_report(rescue->volume,
        &(struct volume_event){.kind = VOLUME_SHARD_DAMAGED,
            .shard = rescue->has_id ? &rescue->id : NULL,
            .log = rescue->log->number,
            .offset = rescue->from.offset,
            .reason = reason});
    end_shard(rescue);
}

/* ---- reading from the device ---- */

static void read_direct(
    struct volume_rescue *rescue, uint64_t offset, size_t size, void (*done)(struct disk_io *io))
{
    uint64_t start = offset & ~(uint64_t)(FORMAT_PAGE_SIZE - 1);
    size_t length = (size_t)format_round_up(offset + size - start, FORMAT_PAGE_SIZE);
    assert(length <= BUFFER_SIZE);
    rescue->wanted_offset = offset;
    rescue->wanted_size = size;
    rescue->part = (struct iovec){rescue->buffer, length};
    rescue->io = (struct disk_io){.request = DISK_READ,
        .file = rescue->file,
        .offset = start,
        .iov = &rescue->part,
        .iov_count = 1,
        .done = done,
        .context = rescue};
    disk_submit(rescue->volume->disk, &rescue->io);
}

/* What was asked for, as far as it is there. */
static struct view what_was_read(const struct volume_rescue *rescue)
{
    size_t before = (size_t)(rescue->wanted_offset - rescue->io.offset);
    size_t there = rescue->io.error == 0 ? (size_t)rescue->io.size : 0;
    size_t size = there > before ? there - before : 0;
    return view_of(
        rescue->buffer + before, size < rescue->wanted_size ? size : rescue->wanted_size);
}

/* ---- the new place ---- */

/* All records of the shard are durable: the index turns to them. */
static void switch_entry(struct volume_rescue *rescue)
{
    struct shard_location to = rescue->from;
    to.log = rescue->wish.log->number;
    to.offset = rescue->last.offset;
    shard_index_update(rescue->volume->index, &rescue->id, &rescue->from, &to);
}

static void last_done(struct log_record *record)
{
    struct volume_rescue *rescue = record->context;
    rescue->error = record->error != 0 ? record->error : rescue->error;
    if (--rescue->records_busy > 0) {
        return;
    }
    if (rescue->error == 0) {
        switch_entry(rescue);
    }
    end_shard(rescue);
}

static void append(struct volume_rescue *rescue, struct log_record *record)
{
    rescue->room_left -= log_record_room(record->body_size);
    rescue->records_busy++;
    record->context = rescue;
    log_writer_append(rescue->wish.log->writer, record);
}

static bool can_append(const struct volume_rescue *rescue)
{
    return rescue->has_room && volume_log_is_open(rescue->wish.log);
}

static void append_tombstone(
    struct volume_rescue *rescue, struct log_record *record, uint8_t *bytes, uint64_t footer_offset)
{
    struct tombstone tombstone = {
        .deleted_unix_ms = env_unix_ms(loop_env(rescue->volume->loop)),
        .footer_log = footer_offset != 0 ? rescue->log->number : 0,
        .footer_offset = footer_offset,
    };
    tombstone_encode(&tombstone, bytes + RECORD_HEADER_SIZE);
    *record = (struct log_record){.type = RECORD_TOMBSTONE,
        .id = rescue->id,
        .needs_sync = true,
        .head = bytes,
        .body_size = TOMBSTONE_BODY_SIZE,
        .done = last_done};
    append(rescue, record);
}

static void footer_placed(struct log_record *record)
{
    struct volume_rescue *rescue = record->context;
    footer_encode(&rescue->footer, rescue->chunk_offsets, rescue->cell_sums,
        rescue->last_bytes + RECORD_HEADER_SIZE, record->body_size);
}

static void append_footer(struct volume_rescue *rescue)
{
    if (!can_append(rescue)) {
        end_shard(rescue);
        return;
    }
    for (uint32_t cell = 0; cell < rescue->footer.cell_count; cell++) {
        rescue->cell_sums[cell] = footer_cell_sum(&rescue->footer, cell);
    }
    rescue->last = (struct log_record){.type = RECORD_SHARD,
        .id = rescue->id,
        .needs_sync = true,
        .head = rescue->last_bytes,
        .body_size = footer_body_size(rescue->footer.cell_count, rescue->footer.note.size),
        .placed = footer_placed,
        .done = last_done};
    append(rescue, &rescue->last);
    if (rescue->from.state == SHARD_TRASHED) {
        append_tombstone(rescue, &rescue->tombstone, rescue->tombstone_bytes, rescue->from.offset);
    }
}

/* ---- chunks ---- */

static void next_chunk(struct volume_rescue *rescue);

static void chunk_done(struct log_record *record)
{
    struct volume_rescue *rescue = record->context;
    rescue->records_busy--;
    if (record->error != 0) {
        end_shard(rescue);
        return;
    }
    rescue->chunk_offsets[record->part] = record->offset;
    next_chunk(rescue);
}

static void chunk_read(struct disk_io *io)
{
    struct volume_rescue *rescue = io->context;
    struct view cells = what_was_read(rescue);
    if (!footer_chunk_verify(&rescue->footer, rescue->next_chunk, cells)) {
        shard_damaged(rescue, "cells in a failed log do not verify");
        return;
    }
    uint32_t part = rescue->next_chunk++;
    if (!can_append(rescue)) {
        next_chunk(rescue);
        return;
    }
    rescue->chunk = (struct log_record){.type = RECORD_CHUNK,
        .id = rescue->id,
        .part = part,
        .head = rescue->chunk_head,
        .body_size = (uint32_t)cells.size,
        .pieces = {{NULL, cells}},
        .piece_count = 1,
        .done = chunk_done};
    append(rescue, &rescue->chunk);
}

static void next_chunk(struct volume_rescue *rescue)
{
    if (rescue->next_chunk == rescue->footer.chunk_count) {
        append_footer(rescue);
        return;
    }
    read_direct(rescue,
        footer_chunk_offset(&rescue->footer, rescue->next_chunk) + RECORD_HEADER_SIZE,
        footer_chunk_size(&rescue->footer, rescue->next_chunk), chunk_read);
}

/* ---- one shard ---- */

static void room_granted(struct room_wish *wish)
{
    struct volume_rescue *rescue =
        (struct volume_rescue *)((char *)wish - offsetof(struct volume_rescue, wish));
    rescue->has_room = wish->err.code == HEARTH_OK;
    rescue->room_left = rescue->has_room ? wish->bytes : 0;
    rescue->error = 0;
    if (rescue->from.state != SHARD_BARRED) {
        next_chunk(rescue);
    } else if (can_append(rescue)) {
        append_tombstone(rescue, &rescue->last, rescue->last_bytes, 0);
    } else {
        end_shard(rescue);
    }
}

static uint64_t room_of_shard(const struct volume_rescue *rescue)
{
    uint64_t room = log_record_room(TOMBSTONE_BODY_SIZE);
    if (rescue->from.state == SHARD_BARRED) {
        return room;
    }
    for (uint32_t chunk = 0; chunk < rescue->footer.chunk_count; chunk++) {
        room += log_record_room(footer_chunk_size(&rescue->footer, chunk));
    }
    return room +
        log_record_room(footer_body_size(rescue->footer.cell_count, rescue->footer.note.size));
}

static void move_shard(struct volume_rescue *rescue)
{
    rescue->has_id = true;
    rescue->next_chunk = 0;
    rescue->wish = (struct room_wish){.bytes = room_of_shard(rescue),
        .is_small = rescue->from.state == SHARD_BARRED,
        .done = room_granted};
    volume_room_take(rescue->volume, &rescue->wish);
}

/* Whether the record in `record` is what the index points to. */
static bool record_fits(struct volume_rescue *rescue, struct view there)
{
    struct record_header header;
    if (!record_header_decode(there, rescue->log->seed, rescue->from.offset, &header) ||
        RECORD_HEADER_SIZE + (size_t)header.body_size > there.size ||
        !record_verify(
            view_of(there.bytes, RECORD_HEADER_SIZE + header.body_size), rescue->log->seed)) {
        return false;
    }
    rescue->id = header.id;
    if (rescue->from.state == SHARD_BARRED) {
        return header.type == RECORD_TOMBSTONE;
    }
    memcpy(rescue->record, there.bytes, RECORD_HEADER_SIZE + header.body_size);
    return header.type == RECORD_SHARD &&
        footer_decode(
            view_of(rescue->record + RECORD_HEADER_SIZE, header.body_size), &rescue->footer);
}

static void retry(struct timer *timer)
{
    struct volume_rescue *rescue =
        (struct volume_rescue *)((char *)timer - offsetof(struct volume_rescue, retry));
    rescue->is_waiting = false;
    next_shard(rescue);
}

static void record_read(struct disk_io *io)
{
    struct volume_rescue *rescue = io->context;
    struct volume *volume = rescue->volume;
    if (!record_fits(rescue, what_was_read(rescue))) {
        shard_damaged(rescue, "a record in a failed log does not verify");
        return;
    }
    if (volume_id_is_busy(volume, &rescue->id)) {
        rescue->retry.run = retry;
        rescue->is_waiting = true;
        loop_timer_set(volume->loop, &rescue->retry,
            env_now_ns(loop_env(volume->loop)) + RETRY_MS * UINT64_C(1000000));
        return;
    }
    /* It may have become trash since the walk met it. */
    bool is_there = shard_index_find_at(
        volume->index, &rescue->id, rescue->log->number, rescue->from.offset, &rescue->from);
    assert(is_there);
    move_shard(rescue);
}

static void read_record(struct volume_rescue *rescue)
{
    rescue->from = rescue->items[rescue->next_item].location;
    read_direct(rescue, rescue->from.offset, RECORD_HEADER_SIZE + FOOTER_BODY_MAX, record_read);
}

static void next_shard(struct volume_rescue *rescue)
{
    struct volume *volume = rescue->volume;
    if (volume->is_closing || volume->is_read_only) {
        end(rescue);
        return;
    }
    for (;;) {
        while (rescue->next_item < rescue->item_count &&
            rescue->items[rescue->next_item].location.log != rescue->log->number) {
            rescue->next_item++;
        }
        if (rescue->next_item < rescue->item_count) {
            read_record(rescue);
            return;
        }
        rescue->next_item = 0;
        rescue->item_count =
            shard_index_walk(volume->index, &rescue->cursor, rescue->items, PAGE_ENTRIES);
        if (rescue->item_count == 0) {
            volume_report(volume,
                &(struct volume_event){.kind = VOLUME_LOG_VERIFIED, .log = rescue->log->number});
            end(rescue);
            return;
        }
    }
}

void volume_rescue_stop(struct volume *volume)
{
    struct volume_rescue *rescue = volume->rescue;
    if (rescue != NULL && rescue->is_waiting) {
        loop_timer_cancel(volume->loop, &rescue->retry);
        end(rescue);
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
    rescue->file = io->file;
    next_shard(rescue);
}

void volume_rescue_start(struct volume *volume, struct volume_log *log)
{
    struct volume_rescue *rescue = volume->rescue == NULL ? calloc(1, sizeof(*rescue)) : NULL;
    void *buffer = NULL;
    if (rescue == NULL || posix_memalign(&buffer, FORMAT_PAGE_SIZE, BUFFER_SIZE) != 0) {
        free(rescue);
        return;
    }
    rescue->volume = volume;
    rescue->log = log;
    rescue->buffer = buffer;
    log_name(log->number, rescue->name);
    volume->rescue = rescue;
    rescue->io = (struct disk_io){.request = DISK_OPEN,
        .name = rescue->name,
        .direct = true,
        .done = opened,
        .context = rescue};
    disk_submit(volume->disk, &rescue->io);
}
