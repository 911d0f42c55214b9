#include "storaged/volume_put_state.h"

#include <inttypes.h>
#include <stdlib.h>

#define TO(state) (1u << (state))
static const uint32_t put_next[PUT_STATES] = {
    [PUT_OPENING] = TO(PUT_RECEIVING) | TO(PUT_OVER),
    [PUT_RECEIVING] = TO(PUT_FINISHING) | TO(PUT_OVER),
    [PUT_FINISHING] = TO(PUT_OVER),
};
#undef TO

void volume_put_move(struct volume_put *put, enum put_state next)
{
    assert(put_next[put->state] & (1u << next));
    put->state = next;
}

bool volume_put_has_id(const struct volume *volume, const struct shard_id *id)
{
    const struct volume_put *put = volume->puts;
    while (put != NULL && !shard_id_equal(&put->request.id, id)) {
        put = put->next;
    }
    return put != NULL;
}

/* ---- its end ---- */

static void unlink_put(struct volume_put *put)
{
    struct volume_put **link = &put->volume->puts;
    while (*link != put) {
        link = &(*link)->next;
    }
    *link = put->next;
    put->volume->put_count--;
}

void volume_put_free_when_over(struct volume_put *put)
{
    if (put->state != PUT_OVER || put->busy > 0 || put->wait != NULL) {
        return;
    }
    struct volume *volume = put->volume;
    if (put->log != NULL) {
        volume_room_give_back(put->log, put->room_left);
    }
    unlink_put(put);
    volume_find_fini(&put->find);
    free(put->footer_bytes);
    free(put->cell_sums);
    free(put);
    volume_close_if_idle(volume);
}

static void run_answer(struct task *task)
{
    struct volume_put *put =
        (struct volume_put *)((char *)task - offsetof(struct volume_put, answer));
    struct volume_wait *wait = put->wait;
    put->wait = NULL;
    put->is_answering = false;
    volume_put_free_when_over(put);
    wait->done(wait);
}

/* With what is in wait->err. */
void volume_put_answer(struct volume_put *put)
{
    if (!put->is_answering) {
        put->is_answering = true;
        put->answer.run = run_answer;
        loop_post(put->volume->loop, &put->answer);
    }
}

void volume_put_succeed(struct volume_put *put)
{
    put->wait->err = (struct hearth_err){.code = HEARTH_OK};
    volume_put_answer(put);
}

void volume_put_end(struct volume_put *put)
{
    volume_put_move(put, PUT_OVER);
    volume_put_answer(put);
}

/* ---- begin ---- */

static enum hearth_code check_request(
    const struct volume_put_request *request, struct hearth_err *err)
{
    if (request->cell_size < 1 || request->cell_size > VOLUME_CELL_SIZE_MAX ||
        request->length_max <= VOLUME_TAG_SIZE || request->note.size > VOLUME_NOTE_SIZE_MAX) {
        return hearth_fail(err, HEARTH_INVALID,
            "put shard %s: cells of %" PRIu32 " bytes, %" PRIu64 " in all, a note of %zu",
            shard_id_text(&request->id).chars, request->cell_size, request->length_max,
            request->note.size);
    }
    return HEARTH_OK;
}

static enum hearth_code check_turn(
    const struct volume *volume, const struct shard_id *id, struct hearth_err *err)
{
    if (volume_check_writable(volume, err) != HEARTH_OK) {
        return err->code;
    }
    if (volume->put_count >= VOLUME_PUTS_MAX) {
        return hearth_fail(err, HEARTH_BUSY, "put shard %s: %u puts are under way",
            shard_id_text(id).chars, volume->put_count);
    }
    if (volume_id_is_busy(volume, id)) {
        return hearth_fail(err, HEARTH_BUSY, "put shard %s: it is being stored or deleted",
            shard_id_text(id).chars);
    }
    return HEARTH_OK;
}

/* Cells that fit length_max. */
static uint32_t cells_max_of(const struct volume_put_request *request)
{
    uint64_t cells =
        (request->length_max - VOLUME_TAG_SIZE - 1) / (request->cell_size + VOLUME_TAG_SIZE) + 1;
    return cells < VOLUME_CELLS_MAX ? (uint32_t)cells : VOLUME_CELLS_MAX;
}

/* The most that the records of the shard take, each alone in its batch. */
static uint64_t room_of(const struct volume_put *put)
{
    uint64_t chunks = chunk_count_of(put->cells_max);
    uint64_t cells = (uint64_t)put->cells_max * (VOLUME_CELL_SIZE_MAX + VOLUME_TAG_SIZE);
    uint64_t body = put->request.length_max < cells ? put->request.length_max : cells;
    return body + chunks * (RECORD_HEADER_SIZE + FORMAT_PAGE_SIZE) +
        log_record_room(footer_body_size(put->cells_max, put->request.note.size));
}

static struct volume_put *create(struct volume *volume, const struct volume_put_request *request)
{
    struct volume_put *put = calloc(1, sizeof(*put));
    if (put == NULL) {
        return NULL;
    }
    put->volume = volume;
    put->request = *request;
    if (request->note.size > 0) {
        memcpy(put->note, request->note.bytes, request->note.size);
    }
    put->request.note = view_of(put->note, request->note.size);
    put->cells_max = cells_max_of(request);
    put->cell_sums = calloc(put->cells_max, sizeof(*put->cell_sums));
    if (put->cell_sums == NULL) {
        free(put);
        return NULL;
    }
    put->next = volume->puts;
    volume->puts = put;
    volume->put_count++;
    return put;
}

static void room_granted(struct room_wish *wish)
{
    struct volume_put *put =
        (struct volume_put *)((char *)wish - offsetof(struct volume_put, wish));
    put->busy--;
    if (wish->err.code == HEARTH_OK) {
        put->log = wish->log;
        put->room_left = wish->bytes;
    }
    if (put->state == PUT_OVER) {
        volume_put_free_when_over(put);
    } else if (wish->err.code != HEARTH_OK) {
        put->wait->err = wish->err;
        hearth_err_prefix(&put->wait->err, "put shard %s", shard_id_text(&put->request.id).chars);
        volume_put_end(put);
    } else {
        volume_put_move(put, PUT_RECEIVING);
        volume_put_succeed(put);
    }
}

static void take_room(struct volume_put *put)
{
    uint64_t bytes = room_of(put);
    if (!volume_room_fits_a_log(put->volume, bytes)) {
        hearth_fail(&put->wait->err, HEARTH_NO_SPACE, "put shard %s: %" PRIu64 " bytes do not fit",
            shard_id_text(&put->request.id).chars, put->request.length_max);
        volume_put_end(put);
        return;
    }
    put->wish.bytes = bytes;
    put->wish.done = room_granted;
    put->busy++;
    volume_room_take(put->volume, &put->wish);
}

static void searched(struct volume_find *find)
{
    struct volume_put *put =
        (struct volume_put *)((char *)find - offsetof(struct volume_put, find));
    put->busy--;
    if (put->state == PUT_OVER) {
        volume_put_free_when_over(put);
    } else if (find->err.code != HEARTH_OK) {
        put->wait->err = find->err;
        volume_put_end(put);
    } else if (!find->found) {
        take_room(put);
    } else if (find->location.state == SHARD_LIVE) {
        put->is_here = true;
        put->stored = find->footer;
        volume_put_move(put, PUT_RECEIVING);
        volume_put_succeed(put);
    } else {
        hearth_fail(&put->wait->err, HEARTH_TRASHED, "put shard %s: it was deleted",
            shard_id_text(&put->request.id).chars);
        volume_put_end(put);
    }
}

struct volume_put *volume_put_begin(
    struct volume *volume, const struct volume_put_request *request, struct volume_wait *wait)
{
    assert(loop_is_current(volume->loop));
    struct volume_put *put = NULL;
    if (check_request(request, &wait->err) == HEARTH_OK &&
        check_turn(volume, &request->id, &wait->err) == HEARTH_OK) {
        put = create(volume, request);
        if (put == NULL) {
            hearth_fail(
                &wait->err, HEARTH_NO_MEMORY, "put shard %s", shard_id_text(&request->id).chars);
        }
    }
    if (put == NULL) {
        volume_answer(volume, wait);
        return NULL;
    }
    put->wait = wait;
    put->find.id = request->id;
    put->find.done = searched;
    put->busy++;
    volume_find_start(volume, &put->find);
    return put;
}
