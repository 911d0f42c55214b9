#include "storaged/volume_inspect.h"

#include "storaged/volume_load.h"

#include <stdlib.h>

enum { PAGE_ENTRIES = 256 };

struct inspecting {
    struct volume_inspection *inspection;
    struct volume *volume;
    uint8_t *record; /* room for the largest footer, and behind it for the largest chunk */
    uint8_t *chunk;
};

/* ---- counting ---- */

static struct inspected_log *find_log(const struct volume_inspection *inspection, uint32_t number)
{
    for (uint32_t i = 0; i < inspection->log_count; i++) {
        if (inspection->logs[i].number == number) {
            return &inspection->logs[i];
        }
    }
    return NULL;
}

static void take_event(void *context, const struct volume_event *event)
{
    struct volume_inspection *inspection = context;
    if (event->kind == VOLUME_INDEX_REBUILT) {
        inspection->is_index_rebuilt = true;
        return;
    }
    struct inspected_log *log = find_log(inspection, event->log);
    if (log != NULL) {
        log->damage++;
    }
    inspection->total.damage++;
    inspection->on_event(inspection->context, event);
}

static void count_entry(struct inspected_log *log, const struct shard_location *at)
{
    log->live += at->state == SHARD_LIVE;
    log->trashed += at->state == SHARD_TRASHED;
    log->barred += at->state == SHARD_BARRED;
    log->live_bytes += at->state == SHARD_LIVE ? at->size : 0;
    log->trash_bytes += at->state == SHARD_TRASHED ? at->size : 0;
}

static enum hearth_code describe_logs(struct inspecting *inspecting, struct hearth_err *err)
{
    struct volume_inspection *inspection = inspecting->inspection;
    const struct volume *volume = inspecting->volume;
    inspection->logs = calloc(volume->log_count + 1u, sizeof(*inspection->logs));
    if (inspection->logs == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "inspect a volume");
    }
    inspection->log_count = volume->log_count;
    for (uint32_t i = 0; i < volume->log_count; i++) {
        inspection->logs[i].number = volume->logs[i]->number;
        inspection->logs[i].bytes = volume->logs[i]->bytes;
        inspection->total.bytes += volume->logs[i]->bytes;
    }
    return HEARTH_OK;
}

static void count_dead(struct inspected_log *log)
{
    uint64_t kept = log->live_bytes + log->trash_bytes;
    log->dead_bytes = log->bytes > kept ? log->bytes - kept : 0;
}

/* ---- one shard ---- */

static struct view read_blocking(const struct inspecting *inspecting, const struct volume_log *log,
    uint64_t offset, uint8_t *bytes, size_t size)
{
    struct iovec part = {bytes, size};
    struct disk_io io = {
        .request = DISK_READ, .file = log->file, .offset = offset, .iov = &part, .iov_count = 1};
    disk_run_blocking(inspecting->volume->disk, &io);
    return view_of(bytes, io.error == 0 ? (size_t)io.size : 0);
}

/* NULL: everything verifies; otherwise what does not. */
static const char *check_cells(const struct inspecting *inspecting, const struct volume_log *log,
    const struct shard_footer *footer)
{
    for (uint32_t chunk = 0; chunk < footer->chunk_count; chunk++) {
        struct view cells =
            read_blocking(inspecting, log, footer_chunk_offset(footer, chunk) + RECORD_HEADER_SIZE,
                inspecting->chunk, footer_chunk_size(footer, chunk));
        if (!footer_chunk_verify(footer, chunk, cells)) {
            return "cells of a shard are not what was stored";
        }
    }
    return NULL;
}

static const char *check_shard(struct inspecting *inspecting, const struct shard_location *at,
    struct shard_id *id, bool *known)
{
    const struct volume_log *log = volume_log_find(inspecting->volume, at->log);
    struct record_header header;
    struct shard_footer footer;
    *known = false;
    if (log == NULL || log->file == NULL) {
        return "the log of a shard is not there";
    }
    struct view record = read_blocking(
        inspecting, log, at->offset, inspecting->record, RECORD_HEADER_SIZE + FOOTER_BODY_MAX);
    if (!record_header_decode(record, log->seed, at->offset, &header)) {
        return "the record of a shard does not verify";
    }
    *id = header.id;
    *known = true;
    size_t size = RECORD_HEADER_SIZE + (size_t)header.body_size;
    enum record_type expected = at->state == SHARD_BARRED ? RECORD_TOMBSTONE : RECORD_SHARD;
    if (header.type != expected || size > record.size ||
        !record_verify(view_of(record.bytes, size), log->seed)) {
        return "the record of a shard does not verify";
    }
    if (at->state == SHARD_BARRED) {
        return NULL;
    }
    return footer_decode(view_of(record.bytes + RECORD_HEADER_SIZE, header.body_size), &footer)
        ? check_cells(inspecting, log, &footer)
        : "the record of a shard does not verify";
}

static void inspect_shard(struct inspecting *inspecting, const struct shard_location *at)
{
    struct volume_inspection *inspection = inspecting->inspection;
    struct inspected_log *log = find_log(inspection, at->log);
    struct shard_id id;
    bool is_known;
    if (log != NULL) {
        count_entry(log, at);
    }
    count_entry(&inspection->total, at);
    const char *wrong = check_shard(inspecting, at, &id, &is_known);
    if (wrong != NULL) {
        take_event(inspection,
            &(struct volume_event){.kind = VOLUME_SHARD_DAMAGED,
                .shard = is_known ? &id : NULL,
                .log = at->log,
                .offset = at->offset,
                .reason = wrong});
    }
}

static void inspect_shards(struct inspecting *inspecting)
{
    struct shard_index_item items[PAGE_ENTRIES];
    uint64_t cursor = 0;
    unsigned count;
    while (
        (count = shard_index_walk(inspecting->volume->index, &cursor, items, PAGE_ENTRIES)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            inspect_shard(inspecting, &items[i].location);
        }
    }
    struct volume_inspection *inspection = inspecting->inspection;
    for (uint32_t i = 0; i < inspection->log_count; i++) {
        count_dead(&inspection->logs[i]);
    }
    count_dead(&inspection->total);
}

/* ---- the volume, without anything that an opening would write ---- */

static enum hearth_code look(
    struct inspecting *inspecting, struct volume_files *files, struct hearth_err *err)
{
    struct volume *volume = inspecting->volume;
    struct volume_inspection *inspection = inspecting->inspection;
    if (volume_files_list(volume->disk, files, err) != HEARTH_OK ||
        shard_index_create(&volume->index, err) != HEARTH_OK ||
        volume_superblock_look(volume, inspection->superblocks, err) != HEARTH_OK ||
        volume_recover(volume, files, err) != HEARTH_OK ||
        describe_logs(inspecting, err) != HEARTH_OK) {
        return err->code;
    }
    inspection->superblock = volume->superblock;
    inspect_shards(inspecting);
    return HEARTH_OK;
}

enum hearth_code volume_inspect_blocking(
    struct volume_inspection *inspection, struct hearth_err *err)
{
    struct volume_files files = {0};
    struct inspecting inspecting = {.inspection = inspection,
        .volume = calloc(1, sizeof(*inspecting.volume)),
        .record = malloc(RECORD_HEADER_SIZE + FOOTER_BODY_MAX),
        .chunk = malloc(CHUNK_BODY_MAX)};
    enum hearth_code code = HEARTH_NO_MEMORY;
    if (inspecting.volume == NULL || inspecting.record == NULL || inspecting.chunk == NULL) {
        hearth_fail(err, HEARTH_NO_MEMORY, "inspect a volume");
        free(inspecting.volume);
    } else {
        struct volume *volume = inspecting.volume;
        volume->options =
            (struct volume_options){.on_event = take_event, .on_event_context = inspection};
        volume->disk = inspection->disk;
        volume->loop = inspection->loop;
        volume->is_read_only = true;
        code = look(&inspecting, &files, err);
        volume_destroy(volume);
    }
    free(files.logs);
    free(inspecting.record);
    free(inspecting.chunk);
    return code;
}

void volume_inspection_fini(struct volume_inspection *inspection)
{
    free(inspection->logs);
    inspection->logs = NULL;
    inspection->log_count = 0;
}
