#include "storaged/log_writer.h"

#include "common/failpoint.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Parts of one record in a write: its head, the pieces of its body, its padding. */
enum { RECORD_PARTS_MAX = 1 + CHUNK_CELLS_MAX + 1 };

struct record_list {
    struct log_record *oldest;
    struct log_record *newest;
};

struct log_writer {
    /* Set once. */
    struct log_writer_options options;

    /* The loop thread only. */
    struct log_position at;
    int error; /* of the first failure */
    struct record_list pending;
    struct record_list writing;
    struct record_list written; /* those that need a sync */
    struct record_list syncing;

    struct task kick; /* so that all records of one turn of the loop share a batch */
    bool kick_is_posted;

    bool write_is_busy;
    struct disk_io write;
    unsigned part_count;
    struct iovec parts[DISK_IOV_MAX];
    uint64_t batch_size;
    uint64_t written_end;      /* of all batches that were answered */
    uint64_t written_sequence; /* likewise */

    bool sync_is_busy;
    struct disk_io sync;
    uint64_t sync_end; /* what the sync under way covers */
    uint64_t sync_sequence;
};

static const uint8_t zeros[FORMAT_PAGE_SIZE];

/* ---- lists ---- */

static void list_add(struct record_list *list, struct log_record *record)
{
    record->next = NULL;
    if (list->oldest == NULL) {
        list->oldest = record;
    } else {
        list->newest->next = record;
    }
    list->newest = record;
}

static struct log_record *list_take(struct record_list *list)
{
    struct log_record *record = list->oldest;
    if (record != NULL) {
        list->oldest = record->next;
    }
    return record;
}

/* done() may append, so the list is emptied before. */
static void finish_all(struct record_list *list, int error)
{
    struct record_list finished = *list;
    *list = (struct record_list){NULL, NULL};
    struct log_record *record;
    while ((record = list_take(&finished)) != NULL) {
        record->error = error;
        record->done(record);
    }
}

/* ---- failure ---- */

/* Records that a request to the disk still uses wait for its answer. */
static void fail_idle_records(struct log_writer *writer)
{
    if (!writer->sync_is_busy) {
        finish_all(&writer->syncing, writer->error);
    }
    finish_all(&writer->written, writer->error);
    if (!writer->write_is_busy) {
        finish_all(&writer->writing, writer->error);
    }
    finish_all(&writer->pending, writer->error);
}

static void fail(struct log_writer *writer, int error)
{
    if (writer->error == 0) {
        writer->error = error;
        writer->options.on_failure(writer->options.context, error);
    }
    fail_idle_records(writer);
}

/* ---- syncing ---- */

static void start_sync(struct log_writer *writer);

static void synced(struct disk_io *io)
{
    struct log_writer *writer = io->context;
    writer->sync_is_busy = false;
    if (io->error != 0 || writer->error != 0) {
        fail(writer, io->error);
        return;
    }
    if (FAILPOINT(STORAGED_LOG_SYNCED)) {
        fail(writer, EIO);
        return;
    }
    writer->at.durable = writer->sync_sequence;
    writer->at.durable_end = writer->sync_end;
    writer->options.on_sync(writer->options.context);
    finish_all(&writer->syncing, 0);
    start_sync(writer);
}

static void start_sync(struct log_writer *writer)
{
    if (writer->error != 0 || writer->sync_is_busy || writer->written.oldest == NULL) {
        return;
    }
    writer->syncing = writer->written;
    writer->written = (struct record_list){NULL, NULL};
    writer->sync_end = writer->written_end;
    writer->sync_sequence = writer->written_sequence;
    writer->sync_is_busy = true;
    writer->sync = (struct disk_io){
        .request = DISK_SYNC, .file = writer->options.file, .done = synced, .context = writer};
    disk_submit(writer->options.disk, &writer->sync);
}

/* ---- writing ---- */

static void start_write(struct log_writer *writer);

static void batch_written(struct log_writer *writer)
{
    struct record_list finished = {NULL, NULL};
    writer->written_end = writer->write.offset + writer->batch_size;
    struct log_record *record;
    while ((record = list_take(&writer->writing)) != NULL) {
        writer->written_sequence = record->sequence;
        list_add(record->needs_sync ? &writer->written : &finished, record);
    }
    start_sync(writer);
    finish_all(&finished, 0);
    start_write(writer);
}

static void write_answered(struct disk_io *io)
{
    struct log_writer *writer = io->context;
    writer->write_is_busy = false;
    if (io->error != 0 || writer->error != 0) {
        fail(writer, io->error);
    } else if (io->size != writer->batch_size || FAILPOINT(STORAGED_LOG_WRITTEN)) {
        fail(writer, EIO);
    } else {
        batch_written(writer);
    }
}

static void add_part(struct log_writer *writer, const void *bytes, size_t size)
{
    if (size > 0) {
        assert(writer->part_count < DISK_IOV_MAX);
        writer->parts[writer->part_count++] = (struct iovec){(void *)(uintptr_t)bytes, size};
        writer->batch_size += size;
    }
}

static void encode(const struct log_writer *writer, struct log_record *record)
{
    struct record_header header = {.type = record->type,
        .offset = record->offset,
        .sequence = record->sequence,
        .durable = writer->at.durable,
        .id = record->id,
        .body_size = record->body_size,
        .part = record->part};
    record_header_encode(&header, writer->options.seed, record->head);
    if (record->type != RECORD_CHUNK) {
        record_seal(
            record->head, RECORD_HEADER_SIZE + (size_t)record->body_size, writer->options.seed);
    }
}

static void place(struct log_writer *writer, struct log_record *record)
{
    record->offset = writer->at.end + writer->batch_size;
    record->sequence = ++writer->at.sequence;
    if (record->placed != NULL) {
        record->placed(record);
    }
    encode(writer, record);
    size_t before = writer->batch_size;
    bool has_body = record->type != RECORD_CHUNK;
    add_part(writer, record->head, RECORD_HEADER_SIZE + (has_body ? record->body_size : 0));
    for (unsigned i = 0; i < record->piece_count; i++) {
        add_part(writer, record->pieces[i].view.bytes, record->pieces[i].view.size);
    }
    assert(writer->batch_size - before == RECORD_HEADER_SIZE + (size_t)record->body_size);
    add_part(writer, zeros, record_size(record->body_size) - (writer->batch_size - before));
}

/* Returns the room that was promised to the records of the batch. */
static uint64_t build_batch(struct log_writer *writer)
{
    uint64_t promised = 0;
    writer->part_count = 0;
    writer->batch_size = 0;
    while (writer->pending.oldest != NULL && writer->batch_size < LOG_BATCH_BYTES_MAX &&
        writer->part_count + RECORD_PARTS_MAX < DISK_IOV_MAX) {
        struct log_record *record = list_take(&writer->pending);
        place(writer, record);
        promised += log_record_room(record->body_size);
        list_add(&writer->writing, record);
    }
    uint64_t padded = format_round_up(writer->batch_size, FORMAT_PAGE_SIZE);
    add_part(writer, zeros, padded - writer->batch_size);
    return promised;
}

static void start_write(struct log_writer *writer)
{
    if (writer->error != 0 || writer->write_is_busy || writer->pending.oldest == NULL) {
        return;
    }
    uint64_t promised = build_batch(writer);
    assert(writer->batch_size <= promised && promised <= writer->at.reserved);
    writer->write = (struct disk_io){.request = DISK_WRITE,
        .file = writer->options.file,
        .offset = writer->at.end,
        .iov = writer->parts,
        .iov_count = writer->part_count,
        .done = write_answered,
        .context = writer};
    writer->at.end += writer->batch_size;
    writer->at.reserved -= promised;
    assert(writer->at.end + writer->at.reserved <= writer->at.allocated);
    writer->write_is_busy = true;
    disk_submit(writer->options.disk, &writer->write);
}

static void run_kick(struct task *task)
{
    struct log_writer *writer =
        (struct log_writer *)((char *)task - offsetof(struct log_writer, kick));
    writer->kick_is_posted = false;
    start_write(writer);
}

void log_writer_append(struct log_writer *writer, struct log_record *record)
{
    assert(writer->error == 0);
    list_add(&writer->pending, record);
    if (!writer->kick_is_posted) {
        writer->kick_is_posted = true;
        writer->kick.run = run_kick;
        loop_post(writer->options.loop, &writer->kick);
    }
}

/* ---- room ---- */

uint64_t log_writer_room(const struct log_writer *writer)
{
    return writer->at.allocated - writer->at.end - writer->at.reserved;
}

void log_writer_reserve(struct log_writer *writer, uint64_t bytes)
{
    assert(bytes <= log_writer_room(writer));
    writer->at.reserved += bytes;
}

void log_writer_release(struct log_writer *writer, uint64_t bytes)
{
    assert(bytes <= writer->at.reserved);
    writer->at.reserved -= bytes;
}

void log_writer_grew(struct log_writer *writer, uint64_t allocated)
{
    assert(allocated >= writer->at.allocated);
    writer->at.allocated = allocated;
}

/* ---- a life ---- */

struct log_writer *log_writer_create(const struct log_writer_options *options)
{
    struct log_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        return NULL;
    }
    assert(options->allocated >= LOG_FIRST_RECORD);
    uint64_t none = sequence_of(options->number, 0);
    writer->options = *options;
    writer->at = (struct log_position){.end = LOG_FIRST_RECORD,
        .allocated = options->allocated,
        .sequence = none,
        .durable = none,
        .durable_end = LOG_FIRST_RECORD};
    writer->written_end = LOG_FIRST_RECORD;
    writer->written_sequence = none;
    return writer;
}

void log_writer_destroy(struct log_writer *writer)
{
    if (writer != NULL) {
        assert(!log_writer_is_busy(writer));
        free(writer);
    }
}

struct log_position log_writer_position(const struct log_writer *writer)
{
    return writer->at;
}

bool log_writer_is_busy(const struct log_writer *writer)
{
    return writer->write_is_busy || writer->sync_is_busy || writer->kick_is_posted ||
        writer->pending.oldest != NULL || writer->written.oldest != NULL;
}

bool log_writer_has_failed(const struct log_writer *writer)
{
    return writer->error != 0;
}
