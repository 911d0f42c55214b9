#include "storaged/volume_state.h"

#include "common/failpoint.h"

#include <errno.h>
#include <stdlib.h>

/*
 * The index, written while it is used.
 *
 *   create index.tmp -> header and logs -> partitions, some at a time -> sync -> rename -> sync
 * names
 *
 * Where each log is to be scanned from is taken first.  What changes afterwards may or may not be
 * in the entries, and recovery finds all of it in the logs again.  Two checkpoints are kept, each
 * in its turn replacing the older: losing one costs a longer scan, losing both a full one.
 *
 * A failure here is not a failure of the volume: the old checkpoints are still good.
 */

enum { WRITE_SIZE = 64 * 1024 };

static const char temporary_name[] = "index.tmp";

struct volume_checkpoint {
    struct volume *volume;
    uint64_t generation;
    struct disk_file *file;
    uint64_t offset;
    unsigned next_partition;
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    struct disk_io io;
    struct iovec part;
    char final_name[DISK_NAME_SIZE];
};

/* ---- its end ---- */

static void end(struct volume_checkpoint *checkpoint)
{
    struct volume *volume = checkpoint->volume;
    disk_close(volume->disk, checkpoint->file);
    free(checkpoint->bytes);
    free(checkpoint);
    volume->usage.temporary = 0;
    volume->checkpoint = NULL;
    volume_compact_wake(volume);
    volume_close_if_idle(volume);
}

static void step(struct volume_checkpoint *checkpoint, enum disk_request request,
    void (*done)(struct disk_io *io))
{
    checkpoint->io = (struct disk_io){.request = request,
        .name = temporary_name,
        .new_name = checkpoint->final_name,
        .file = checkpoint->file,
        .done = done,
        .context = checkpoint};
    if (request == DISK_WRITE) {
        checkpoint->io.offset = checkpoint->offset;
        checkpoint->part = (struct iovec){checkpoint->bytes, checkpoint->size};
        checkpoint->io.iov = &checkpoint->part;
        checkpoint->io.iov_count = 1;
    }
    disk_submit(checkpoint->volume->disk, &checkpoint->io);
}

static void removed(struct disk_io *io)
{
    end(io->context);
}

static void give_up(struct volume_checkpoint *checkpoint)
{
    step(checkpoint, DISK_UNLINK, removed);
}

/* ---- its bytes ---- */

/* Room for `size` more bytes. NULL: out of memory. */
static uint8_t *extend(struct volume_checkpoint *checkpoint, size_t size)
{
    if (size > checkpoint->capacity - checkpoint->size) {
        size_t capacity = checkpoint->size + size + WRITE_SIZE;
        uint8_t *bytes = realloc(checkpoint->bytes, capacity);
        if (bytes == NULL) {
            return NULL;
        }
        checkpoint->bytes = bytes;
        checkpoint->capacity = capacity;
    }
    uint8_t *at = checkpoint->bytes + checkpoint->size;
    checkpoint->size += size;
    memset(at, 0, size);
    return at;
}

static struct checkpoint_log describe_log(const struct volume_log *log)
{
    struct checkpoint_log described = {.number = log->number,
        .flags = (log->is_retired ? CHECKPOINT_LOG_RETIRED : 0) |
            (log->is_damaged ? CHECKPOINT_LOG_DAMAGED : 0) |
            (log->has_ghosts || log->copies > 0 ? CHECKPOINT_LOG_GHOSTS : 0) |
            (log->is_dropped ? CHECKPOINT_LOG_DROPPED : 0),
        .scan_from = log->end,
        .durable = log->durable,
        .good_until = log->good_until,
        .checked_unix_ms = log->checked_unix_ms};
    if (log->writer == NULL) {
        described.flags |= CHECKPOINT_LOG_CLOSED;
    } else {
        struct log_position at = log_writer_position(log->writer);
        described.scan_from = at.durable_end;
        described.durable = at.durable;
    }
    return described;
}

static struct checkpoint_log describe_gone(const struct gone_range *range)
{
    return (struct checkpoint_log){
        .number = range->first, .flags = CHECKPOINT_LOG_GONE, .scan_from = range->end};
}

static bool add_head(struct volume_checkpoint *checkpoint)
{
    const struct volume *volume = checkpoint->volume;
    uint32_t log_count = volume->log_count + volume->gone.count;
    size_t logs_size = (size_t)log_count * CHECKPOINT_LOG_SIZE + FORMAT_SUM_SIZE;
    uint8_t *at = extend(checkpoint, CHECKPOINT_HEADER_SIZE + logs_size);
    if (at == NULL) {
        return false;
    }
    struct checkpoint_header header = {.generation = checkpoint->generation,
        .start_counter = volume->superblock.start_counter,
        .log_count = log_count,
        .next_log = volume_room_next_log(volume),
        .newest_unix_ms = volume->clock.newest_unix_ms};
    memcpy(header.uuid, volume->superblock.uuid, VOLUME_UUID_SIZE);
    checkpoint_header_encode(&header, volume->superblock.salt, at);
    at += CHECKPOINT_HEADER_SIZE;
    for (uint32_t i = 0; i < log_count; i++) {
        struct checkpoint_log log = i < volume->log_count
            ? describe_log(volume->logs[i])
            : describe_gone(&volume->gone.ranges[i - volume->log_count]);
        checkpoint_log_encode(&log, at + (size_t)i * CHECKPOINT_LOG_SIZE);
    }
    record_seal(at, logs_size, volume->superblock.salt);
    return true;
}

/* A partition at once: its entries move when it grows. */
static bool add_partition(struct volume_checkpoint *checkpoint, unsigned partition)
{
    const struct shard_index *index = checkpoint->volume->index;
    uint32_t count = shard_index_partition_count(index, partition);
    size_t size =
        CHECKPOINT_PARTITION_HEADER_SIZE + (size_t)count * CHECKPOINT_ENTRY_SIZE + FORMAT_SUM_SIZE;
    uint8_t *at = extend(checkpoint, size);
    if (at == NULL) {
        return false;
    }
    checkpoint_partition_header_encode(partition, count, at);
    shard_index_partition_encode(index, partition, at + CHECKPOINT_PARTITION_HEADER_SIZE);
    record_seal(at, size, checkpoint->volume->superblock.salt);
    return true;
}

/* ---- its steps ---- */

static void write_more(struct volume_checkpoint *checkpoint);

static void names_synced(struct disk_io *io)
{
    struct volume_checkpoint *checkpoint = io->context;
    if (io->error == 0) {
        checkpoint->volume->checkpoint_generation = checkpoint->generation;
        checkpoint->volume->checkpoints[checkpoint->generation % 2] = checkpoint->generation;
    }
    end(checkpoint);
}

static void renamed(struct disk_io *io)
{
    struct volume_checkpoint *checkpoint = io->context;
    (void)FAILPOINT(STORAGED_INDEX_RENAMED);
    if (io->error != 0) {
        give_up(checkpoint);
        return;
    }
    checkpoint->volume->usage.index[checkpoint->generation % 2] = checkpoint->offset;
    checkpoint->volume->checkpoints[checkpoint->generation % 2] = 0; /* until its name is durable */
    checkpoint->volume->usage.temporary = 0;
    step(checkpoint, DISK_SYNC_DIR, names_synced);
}

static void synced(struct disk_io *io)
{
    if (io->error != 0 || FAILPOINT(STORAGED_INDEX_SYNCED)) {
        give_up(io->context);
    } else {
        step(io->context, DISK_RENAME, renamed);
    }
}

static void written(struct disk_io *io)
{
    struct volume_checkpoint *checkpoint = io->context;
    if (io->error != 0 || io->size != checkpoint->size) {
        give_up(checkpoint);
        return;
    }
    checkpoint->offset += checkpoint->size;
    checkpoint->volume->usage.temporary = checkpoint->offset;
    checkpoint->size = 0;
    write_more(checkpoint);
}

static void write_more(struct volume_checkpoint *checkpoint)
{
    while (checkpoint->next_partition < SHARD_INDEX_PARTITIONS && checkpoint->size < WRITE_SIZE) {
        if (!add_partition(checkpoint, checkpoint->next_partition++)) {
            give_up(checkpoint);
            return;
        }
    }
    if (checkpoint->size > 0) {
        step(checkpoint, DISK_WRITE, written);
    } else {
        step(checkpoint, DISK_SYNC, synced);
    }
}

static void created(struct disk_io *io)
{
    struct volume_checkpoint *checkpoint = io->context;
    if (io->error != 0) {
        end(checkpoint);
        return;
    }
    checkpoint->file = io->file;
    if (FAILPOINT(STORAGED_INDEX_BEGUN)) {
        give_up(checkpoint);
    } else {
        write_more(checkpoint);
    }
}

void volume_checkpoint_start(struct volume *volume)
{
    if (volume->checkpoint != NULL || volume->checkpoints_are_removed) {
        return;
    }
    struct volume_checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
    if (checkpoint == NULL) {
        return;
    }
    checkpoint->volume = volume;
    checkpoint->generation = volume->checkpoint_generation + 1;
    volume->checkpoint = checkpoint;
    volume->bytes_since_checkpoint = 0;
    volume->records_since_checkpoint = 0;
    volume->has_news = false;
    index_name(checkpoint->generation, checkpoint->final_name);
    if (!add_head(checkpoint)) {
        end(checkpoint);
        return;
    }
    step(checkpoint, DISK_CREATE, created);
}

void volume_checkpoint_when_due(struct volume *volume)
{
    bool due = volume->bytes_since_checkpoint >= volume->options.checkpoint_bytes ||
        volume->records_since_checkpoint >= volume->options.checkpoint_records;
    if (due && !volume->is_read_only && !volume->is_closing) {
        volume_checkpoint_start(volume);
    }
}

void volume_checkpoint_when_new(struct volume *volume)
{
    bool is_new = volume->records_since_checkpoint > 0 || volume->has_news;
    if (is_new && !volume->is_read_only && !volume->is_closing) {
        volume_checkpoint_start(volume);
    }
}
