#include "storaged/volume_load.h"

#include <stdlib.h>

/* ---- the directory ---- */

static void note_file(void *context, const char *name)
{
    struct volume_files *files = context;
    uint32_t number;
    if (strcmp(name, "index.tmp") == 0) {
        files->has_temporary = true;
    }
    if (!log_name_parse(name, &number) || number == 0 || number > SHARD_INDEX_LOG_MAX) {
        return;
    }
    if (files->log_count == files->log_capacity) {
        uint32_t capacity = files->log_capacity * 2 + 16;
        uint32_t *logs = realloc(files->logs, capacity * sizeof(*logs));
        if (logs == NULL) {
            files->has_no_memory = true;
            return;
        }
        files->logs = logs;
        files->log_capacity = capacity;
    }
    files->logs[files->log_count++] = number;
}

enum hearth_code volume_files_list(
    struct disk *disk, struct volume_files *out, struct hearth_err *err)
{
    *out = (struct volume_files){0};
    int error = disk_list_blocking(disk, note_file, out);
    if (error != 0) {
        return hearth_fail_sys(err, HEARTH_IO, error, "list the files of a volume");
    }
    if (out->has_no_memory) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list the files of a volume");
    }
    return HEARTH_OK;
}

/* ---- one checkpoint, read from its beginning to its end ---- */

enum { READ_SIZE = 64 * 1024 };

struct reading {
    struct volume *volume;
    const struct volume_files *files;
    unsigned which;
    struct disk_file *file;
    uint64_t offset; /* of the next part */
    uint64_t size;
    uint8_t *bytes; /* of the file, from `start` on */
    uint64_t start;
    size_t bytes_size;
    struct checkpoint_header header;
};

/* Brings [offset, offset + size) of the file to `bytes`. */
static bool fill(struct reading *reading, size_t size)
{
    size_t wanted = size > READ_SIZE ? size : READ_SIZE;
    free(reading->bytes);
    reading->bytes_size = 0;
    reading->bytes = malloc(wanted);
    if (reading->bytes == NULL) {
        return false;
    }
    struct iovec part = {reading->bytes, wanted};
    struct disk_io io = {.request = DISK_READ,
        .file = reading->file,
        .offset = reading->offset,
        .iov = &part,
        .iov_count = 1};
    disk_run_blocking(reading->volume->disk, &io);
    if (io.error != 0 || io.size < size) {
        return false;
    }
    reading->start = reading->offset;
    reading->bytes_size = (size_t)io.size;
    return true;
}

/* The next `size` bytes, without going on. Empty: they are not there. */
static struct view peek(struct reading *reading, uint64_t size)
{
    bool is_there = reading->offset >= reading->start &&
        reading->offset + size <= reading->start + reading->bytes_size;
    if (size > reading->size - reading->offset || (!is_there && !fill(reading, (size_t)size))) {
        return view_of(NULL, 0);
    }
    return view_of(reading->bytes + (reading->offset - reading->start), (size_t)size);
}

/* The next `size` bytes, the last of which are their sum. Empty: they are not there, or wrong. */
static struct view read_sealed(struct reading *reading, uint64_t size)
{
    struct view view = peek(reading, size);
    if (view.size == 0 || !record_verify(view, reading->volume->superblock.salt)) {
        return view_of(NULL, 0);
    }
    reading->offset += size;
    return view;
}

static bool read_header(struct reading *reading)
{
    const struct superblock *superblock = &reading->volume->superblock;
    struct view view = peek(reading, CHECKPOINT_HEADER_SIZE);
    reading->offset = CHECKPOINT_HEADER_SIZE;
    return checkpoint_header_decode(view, superblock->salt, &reading->header) &&
        memcmp(reading->header.uuid, superblock->uuid, VOLUME_UUID_SIZE) == 0 &&
        reading->header.generation % VOLUME_CHECKPOINTS == reading->which;
}

static bool is_there(const struct volume_files *files, uint32_t number)
{
    uint32_t i = 0;
    while (i < files->log_count && files->logs[i] != number) {
        i++;
    }
    return i < files->log_count;
}

/* A checkpoint outlives no log that it names: one that does is of another time, or the log is lost.
 */
static bool names_only_what_is_there(
    const struct reading *reading, const struct volume_loaded *loaded)
{
    for (uint32_t i = 0; i < loaded->log_count; i++) {
        bool may_be_gone =
            (loaded->logs[i].flags & (CHECKPOINT_LOG_DROPPED | CHECKPOINT_LOG_GONE)) != 0;
        if (!may_be_gone && !is_there(reading->files, loaded->logs[i].number)) {
            volume_report(reading->volume,
                &(struct volume_event){.kind = VOLUME_RECORDS_ROTTED,
                    .log = loaded->logs[i].number,
                    .size = loaded->logs[i].scan_from,
                    .reason = "a log that a checkpoint names is not there"});
            return false;
        }
    }
    return true;
}

static bool read_logs(struct reading *reading, struct volume_loaded *out)
{
    uint32_t count = reading->header.log_count;
    struct view view =
        read_sealed(reading, (uint64_t)count * CHECKPOINT_LOG_SIZE + FORMAT_SUM_SIZE);
    if (view.size == 0) {
        return false;
    }
    out->logs = calloc(count + 1u, sizeof(*out->logs));
    if (out->logs == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        out->logs[i] = checkpoint_log_decode(view.bytes + (size_t)i * CHECKPOINT_LOG_SIZE);
    }
    out->log_count = count;
    return true;
}

/* The count is needed to know where the sum is, and is checked by it. */
static bool read_partition(struct reading *reading, uint32_t partition)
{
    struct view head = peek(reading, CHECKPOINT_PARTITION_HEADER_SIZE);
    if (head.size == 0) {
        return false;
    }
    uint32_t number;
    uint32_t count;
    struct hearth_err err;
    checkpoint_partition_header_decode(head.bytes, &number, &count);
    struct view view = read_sealed(reading,
        CHECKPOINT_PARTITION_HEADER_SIZE + (uint64_t)count * CHECKPOINT_ENTRY_SIZE +
            FORMAT_SUM_SIZE);
    if (view.size == 0 || number != partition) {
        return false;
    }
    struct view entries = view_of(
        view.bytes + CHECKPOINT_PARTITION_HEADER_SIZE, (size_t)count * CHECKPOINT_ENTRY_SIZE);
    return shard_index_partition_decode(reading->volume->index, partition, entries, &err) ==
        HEARTH_OK;
}

static bool read_all(struct reading *reading, struct volume_loaded *out)
{
    if (!read_logs(reading, out) || !names_only_what_is_there(reading, out)) {
        return false;
    }
    uint32_t partition = 0;
    while (partition < SHARD_INDEX_PARTITIONS && read_partition(reading, partition)) {
        partition++;
    }
    return partition == SHARD_INDEX_PARTITIONS;
}

/* ---- the two of them, the newer first ---- */

static bool open_checkpoint(
    struct volume *volume, const struct volume_files *files, unsigned which, struct reading *out)
{
    char name[DISK_NAME_SIZE];
    index_name(which, name);
    struct disk_io open = {.request = DISK_OPEN, .name = name};
    disk_run_blocking(volume->disk, &open);
    if (open.error != 0) {
        return false;
    }
    volume->usage.index[which] = open.size;
    *out = (struct reading){
        .volume = volume, .files = files, .which = which, .file = open.file, .size = open.size};
    return read_header(out);
}

static void close_checkpoint(struct reading *reading)
{
    if (reading->volume != NULL) {
        disk_close(reading->volume->disk, reading->file);
        free(reading->bytes);
    }
}

static enum hearth_code try_checkpoint(
    struct reading *reading, struct volume_loaded *out, struct hearth_err *err)
{
    struct volume *volume = reading->volume;
    if (read_all(reading, out)) {
        out->is_usable = true;
        out->next_log = reading->header.next_log;
        volume->checkpoint_generation =
            reading->header.generation; /* so a bad newer one goes next */
        volume_clock_saw(&volume->clock, reading->header.newest_unix_ms);
        return HEARTH_OK;
    }
    free(out->logs);
    *out = (struct volume_loaded){0};
    volume->checkpoints[reading->which] = 0;
    shard_index_destroy(volume->index);
    volume->index = NULL;
    return shard_index_create(&volume->index, err);
}

enum hearth_code volume_load_index(struct volume *volume, const struct volume_files *files,
    struct volume_loaded *out, struct hearth_err *err)
{
    struct reading readings[2] = {0};
    bool is_good[2];
    for (unsigned i = 0; i < 2; i++) {
        is_good[i] = open_checkpoint(volume, files, i, &readings[i]);
        if (is_good[i]) {
            volume->checkpoints[i] = readings[i].header.generation;
        }
        if (volume->checkpoints[i] > volume->checkpoint_generation) {
            volume->checkpoint_generation = volume->checkpoints[i];
        }
    }
    unsigned newer = readings[1].header.generation > readings[0].header.generation ? 1 : 0;
    enum hearth_code code = HEARTH_OK;
    for (unsigned turn = 0; turn < 2 && !out->is_usable && code == HEARTH_OK; turn++) {
        unsigned i = turn == 0 ? newer : 1 - newer;
        if (is_good[i]) {
            code = try_checkpoint(&readings[i], out, err);
        }
    }
    close_checkpoint(&readings[0]);
    close_checkpoint(&readings[1]);
    return code;
}
