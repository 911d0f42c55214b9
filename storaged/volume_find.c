#include "storaged/volume_state.h"

#include <inttypes.h>
#include <stdlib.h>

/* One read for the largest footer: a second read costs more than the bytes. */
enum { FIND_READ_SIZE = RECORD_HEADER_SIZE + FOOTER_BODY_MAX };

static void read_next(struct volume_find *find);

/* Of the candidates only the one that was found is still of interest. */
static void let_candidates_go(struct volume_find *find)
{
    for (unsigned i = 0; i < find->candidate_count; i++) {
        bool is_it = find->found && find->location.log == find->candidates[i].log;
        if (is_it && find->log == NULL) {
            find->log = find->logs[i];
        } else if (find->logs[i] != NULL) {
            volume_log_let_go(find->logs[i]);
        }
    }
    find->candidate_count = 0;
}

static void finish(struct volume_find *find)
{
    let_candidates_go(find);
    if (!find->found || find->location.state == SHARD_BARRED) {
        find->footer = (struct shard_footer){0};
    }
    find->done(find);
}

/* It may still be another shard with a similar id, but none that could be read any more. */
static void candidate_damaged(
    struct volume_find *find, enum hearth_code code, int error, const char *why)
{
    const struct shard_location *at = &find->candidates[find->next_candidate - 1];
    find->found = true;
    find->location = *at;
    hearth_fail_sys(&find->err, code, error, "shard %s: record in log %08x at %" PRIu64 " %s",
        shard_id_text(&find->id).chars, at->log, at->offset, why);
    read_next(find);
}

/* Whether a verified record is what the index says of the shard. */
static bool record_fits(struct volume_find *find, const struct record_header *header)
{
    struct view body = view_of(find->record + RECORD_HEADER_SIZE, header->body_size);
    if (find->candidates[find->next_candidate - 1].state == SHARD_BARRED) {
        return header->type == RECORD_TOMBSTONE;
    }
    return header->type == RECORD_SHARD && footer_decode(body, &find->footer);
}

static void check_candidate(struct volume_find *find, uint64_t size)
{
    const struct shard_location *at = &find->candidates[find->next_candidate - 1];
    uint64_t seed = log_seed(find->volume->superblock.salt, at->log);
    struct record_header header;
    bool is_whole = record_header_decode(view_of(find->record, size), seed, at->offset, &header) &&
        RECORD_HEADER_SIZE + (uint64_t)header.body_size <= size &&
        record_verify(view_of(find->record, RECORD_HEADER_SIZE + header.body_size), seed);
    if (!is_whole) {
        candidate_damaged(find, HEARTH_CHECKSUM, 0, "does not verify");
    } else if (!shard_id_equal(&header.id, &find->id)) {
        read_next(find);
    } else if (!record_fits(find, &header)) {
        candidate_damaged(find, HEARTH_CHECKSUM, 0, "is not what the index says");
    } else {
        find->found = true;
        find->location = *at;
        find->err = (struct hearth_err){.code = HEARTH_OK};
        finish(find);
    }
}

static void candidate_read(struct disk_io *io)
{
    struct volume_find *find = io->context;
    if (io->error != 0) {
        candidate_damaged(find, HEARTH_IO, io->error, "cannot be read");
    } else {
        check_candidate(find, io->size);
    }
}

static void read_next(struct volume_find *find)
{
    if (find->next_candidate == find->candidate_count) {
        finish(find);
        return;
    }
    const struct shard_location *at = &find->candidates[find->next_candidate++];
    const struct volume_log *log = find->logs[find->next_candidate - 1];
    if (log == NULL || log->file == NULL) {
        candidate_damaged(find, HEARTH_CHECKSUM, 0, "is lost: there is no such log");
        return;
    }
    find->part = (struct iovec){find->record, FIND_READ_SIZE};
    find->io = (struct disk_io){.request = DISK_READ,
        .file = log->file,
        .offset = at->offset,
        .iov = &find->part,
        .iov_count = 1,
        .done = candidate_read,
        .context = find};
    disk_submit(find->volume->disk, &find->io);
}

/* All at once: the index may change while their records are read. */
static bool gather_candidates(struct volume_find *find)
{
    struct shard_probe probe = {0};
    struct shard_location location;
    while (shard_index_next(find->volume->index, &find->id, &probe, &location)) {
        if (find->candidate_count == FIND_CANDIDATES_MAX) {
            return false;
        }
        struct volume_log *log = volume_log_find(find->volume, location.log);
        if (log != NULL) {
            volume_log_hold(log);
        }
        find->logs[find->candidate_count] = log;
        find->candidates[find->candidate_count++] = location;
    }
    return true;
}

void volume_find_start(struct volume *volume, struct volume_find *find)
{
    find->volume = volume;
    find->err = (struct hearth_err){.code = HEARTH_OK};
    find->found = false;
    find->record = NULL;
    find->log = NULL;
    find->candidate_count = 0;
    find->next_candidate = 0;
    if (!gather_candidates(find)) {
        hearth_fail(&find->err, HEARTH_INTERNAL, "shard %s: too many with similar ids",
            shard_id_text(&find->id).chars);
        finish(find);
        return;
    }
    if (find->candidate_count > 0) {
        find->record = malloc(FIND_READ_SIZE);
        if (find->record == NULL) {
            hearth_fail(
                &find->err, HEARTH_NO_MEMORY, "find shard %s", shard_id_text(&find->id).chars);
            finish(find);
            return;
        }
    }
    read_next(find);
}

void volume_find_fini(struct volume_find *find)
{
    free(find->record);
    find->record = NULL;
    if (find->log != NULL) {
        volume_log_let_go(find->log);
        find->log = NULL;
    }
}
