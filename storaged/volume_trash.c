#include "storaged/volume_state.h"

#include <errno.h>
#include <stdlib.h>

/*
 * One deletion: find the shard, have room, append a tombstone, sync it, change the index.
 *
 * A shard whose record is damaged can be deleted like any other: its place in the index is enough.
 */
struct volume_trash_op {
    struct volume *volume;
    struct volume_trash_op *next;
    struct volume_trash *trash;
    struct volume_find find;
    struct room_wish wish;
    struct log_record record;
    uint8_t bytes[RECORD_HEADER_SIZE + TOMBSTONE_BODY_SIZE];
    uint64_t deleted_unix_ms;
    struct task answer;
};

bool volume_trash_has_id(const struct volume *volume, const struct shard_id *id)
{
    const struct volume_trash_op *op = volume->trashes;
    while (op != NULL && !shard_id_equal(&op->find.id, id)) {
        op = op->next;
    }
    return op != NULL;
}

static void unlink_op(struct volume_trash_op *op)
{
    struct volume_trash_op **link = &op->volume->trashes;
    while (*link != op) {
        link = &(*link)->next;
    }
    *link = op->next;
    op->volume->trash_count--;
}

static void run_answer(struct task *task)
{
    struct volume_trash_op *op =
        (struct volume_trash_op *)((char *)task - offsetof(struct volume_trash_op, answer));
    struct volume *volume = op->volume;
    struct volume_wait *wait = &op->trash->wait;
    unlink_op(op);
    volume_find_fini(&op->find);
    free(op);
    volume_close_if_idle(volume);
    wait->done(wait);
}

/* With what is in wait.err. */
static void answer(struct volume_trash_op *op)
{
    op->answer.run = run_answer;
    loop_post(op->volume->loop, &op->answer);
}

static void succeed(struct volume_trash_op *op, enum volume_trash_outcome outcome)
{
    op->trash->outcome = outcome;
    op->trash->wait.err = (struct hearth_err){.code = HEARTH_OK};
    answer(op);
}

/* ---- the tombstone ---- */

static void bar(struct volume_trash_op *op)
{
    struct shard_location location = {.state = SHARD_BARRED,
        .log = op->wish.log->number,
        .offset = op->record.offset,
        .day = trash_day_of(op->deleted_unix_ms)};
    succeed(op, VOLUME_TRASH_BARRED);
    shard_index_insert(op->volume->index, &op->find.id, &location, &op->trash->wait.err);
}

static void move_to_trash(struct volume_trash_op *op)
{
    struct shard_location after = op->find.location;
    after.state = SHARD_TRASHED;
    after.day = trash_day_of(op->deleted_unix_ms);
    shard_index_update(op->volume->index, &op->find.id, &op->find.location, &after);
    succeed(op, VOLUME_TRASH_DONE);
}

static void tombstone_done(struct log_record *record)
{
    struct volume_trash_op *op =
        (struct volume_trash_op *)((char *)record - offsetof(struct volume_trash_op, record));
    if (record->error != 0) {
        bool no_space = record->error == ENOSPC || record->error == EDQUOT;
        hearth_fail_sys(&op->trash->wait.err, no_space ? HEARTH_NO_SPACE : HEARTH_IO, record->error,
            "delete shard %s", shard_id_text(&op->find.id).chars);
        answer(op);
    } else if (op->find.found) {
        move_to_trash(op);
    } else {
        bar(op);
    }
    volume_room_give_back(op->wish.log, 0);
}

static void append_tombstone(struct room_wish *wish)
{
    struct volume_trash_op *op =
        (struct volume_trash_op *)((char *)wish - offsetof(struct volume_trash_op, wish));
    if (wish->err.code != HEARTH_OK) {
        op->trash->wait.err = wish->err;
        hearth_err_prefix(
            &op->trash->wait.err, "delete shard %s", shard_id_text(&op->find.id).chars);
        answer(op);
        return;
    }
    op->deleted_unix_ms = volume_now_unix_ms(op->volume);
    struct tombstone tombstone = {
        .deleted_unix_ms = op->deleted_unix_ms,
        .footer_log = op->find.found ? op->find.location.log : 0,
        .footer_offset = op->find.found ? op->find.location.offset : 0,
    };
    tombstone_encode(&tombstone, op->bytes + RECORD_HEADER_SIZE);
    op->record = (struct log_record){.type = RECORD_TOMBSTONE,
        .id = op->find.id,
        .needs_sync = true,
        .head = op->bytes,
        .body_size = TOMBSTONE_BODY_SIZE,
        .done = tombstone_done};
    log_writer_append(wish->log->writer, &op->record);
}

static void searched(struct volume_find *find)
{
    struct volume_trash_op *op =
        (struct volume_trash_op *)((char *)find - offsetof(struct volume_trash_op, find));
    if (find->err.code != HEARTH_OK && !find->found) {
        op->trash->wait.err = find->err;
        answer(op);
    } else if (find->found && find->location.state != SHARD_LIVE) {
        succeed(op, VOLUME_TRASH_ALREADY);
    } else {
        op->wish = (struct room_wish){.bytes = log_record_room(TOMBSTONE_BODY_SIZE),
            .kind = ROOM_SMALL,
            .done = append_tombstone};
        volume_room_take(op->volume, &op->wish);
    }
}

/* ---- begin ---- */

static enum hearth_code check_turn(
    const struct volume *volume, const struct shard_id *id, struct hearth_err *err)
{
    if (volume_check_writable(volume, err) != HEARTH_OK) {
        return err->code;
    }
    if (!volume->clock.is_known) {
        return hearth_fail(err, HEARTH_NOT_READY, "delete shard %s: the time is not known yet",
            shard_id_text(id).chars);
    }
    if (volume->trash_count >= VOLUME_TRASHES_MAX) {
        return hearth_fail(err, HEARTH_BUSY, "delete shard %s: %u deletions are under way",
            shard_id_text(id).chars, volume->trash_count);
    }
    if (volume_id_is_busy(volume, id)) {
        return hearth_fail(err, HEARTH_BUSY, "delete shard %s: it is being stored or deleted",
            shard_id_text(id).chars);
    }
    return HEARTH_OK;
}

void volume_trash(struct volume *volume, const struct shard_id *id, struct volume_trash *trash)
{
    assert(loop_is_current(volume->loop));
    struct hearth_err *err = &trash->wait.err;
    struct volume_trash_op *op = NULL;
    if (check_turn(volume, id, err) == HEARTH_OK) {
        op = calloc(1, sizeof(*op));
        if (op == NULL) {
            hearth_fail(err, HEARTH_NO_MEMORY, "delete shard %s", shard_id_text(id).chars);
        }
    }
    if (op == NULL) {
        volume_answer(volume, &trash->wait);
        return;
    }
    op->volume = volume;
    op->trash = trash;
    op->next = volume->trashes;
    volume->trashes = op;
    volume->trash_count++;
    op->find.id = *id;
    op->find.done = searched;
    volume_find_start(volume, &op->find);
}
