#include "storaged/volume_put_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- chunks ---- */

static void fail_from_record(
    const struct volume_put *put, const struct log_record *record, struct hearth_err *err)
{
    bool no_space = record->error == ENOSPC || record->error == EDQUOT;
    hearth_fail_sys(err, no_space ? HEARTH_NO_SPACE : HEARTH_IO, record->error, "put shard %s",
        shard_id_text(&put->request.id).chars);
}

static void chunk_placed(struct log_record *record)
{
    struct put_chunk *chunk =
        (struct put_chunk *)((char *)record - offsetof(struct put_chunk, record));
    chunk->put->chunk_offsets[record->part] = record->offset;
}

static unsigned chunks_under_way(const struct volume_put *put)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CHUNKS_UNDER_WAY_MAX; i++) {
        count += put->chunks[i].is_busy;
    }
    return count;
}

static void chunk_done(struct log_record *record)
{
    struct put_chunk *chunk =
        (struct put_chunk *)((char *)record - offsetof(struct put_chunk, record));
    struct volume_put *put = chunk->put;
    for (unsigned i = 0; i < record->piece_count; i++) {
        buf_unref(record->pieces[i].owner);
    }
    chunk->is_busy = false;
    put->busy--;
    if (record->error != 0) {
        fail_from_record(put, record, &put->failure);
    }
    if (put->state == PUT_RECEIVING && put->wait != NULL && !put->is_answering) {
        put->wait->err = put->failure;
        volume_put_answer(put);
    }
    volume_put_free_when_over(put);
}

static struct put_chunk *idle_chunk(struct volume_put *put)
{
    unsigned i = 0;
    while (put->chunks[i].is_busy) {
        i++;
        assert(i < CHUNKS_UNDER_WAY_MAX);
    }
    return &put->chunks[i];
}

static void append_record(struct volume_put *put, struct log_record *record)
{
    uint64_t room = log_record_room(record->body_size);
    assert(room <= put->room_left);
    put->room_left -= room;
    put->busy++;
    log_writer_append(put->log->writer, record);
}

static void drop_gathered(struct volume_put *put)
{
    for (unsigned i = 0; i < put->gathered_count; i++) {
        buf_unref(put->gathered[i].owner);
    }
    put->gathered_count = 0;
}

/* The gathered cells become a chunk. */
static void write_gathered(struct volume_put *put)
{
    struct put_chunk *chunk = idle_chunk(put);
    chunk->put = put;
    chunk->is_busy = true;
    chunk->record = (struct log_record){.type = RECORD_CHUNK,
        .id = put->request.id,
        .part = put->chunk_count++,
        .head = chunk->head,
        .piece_count = put->gathered_count,
        .placed = chunk_placed,
        .done = chunk_done};
    for (unsigned i = 0; i < put->gathered_count; i++) {
        chunk->record.pieces[i] = put->gathered[i];
        chunk->record.body_size += (uint32_t)put->gathered[i].view.size;
    }
    put->gathered_count = 0;
    append_record(put, &chunk->record);
}

/* ---- append ---- */

static enum hearth_code check_cell(
    const struct volume_put *put, struct view cell_and_tag, struct hearth_err *err)
{
    struct shard_id_text id = shard_id_text(&put->request.id);
    if (cell_and_tag.size <= VOLUME_TAG_SIZE ||
        cell_and_tag.size > VOLUME_CELL_SIZE_MAX + VOLUME_TAG_SIZE) {
        return hearth_fail(
            err, HEARTH_INVALID, "put shard %s: a cell of %zu bytes", id.chars, cell_and_tag.size);
    }
    if (put->cell_count > 0 && put->last_cell_size != put->request.cell_size) {
        return hearth_fail(
            err, HEARTH_INVALID, "put shard %s: a cell after one of another size", id.chars);
    }
    if (put->cell_count == put->cells_max ||
        cell_and_tag.size > put->request.length_max - put->length) {
        return hearth_fail(err, HEARTH_INVALID, "put shard %s: more than the %" PRIu64 " bytes",
            id.chars, put->request.length_max);
    }
    return HEARTH_OK;
}

static void count_cell(struct volume_put *put, struct view cell_and_tag)
{
    put->cell_sums[put->cell_count++] = format_sum(cell_and_tag, 0);
    put->last_cell_size = (uint32_t)cell_and_tag.size - VOLUME_TAG_SIZE;
    put->length += cell_and_tag.size;
}

static enum hearth_code check_log(struct volume_put *put, struct hearth_err *err)
{
    if (put->failure.code != HEARTH_OK) {
        *err = put->failure;
        return err->code;
    }
    if (!put->is_here && !volume_log_is_open(put->log)) {
        return hearth_fail(err, HEARTH_IO, "put shard %s: its log has failed",
            shard_id_text(&put->request.id).chars);
    }
    return HEARTH_OK;
}

void volume_put_append(
    struct volume_put *put, struct slice cell_and_tag TAKES, struct volume_wait *wait)
{
    assert(put->state == PUT_RECEIVING && put->wait == NULL);
    put->wait = wait;
    if (check_log(put, &wait->err) != HEARTH_OK ||
        check_cell(put, cell_and_tag.view, &wait->err) != HEARTH_OK) {
        buf_unref(cell_and_tag.owner);
        volume_put_answer(put);
        return;
    }
    count_cell(put, cell_and_tag.view);
    if (put->is_here) {
        buf_unref(cell_and_tag.owner);
        volume_put_succeed(put);
        return;
    }
    put->gathered[put->gathered_count++] = cell_and_tag;
    if (put->gathered_count == CHUNK_CELLS_MAX) {
        write_gathered(put);
    }
    if (chunks_under_way(put) < CHUNKS_UNDER_WAY_MAX) {
        volume_put_succeed(put);
    }
}

/* ---- finish ---- */

static enum hearth_code check_totals(
    const struct volume_put *put, const struct volume_put_totals *totals, struct hearth_err *err)
{
    if (totals->cell_count != put->cell_count || totals->length != put->length ||
        put->cell_count == 0) {
        return hearth_fail(err, HEARTH_INVALID,
            "put shard %s: %" PRIu32 " cells and %" PRIu64 " bytes came, not %" PRIu32
            " and %" PRIu64,
            shard_id_text(&put->request.id).chars, put->cell_count, put->length, totals->cell_count,
            totals->length);
    }
    return HEARTH_OK;
}

static void compare_with_stored(
    struct volume_put *put, const struct volume_put_totals *totals, struct volume_finish *finish)
{
    if (put->stored.length != totals->length ||
        memcmp(put->stored.tag_digest, totals->tag_digest, VOLUME_DIGEST_SIZE) != 0) {
        hearth_fail(&finish->wait.err, HEARTH_CONFLICT,
            "put shard %s: it is here with other content", shard_id_text(&put->request.id).chars);
        volume_put_end(put);
        return;
    }
    finish->stored_unix_ms = put->stored.stored_unix_ms;
    finish->wait.err = (struct hearth_err){.code = HEARTH_OK};
    volume_put_end(put);
}

static void footer_placed(struct log_record *record)
{
    struct volume_put *put =
        (struct volume_put *)((char *)record - offsetof(struct volume_put, footer_record));
    footer_encode(&put->footer, put->chunk_offsets, put->cell_sums,
        put->footer_bytes + RECORD_HEADER_SIZE, record->body_size);
}

static void enter_into_index(struct volume_put *put)
{
    struct shard_location location = {.state = SHARD_LIVE,
        .log = put->log->number,
        .offset = put->footer_record.offset,
        .size = footer_shard_size(&put->footer)};
    put->log->entered_bytes += location.size;
    put->finish->stored_unix_ms = put->footer.stored_unix_ms;
    put->wait->err = (struct hearth_err){.code = HEARTH_OK};
    shard_index_insert(put->volume->index, &put->request.id, &location, &put->wait->err);
}

/* D3: the only place from which a new shard is acknowledged. */
static void footer_done(struct log_record *record)
{
    struct volume_put *put =
        (struct volume_put *)((char *)record - offsetof(struct volume_put, footer_record));
    put->busy--;
    if (record->error != 0) {
        fail_from_record(put, record, &put->wait->err);
    } else {
        assert(put->failure.code == HEARTH_OK);
        enter_into_index(put);
    }
    volume_put_end(put);
}

static enum hearth_code write_footer(
    struct volume_put *put, const struct volume_put_totals *totals, struct hearth_err *err)
{
    uint32_t body_size = footer_body_size(put->cell_count, put->request.note.size);
    put->footer_bytes = calloc(1, RECORD_HEADER_SIZE + (size_t)body_size);
    if (put->footer_bytes == NULL) {
        return hearth_fail(
            err, HEARTH_NO_MEMORY, "put shard %s", shard_id_text(&put->request.id).chars);
    }
    put->footer = (struct shard_footer){.locator = put->request.locator,
        .slot = put->request.slot,
        .p = put->request.p,
        .cell_count = put->cell_count,
        .cell_size = put->request.cell_size,
        .last_cell_size = put->last_cell_size,
        .length = put->length,
        .stored_unix_ms = totals->stored_unix_ms,
        .note = put->request.note,
        .chunk_count = put->chunk_count};
    memcpy(put->footer.tag_digest, totals->tag_digest, VOLUME_DIGEST_SIZE);
    put->footer_record = (struct log_record){.type = RECORD_SHARD,
        .id = put->request.id,
        .needs_sync = true,
        .head = put->footer_bytes,
        .body_size = body_size,
        .placed = footer_placed,
        .done = footer_done};
    append_record(put, &put->footer_record);
    return HEARTH_OK;
}

void volume_put_finish(
    struct volume_put *put, const struct volume_put_totals *totals, struct volume_finish *finish)
{
    assert(put->state == PUT_RECEIVING && put->wait == NULL);
    struct hearth_err *err = &finish->wait.err;
    put->wait = &finish->wait;
    put->finish = finish;
    volume_put_move(put, PUT_FINISHING);
    if (check_log(put, err) != HEARTH_OK || check_totals(put, totals, err) != HEARTH_OK) {
        drop_gathered(put);
        volume_put_end(put);
        return;
    }
    if (put->is_here) {
        compare_with_stored(put, totals, finish);
        return;
    }
    if (put->gathered_count > 0) {
        write_gathered(put);
    }
    if (write_footer(put, totals, err) != HEARTH_OK) {
        volume_put_end(put);
    }
}

void volume_put_abort(struct volume_put *put)
{
    assert(put->state != PUT_FINISHING);
    if (put->state != PUT_OVER) {
        volume_put_move(put, PUT_OVER);
        drop_gathered(put);
    }
    if (put->wait != NULL) {
        hearth_fail(&put->wait->err, HEARTH_CANCELLED, "put shard %s: given up",
            shard_id_text(&put->request.id).chars);
        volume_put_answer(put);
    }
    volume_put_free_when_over(put);
}
