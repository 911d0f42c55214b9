#include "storaged/volume_state.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * One shard being read.  A read is one run of bytes in each chunk it touches, two at most, and each
 * cell is compared with its sum in the footer before anybody sees it (D2).
 */
struct volume_get {
    struct volume *volume;
    struct volume_find find; /* keeps the footer */
    struct volume_shard_info info;
    bool is_over; /* closed, or never opened: nothing but an answer keeps it */
    bool is_busy; /* a search or a read of the disk is under way */

    struct volume_wait *wait; /* NULL: no call is under way */
    struct task answer;
    bool is_answering;

    struct volume_read *read; /* of the call under way, NULL: it is the opening */
    uint32_t next_cell;       /* to be read from the disk */
    uint32_t end_cell;
    struct buf *cells;
    struct disk_io io;
    struct iovec part;
};

/* ---- its end ---- */

static void free_when_over(struct volume_get *get)
{
    if (!get->is_over || get->is_busy || get->wait != NULL) {
        return;
    }
    struct volume *volume = get->volume;
    volume->get_count--;
    buf_unref(get->cells);
    volume_find_fini(&get->find);
    free(get);
    volume_close_if_idle(volume);
}

static void run_answer(struct task *task)
{
    struct volume_get *get =
        (struct volume_get *)((char *)task - offsetof(struct volume_get, answer));
    struct volume_wait *wait = get->wait;
    if (get->read != NULL && wait->err.code == HEARTH_OK) {
        get->read->cells = get->cells;
        get->cells = NULL;
    }
    get->wait = NULL;
    get->read = NULL;
    get->is_answering = false;
    free_when_over(get);
    wait->done(wait);
}

/* With what is in wait->err. */
static void answer(struct volume_get *get)
{
    if (!get->is_answering) {
        get->is_answering = true;
        get->answer.run = run_answer;
        loop_post(get->volume->loop, &get->answer);
    }
}

static void succeed(struct volume_get *get)
{
    get->wait->err = (struct hearth_err){.code = HEARTH_OK};
    answer(get);
}

/* A shard that cannot be read any more has to be repaired, whoever noticed. */
static void report_damage(const struct volume_get *get, const struct hearth_err *err)
{
    const struct shard_location *at = &get->find.location;
    volume_report(get->volume,
        &(struct volume_event){.kind = VOLUME_SHARD_DAMAGED,
            .shard = &get->find.id,
            .locator = get->find.err.code == HEARTH_OK ? &get->find.footer.locator : NULL,
            .log = at->log,
            .offset = at->offset,
            .reason = err->message});
}

/* ---- open ---- */

static void fill_info(struct volume_get *get)
{
    const struct shard_footer *footer = &get->find.footer;
    get->info = (struct volume_shard_info){.id = get->find.id,
        .locator = footer->locator,
        .slot = footer->slot,
        .p = footer->p,
        .length = footer->length,
        .cell_count = footer->cell_count,
        .cell_size = footer->cell_size,
        .last_cell_size = footer->last_cell_size,
        .stored_unix_ms = footer->stored_unix_ms,
        .trashed = get->find.location.state == SHARD_TRASHED};
    memcpy(get->info.tag_digest, footer->tag_digest, VOLUME_DIGEST_SIZE);
}

static void refuse_open(struct volume_get *get)
{
    get->is_over = true;
    answer(get);
}

static void searched(struct volume_find *find)
{
    struct volume_get *get =
        (struct volume_get *)((char *)find - offsetof(struct volume_get, find));
    get->is_busy = false;
    if (get->is_over) {
        free_when_over(get);
    } else if (find->err.code != HEARTH_OK) {
        get->wait->err = find->err;
        if (find->found) {
            report_damage(get, &find->err);
        }
        refuse_open(get);
    } else if (!find->found || find->location.state == SHARD_BARRED) {
        hearth_fail(&get->wait->err, HEARTH_NOT_FOUND, "shard %s is not here",
            shard_id_text(&find->id).chars);
        refuse_open(get);
    } else {
        fill_info(get);
        succeed(get);
    }
}

static enum hearth_code check_turn(
    const struct volume *volume, const struct shard_id *id, struct hearth_err *err)
{
    if (volume->is_closing) {
        return hearth_fail(err, HEARTH_CANCELLED, "get shard %s: the volume is being closed",
            shard_id_text(id).chars);
    }
    if (volume->get_count >= VOLUME_GETS_MAX) {
        return hearth_fail(err, HEARTH_BUSY, "get shard %s: %u gets are under way",
            shard_id_text(id).chars, volume->get_count);
    }
    return HEARTH_OK;
}

struct volume_get *volume_get_open(
    struct volume *volume, const struct shard_id *id, struct volume_wait *wait)
{
    assert(loop_is_current(volume->loop));
    struct volume_get *get = NULL;
    if (check_turn(volume, id, &wait->err) == HEARTH_OK) {
        get = calloc(1, sizeof(*get));
        if (get == NULL) {
            hearth_fail(&wait->err, HEARTH_NO_MEMORY, "get shard %s", shard_id_text(id).chars);
        }
    }
    if (get == NULL) {
        volume_answer(volume, wait);
        return NULL;
    }
    get->volume = volume;
    get->wait = wait;
    get->find.id = *id;
    get->find.done = searched;
    get->is_busy = true;
    volume->get_count++;
    volume_find_start(volume, &get->find);
    return get;
}

const struct volume_shard_info *volume_get_info(const struct volume_get *get)
{
    return &get->info;
}

/* ---- read ---- */

static void read_next(struct volume_get *get);

/* Bytes of cells [first, end) of the shard, with their tags. */
static size_t size_of_cells(const struct shard_footer *footer, uint32_t first, uint32_t end)
{
    size_t size = 0;
    for (uint32_t cell = first; cell < end; cell++) {
        size += footer_cell_size(footer, cell) + VOLUME_TAG_SIZE;
    }
    return size;
}

static void fail_read(struct volume_get *get, enum hearth_code code, int error, const char *why)
{
    const struct shard_location *at = &get->find.location;
    hearth_fail_sys(&get->wait->err, code, error,
        "shard %s: cells from %" PRIu32 " in log %08" PRIx32 " %s",
        shard_id_text(&get->find.id).chars, get->next_cell, at->log, why);
    report_damage(get, &get->wait->err);
    answer(get);
}

static uint32_t end_of_chunk(const struct volume_get *get)
{
    uint32_t end = (get->next_cell / CHUNK_CELLS_MAX + 1) * CHUNK_CELLS_MAX;
    return end < get->end_cell ? end : get->end_cell;
}

static void part_read(struct disk_io *io)
{
    struct volume_get *get = io->context;
    uint32_t end = end_of_chunk(get);
    get->is_busy = false;
    if (get->is_over) {
        free_when_over(get);
    } else if (io->error != 0) {
        fail_read(get, HEARTH_IO, io->error, "cannot be read");
    } else if (!footer_cells_verify(&get->find.footer, get->next_cell, end,
                   view_of(get->part.iov_base, (size_t)io->size))) {
        fail_read(get, HEARTH_CHECKSUM, 0, "are not what was stored");
    } else {
        get->next_cell = end;
        read_next(get);
    }
}

static void read_next(struct volume_get *get)
{
    if (get->next_cell == get->end_cell) {
        succeed(get);
        return;
    }
    const struct shard_footer *footer = &get->find.footer;
    uint32_t chunk = get->next_cell / CHUNK_CELLS_MAX;
    size_t before = size_of_cells(footer, chunk * CHUNK_CELLS_MAX, get->next_cell);
    size_t size = size_of_cells(footer, get->next_cell, end_of_chunk(get));
    get->part = (struct iovec){get->cells->bytes + get->cells->size, size};
    get->cells->size += size;
    get->io = (struct disk_io){.request = DISK_READ,
        .file = get->find.log->file,
        .offset = footer_chunk_offset(footer, chunk) + RECORD_HEADER_SIZE + before,
        .iov = &get->part,
        .iov_count = 1,
        .done = part_read,
        .context = get};
    get->is_busy = true;
    disk_submit(get->volume->disk, &get->io);
}

static enum hearth_code prepare_read(
    struct volume_get *get, uint32_t first, uint32_t count, struct hearth_err *err)
{
    const struct shard_footer *footer = &get->find.footer;
    if (count < 1 || count > VOLUME_READ_CELLS_MAX || first >= footer->cell_count ||
        count > footer->cell_count - first) {
        return hearth_fail(err, HEARTH_INVALID,
            "shard %s: %" PRIu32 " cells from %" PRIu32 " asked for, it has %" PRIu32,
            shard_id_text(&get->find.id).chars, count, first, footer->cell_count);
    }
    buf_unref(get->cells);
    get->cells = buf_create(size_of_cells(footer, first, first + count));
    if (get->cells == NULL) {
        return hearth_fail(
            err, HEARTH_NO_MEMORY, "read cells of shard %s", shard_id_text(&get->find.id).chars);
    }
    get->next_cell = first;
    get->end_cell = first + count;
    return HEARTH_OK;
}

void volume_get_read(
    struct volume_get *get, uint32_t first, uint32_t count, struct volume_read *read)
{
    assert(!get->is_over && get->wait == NULL);
    get->wait = &read->wait;
    get->read = read;
    if (prepare_read(get, first, count, &read->wait.err) == HEARTH_OK) {
        read_next(get);
    } else {
        answer(get);
    }
}

void volume_get_close(struct volume_get *get)
{
    get->is_over = true;
    if (get->wait != NULL) {
        hearth_fail(&get->wait->err, HEARTH_CANCELLED, "get shard %s: closed",
            shard_id_text(&get->find.id).chars);
        answer(get);
    }
    free_when_over(get);
}
